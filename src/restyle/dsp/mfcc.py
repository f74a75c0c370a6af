"""Mel-frequency cepstral coefficients and the way back to a mel spectrogram. Floor 2."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Mfcc(nn.Module):
    """Orthonormal cosine transform (DCT-II) of mel spectrograms in dB.

    After ``Stft``, power, ``Mel`` and ``power_to_db`` these are the coefficients of ``librosa.feature.mfcc``'s
    defaults.

    Args:
        bins: number of mel bands M.
        n_mfcc: number of coefficients, at most ``bins``; the lowest are the smoothest shapes.

    Raises:
        ValueError: if there are more coefficients than bands.

    Example:
        >>> mfcc = Mfcc(bins=40, n_mfcc=40)
        >>> level = torch.randn(40, 10)
        >>> mfcc(level).shape, bool((mfcc.inverse(mfcc(level)) - level).abs().max() < 1e-5)
        (torch.Size([40, 10]), True)

    Source: Davis, Mermelstein, "Comparison of parametric representations for monosyllabic word recognition", IEEE TASSP
    1980.
    """

    cosines: Tensor

    def __init__(self, bins: int = 128, n_mfcc: int = 20) -> None:
        super().__init__()
        if not 0 < n_mfcc <= bins:
            raise ValueError(f"{n_mfcc} coefficients cannot be taken from {bins} bands: take 1 to {bins}")
        self.bins, self.n_mfcc = bins, n_mfcc
        row, column = torch.arange(n_mfcc, dtype=torch.float64)[:, None], torch.arange(bins, dtype=torch.float64)
        cosines = math.sqrt(2 / bins) * torch.cos(math.pi * row * (column + 0.5) / bins)
        cosines[0] /= math.sqrt(2)
        self.register_buffer("cosines", cosines.float(), persistent=False)

    def settings(self) -> dict[str, int]:
        """Return the constructor's arguments, as stored beside weights."""
        return {"bins": self.bins, "n_mfcc": self.n_mfcc}

    def forward(self, level: Tensor) -> Tensor:
        """Transform dB of mel bands ``[..., M, L]`` to coefficients ``[..., n_mfcc, L]``."""
        return self.cosines @ level.to(self.cosines.dtype)

    def inverse(self, coefficients: Tensor) -> Tensor:
        """Return dB of mel bands ``[..., M, L]`` from coefficients ``[..., n_mfcc, L]``.

        Exact with as many coefficients as bands; else the smooth shape that least squares finds.
        """
        return self.cosines.T @ coefficients.to(self.cosines.dtype)
