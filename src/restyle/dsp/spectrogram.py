"""Logarithmic spectrograms of three kinds, block by block, as networks take them. Floor 2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from restyle.dsp.cqt import Cqt
from restyle.dsp.mel import Mel

KINDS = ("stft", "mel", "cqt")
FRAMES = 2048  # transformed at once
CQT_GAIN = 128.0  # a tone then gives what it gives in an stft of 512 samples
CQT_BLOCK, CQT_MARGIN = 20.0, 1.0  # seconds; the lowest filter rings for half a second

DEFAULTS: dict[str, dict[str, Any]] = {
    "stft": {"rate": 22050, "n_fft": 512, "hop": 256},
    "mel": {"rate": 22050, "n_fft": 2048, "hop": 512, "bins": 128, "f_min": 0.0, "f_max": None},
    "cqt": {"rate": 22050, "hop": 256, "f_min": 27.5, "bins": 288, "bins_per_octave": 36, "width": 3.0, "gamma": 8.0},
}


class LogSpectrogram(nn.Module):
    """``log(1 + x)`` of what a transform with a Hann window, mel filters or a constant-Q transform finds.

    Frame ``l`` is centred on sample ``l * hop``, and the signal counts as silent beyond its ends. ``x`` is a magnitude
    (``stft``: that of `Stft`; ``cqt``: 128 times that of `Cqt`) or the power in a band (``mel``: that of `Mel`).

    Args:
        kind: ``stft``, ``mel`` or ``cqt``.
        settings: ``rate`` in Hz, ``hop`` in samples (of any length, for it need not be inverted), and those of the
            kind: ``n_fft`` (stft, mel), ``bins``, ``f_min``, ``f_max`` (mel), ``bins``, ``f_min``, ``bins_per_octave``,
            ``width``, ``gamma`` (cqt); those left out are as in ``DEFAULTS``.

    Raises:
        ValueError: if a setting is unknown or out of range.

    Example:
        >>> spectrogram = LogSpectrogram("stft", n_fft=512, hop=429)
        >>> spectrogram(torch.randn(110252)).shape
        torch.Size([257, 257])
    """

    window: Tensor

    def __init__(self, kind: str = "stft", **settings: Any) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"the kind of a spectrogram must be {', '.join(KINDS)}, not {kind}")
        unknown = sorted(set(settings) - set(DEFAULTS[kind]))
        if unknown:
            raise ValueError(f"a spectrogram of kind {kind} has no setting {', '.join(unknown)}")
        self.kind, self._settings = kind, DEFAULTS[kind] | settings
        self.rate, self.hop = int(self._settings["rate"]), int(self._settings["hop"])
        self.n_fft = int(self._settings.get("n_fft", 0))
        if self.rate < 1 or self.hop < 1 or (kind != "cqt" and self.n_fft < 2):
            raise ValueError(f"rate, hop and n_fft must be above 0, not {self.rate}, {self.hop}, {self.n_fft}")
        own = {name: value for name, value in self._settings.items() if name != "hop"}
        self.mel = Mel(**own) if kind == "mel" else None
        self.cqt = Cqt(**own, hop=self.hop) if kind == "cqt" else None
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> LogSpectrogram:
        """Make one from what `settings` returned, or a part of it.

        Raises:
            ValueError: if a setting is unknown or out of range.
        """
        rest = {name: value for name, value in settings.items() if name not in ("kind", "log1p", "power")}
        if not settings.get("log1p", True):
            raise ValueError("spectrograms are always log1p; leave that setting out")
        result = cls(settings.get("kind", "stft"), **rest)
        if settings.get("power", result.settings()["power"]) != result.settings()["power"]:
            raise ValueError(f"a spectrogram of kind {result.kind} has the power {result.settings()['power']}")
        return result

    @property
    def bins(self) -> int:
        """Number of frequency bins F."""
        return self.n_fft // 2 + 1 if self.kind == "stft" else int(self._settings["bins"])

    def settings(self) -> dict[str, Any]:
        """Return all settings, as stored beside spectrograms and weights."""
        return {"kind": self.kind, **self._settings, "log1p": True, "power": 2 if self.kind == "mel" else 1}

    def frames(self, length: int) -> int:
        """Return the number of frames L of a signal of ``length`` samples."""
        return 1 + length // self.hop

    def forward(self, x: Tensor) -> Tensor:
        """Transform samples ``[T]`` to ``[F, L]``, float32."""
        return torch.cat(list(self.blocks(x)), dim=1)

    def blocks(self, x: Tensor) -> Iterator[Tensor]:
        """Yield the same in blocks ``[F, n]``, one after the other."""
        yield from self._constant_q(x) if self.cqt else self._fourier(x)

    def _fourier(self, x: Tensor) -> Iterator[Tensor]:
        count, half = self.frames(len(x)), self.n_fft // 2
        for first in range(0, count, FRAMES):
            number = min(FRAMES, count - first)
            start = first * self.hop - half
            part = _cut(x, start, start + (number - 1) * self.hop + self.n_fft)
            spectrum = torch.fft.rfft(part.unfold(0, self.n_fft, self.hop) * self.window).T
            yield torch.log1p(self.mel(spectrum.abs().square()) if self.mel else spectrum.abs())

    def _constant_q(self, x: Tensor) -> Iterator[Tensor]:
        assert self.cqt
        count, margin = self.frames(len(x)), round(CQT_MARGIN * self.rate / self.hop) + 1
        block = max(1, round(CQT_BLOCK * self.rate / self.hop))
        for first in range(0, count, block):
            start = (first - margin) * self.hop
            part = _cut(x, start, start + (block + 2 * margin) * self.hop)
            spectrum = self.cqt(part)[:, margin : margin + min(block, count - first)]
            yield torch.log1p(CQT_GAIN * spectrum.abs())


def _cut(x: Tensor, start: int, stop: int) -> Tensor:
    """Samples ``start`` to ``stop``, zeros beyond the ends."""
    part = x[max(0, start) : max(0, stop)]
    return nn.functional.pad(part, (max(0, -start), stop - max(0, start) - len(part)))
