"""Short-time Fourier transform with an exact inverse, and its log1p magnitude. Floor 2."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Stft(nn.Module):
    """Centred short-time Fourier transform with a Hann window, float32.

    Frame ``l`` is centred on sample ``l * hop``; beyond its ends the signal counts as silent, so that every length
    works, shorter than a window too. Frames, scale and phase are those of ``librosa.stft``'s defaults.

    Args:
        n_fft: samples in a window.
        hop: samples between two frames, at most two fifths of ``n_fft`` (else the last samples could not be recovered).

    Raises:
        ValueError: if ``hop`` is too long.

    Example:
        >>> stft = Stft(n_fft=1024, hop=256)
        >>> x = torch.randn(2, 44100)
        >>> y = stft(x)
        >>> y.shape, bool((stft.inverse(y, 44100) - x).abs().max() < 1e-5)
        (torch.Size([2, 513, 173]), True)

    Source: Griffin, Lim, "Signal estimation from modified short-time Fourier transform", IEEE TASSP 1984 (the
    inverse is their least-squares estimate, so it is defined for spectra that belong to no signal as well).
    """

    window: Tensor

    def __init__(self, n_fft: int = 2048, hop: int = 512) -> None:
        super().__init__()
        if not 0 < 5 * hop <= 2 * n_fft:
            raise ValueError(f"hop must be 1 to {2 * n_fft // 5} samples (two fifths of n_fft), not {hop}")
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)
        self._envelopes: dict[int, Tensor] = {}

    @property
    def bins(self) -> int:
        """Number of frequency bins F."""
        return self.n_fft // 2 + 1

    def settings(self) -> dict[str, int]:
        """Return the constructor's arguments, as stored beside weights."""
        return {"n_fft": self.n_fft, "hop": self.hop}

    def frames(self, length: int) -> int:
        """Return the number of frames L of a signal of ``length`` samples."""
        return 1 + length // self.hop

    def forward(self, x: Tensor) -> Tensor:
        """Transform samples ``[..., T]`` to a complex spectrum ``[..., F, 1 + T // hop]``."""
        half = self.n_fft // 2
        padded = nn.functional.pad(x.to(self.window.dtype), (half, self.n_fft - half))
        frames = padded.unfold(-1, self.n_fft, self.hop)[..., : self.frames(x.shape[-1]), :]
        return torch.fft.rfft(frames * self.window).transpose(-1, -2)

    def inverse(self, spectrum: Tensor, length: int) -> Tensor:
        """Return the samples ``[..., length]`` whose transform is nearest to a spectrum ``[..., F, L]``."""
        # in place: fresh memory would take longer than the arithmetic
        frames = torch.fft.irfft(spectrum.transpose(-1, -2), n=self.n_fft).mul_(self.window)
        samples = self._overlap_add(frames).div_(self._envelope(frames.shape[-2]))
        return _fit(samples[..., self.n_fft // 2 :], length)

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """Sum frames ``[..., L, n_fft]``, each ``hop`` samples after the one before."""
        pieces = math.ceil(self.n_fft / self.hop)
        if self.n_fft % self.hop:
            frames = nn.functional.pad(frames, (0, pieces * self.hop - self.n_fft))
        count = frames.shape[-2]
        out = frames.new_zeros(*frames.shape[:-2], count + pieces - 1, self.hop)
        for i in range(pieces):
            out[..., i : i + count, :] += frames[..., i * self.hop : (i + 1) * self.hop]
        return out.flatten(-2)

    def _envelope(self, count: int) -> Tensor:
        """Sum of the squared windows of ``count`` frames, never zero."""
        envelope = self._envelopes.get(count)  # several threads may ask
        if envelope is None or envelope.device != self.window.device:
            if len(self._envelopes) > 4:
                self._envelopes.clear()
            envelope = self._overlap_add((self.window**2).expand(count, -1)).clamp_min(1e-8)
            self._envelopes[count] = envelope
        return envelope


def _fit(samples: Tensor, length: int) -> Tensor:
    """Cut samples ``[..., T]`` to a length, or lengthen them with zeros."""
    return nn.functional.pad(samples, (0, max(0, length - samples.shape[-1])))[..., :length]


def powers(spectrum: Tensor) -> Tensor:
    """Return ``|spectrum|**2`` of a complex spectrum; its root is found in half the time that ``abs`` takes.

    Example:
        >>> powers(torch.tensor([3 + 4j])).sqrt()
        tensor([5.])
    """
    return spectrum.real.square() + spectrum.imag.square()


def log1p_magnitude(spectrum: Tensor) -> Tensor:
    """Return ``log(1 + |spectrum|)`` of a complex spectrum (or of magnitudes).

    Example:
        >>> log1p_magnitude(torch.tensor([3 + 4j])).exp()
        tensor([6.])
    """
    return torch.log1p(spectrum.abs())


def expm1_magnitude(log: Tensor) -> Tensor:
    """Return the magnitudes of a log1p spectrogram, not below 0: the inverse of :func:`log1p_magnitude`."""
    return torch.expm1(log).clamp_min(0)
