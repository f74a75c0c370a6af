"""Figures that others published for the same protocol on other data, to stand beside ours. Floor 6."""

from __future__ import annotations

# Cífka, Ozerov, Şimşekli, Richard, "Self-supervised VQ-VAE for one-shot music style transfer", ICASSP 2021,
# arXiv 2102.05749, 'artificial' test: other MIDI files, another SoundFont. Ratios to the copy of the content compare;
# the figures themselves do not. Its timbre distance is learnt, so it is not ours.
ARTIFICIAL = {
    "content, published": {"quality.lsd": 14.62, "content.pitch": 0.5365},
    "style, published": {"quality.lsd": 20.36, "content.pitch": 0.8729},
    "Ulyanov & Lebedev, published": {"quality.lsd": 14.50, "content.pitch": 0.5441},
    "musaicing, published": {"quality.lsd": 14.51, "content.pitch": 0.6445},
    "VQ-VAE, published": {"quality.lsd": 12.16, "content.pitch": 0.5500},
}
NOTE = "published: Cífka et al. 2021 (arXiv 2102.05749), other data; compare ratios to the copy of the content"
