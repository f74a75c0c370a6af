"""Style through a genre classifier's features: gains optimised until it sees the style's statistics. Floor 4.

Source: Gatys, Ecker, Bethge, "Image style transfer using convolutional neural networks", CVPR 2016. Unlike theirs, the
network was trained on spectrograms of music, means and variances of every frequency count beside Gram matrices (Li et
al., "Demystifying neural style transfer", IJCAI 2017), and what is optimised is a gain of the content's spectrum, in
several scales at once: the fine structure, the channels and the phase remain the content's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.genre import infer as genre
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.bands import smoothed
from restyle.dsp.blocks import Progress, Span
from restyle.dsp.gram import content_loss, gram, relative
from restyle.dsp.levels import rms
from restyle.dsp.stft import Stft
from restyle.errors import RestyleError
from restyle.io.networks import fingerprint
from restyle.methods.base import SILENT_STYLE, Profile, of_recordings
from restyle.methods.descent import descend
from restyle.methods.settings import NotNegative, Positive, Range, Steps, Weights, checked
from restyle.threads import single

LEVEL = 0.1  # root mean square of all that the network sees
QUIET = 0.01  # a block below this part of the whole's level is not brought up to it
SILENT = 1e-5
SECONDS, CONTEXT = 20.0, 1.5  # of blocks
EDGE, RIM = 0.9, 16  # above this part of what the style holds, gains are the mean of so many bins below
KINDS = ("gram", "mean", "square")  # of what is averaged of a layer
SMOOTHING = torch.hann_window(15)[1:-1]  # of bins of a long-term spectrum
LIMIT = 4.0  # of the natural logarithm of a gain (35 dB)


class GatysMethod:
    """Change the levels of the content's spectrogram until the classifier's layers see the style's statistics.

    Args:
        content_weight: how much the features of the content count beside the style's statistics.
        layers: of the classifier, whose statistics are the style.
        content_layers: whose features are the content.
        scales: sizes in bins and frames of the pieces of spectrogram that share a gain; all act at once.
        iterations: optimisation steps at most.
        step: size of a step (Adam), in nepers.
        patience: stop when ten steps improve the loss by less than this part.
        weights: of the classifier; those that come with the package by default.

    Example:
        >>> style = Audio(np.random.default_rng(0).normal(size=22050) / 10, 22050)
        >>> method = GatysMethod(iterations=2)
        >>> result = method.apply(Audio(np.sin(np.arange(16000) * 0.25), 16000), method.fit([style]))
        >>> result.rate, result.samples.shape
        (16000, (1, 16000))
    """

    name: ClassVar[str] = "gatys"
    plays_notes: ClassVar[bool] = False

    @checked
    def __init__(
        self,
        *,
        content_weight: NotNegative = 1.5,
        layers: Sequence[str] = ("entry", "block1", "block2"),
        content_layers: Sequence[str] = ("entry", "block2"),
        scales: Sequence[Annotated[int, Range(1, 1024)]] = (1, 4, 16),
        iterations: Steps = 60,
        step: Positive = 0.1,
        patience: NotNegative = 0.005,
        weights: Weights = None,
    ) -> None:
        self.content_weight, self.iterations, self.step, self.patience = content_weight, iterations, step, patience
        self.layers, self.content_layers, self.scales = tuple(layers), tuple(content_layers), tuple(scales)
        self.network = genre.load(weights)
        known = self.network.model.layers
        unknown = [layer for layer in (*self.layers, *self.content_layers) if layer not in known]
        if unknown:
            raise RestyleError(f"the classifier has no layer '{unknown[0]}'; choose from {', '.join(known)}")
        self.fingerprint = fingerprint(self.network.model, repr(self.layers))

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Average what the classifier's layers see in the style.

        Returns:
            For each layer ``gram.LAYER`` ``[C, C]``, ``mean.LAYER`` and ``deviation.LAYER`` ``[C, F']``;
            ``spectrum`` ``[F]``, the mean power; ``top`` ``[1]``, the frequency in Hz where the clips end;
            ``network``, which classifier it was.

        Raises:
            RestyleError: if the style is silent.
        """
        sums: dict[str, Tensor] = {}
        frames = 0
        for clip in style:
            level = _level(clip)
            for span in _spans(clip):
                samples = blocks.mono(clip, span.start, span.stop, self.network.transform.rate)
                if rms(samples) <= max(SILENT, QUIET * level):
                    continue
                seen = self._moments(self._transform(samples * (LEVEL / rms(samples))))
                for key, value in seen.items():
                    sums[key] = sums.get(key, 0) + value * len(samples)
                frames += len(samples)
        if not frames:
            raise RestyleError(SILENT_STYLE)
        means = {key: value / frames for key, value in sums.items()}
        for layer in self.layers:
            means[f"deviation.{layer}"] = _deviation(means[f"mean.{layer}"], means.pop(f"square.{layer}"))
        top = min(self.network.transform.rate, max(clip.rate for clip in style)) / 2
        more = {"top": np.array([top], np.float32), "network": self.fingerprint}
        return {key: value.numpy() for key, value in means.items()} | more

    def _transform(self, samples: np.ndarray) -> Tensor:
        return self.network.transform(torch.from_numpy(samples))

    def _moments(self, x: Tensor) -> dict[str, Tensor]:
        """What is averaged of a log1p spectrogram ``[F, L]``."""
        seen = {"spectrum": torch.expm1(x).square().mean(1)}
        with torch.no_grad():
            for layer, feature in zip(self.layers, self._features(x, self.layers), strict=True):
                for kind, value in zip(KINDS, _statistics(feature), strict=True):
                    seen[f"{kind}.{layer}"] = value
        return seen

    def _features(self, x: Tensor, layers: Sequence[str]) -> list[Tensor]:
        """``[C, F', L']`` of each layer."""
        return [feature[0] for feature in self.network.model.features(x[None], layers)]

    @of_recordings
    def apply(self, content: Audio, profile: Profile, *, strength: float, seed: int, progress: Progress) -> Audio:
        """Return the content as the classifier sees the style; in between, strength scales the gains in dB.

        Raises:
            RestyleError: if the content is notes instead of a recording, or the style was learnt with another
                classifier or other layers.
        """
        if not np.array_equal(profile.get("network", []), self.fingerprint):
            raise RestyleError("the style was learnt with another classifier or other layers; learn it again")
        painter = _Painter(self, content, profile)
        result = partial(painter.paint, strength=strength)
        return blocks.process(content, result, seconds=SECONDS, context=CONTEXT, progress=progress)


class _Painter:
    """Holds what all blocks of one content have in common."""

    def __init__(self, method: GatysMethod, content: Audio, profile: Profile) -> None:
        self.method, self.content_level = method, _level(content)
        known = {key: torch.from_numpy(value) for key, value in profile.items() if key != "network"}
        self.spectrum = known["spectrum"]
        self.targets = [[known[f"{kind}.{layer}"] for kind in ("gram", "mean", "deviation")] for layer in method.layers]
        transform = method.network.transform
        self.top = int(known["top"][0] / transform.rate * transform.n_fft)  # the last bin that the style holds
        ratio = content.rate / transform.rate
        n_fft = 4 * max(1, round(transform.n_fft * ratio / 4))
        self.stft = Stft(n_fft, n_fft // 4)
        self.rate, self.ratio = content.rate, ratio

    def paint(self, block: Audio, span: Span, *, strength: float) -> np.ndarray:
        """Return one block ``[C, T]``."""
        transform = self.method.network.transform
        samples = blocks.mono(block, 0, block.length, transform.rate)
        level = max(rms(samples), QUIET * self.content_level)
        if level <= SILENT:
            return block.samples
        start = self.method._transform(samples * (LEVEL / level))
        start[self.top + 1 :] = 0  # the style cannot say how much there should be
        gain = self._on(self._optimise(start), block.length)
        spectrum = self.stft(torch.from_numpy(np.nan_to_num(block.samples)))
        return self.stft.inverse(spectrum * (strength * gain).exp(), block.length).numpy()

    def _on(self, gain: Tensor, length: int) -> Tensor:
        """Bring gains ``[F, L]`` onto the grid of the content's own transform, which may go higher."""
        transform, stft = self.method.network.transform, self.stft
        edge = int(EDGE * self.top)
        above = gain[max(0, edge - RIM) : edge].mean(0, keepdim=True)
        gain = torch.cat([gain[:edge], above])
        bins = torch.arange(stft.bins) * (self.rate / stft.n_fft) / (transform.rate / transform.n_fft)
        frames = torch.arange(stft.frames(length)) * (stft.hop / self.ratio / transform.hop)
        return _at(_at(gain, frames).T, bins).T

    def _optimise(self, start: Tensor) -> Tensor:
        """Return the natural logarithm of a gain ``[F, L]`` of a log1p spectrogram ``[F, L]``."""
        method, size = self.method, start.shape
        magnitude = torch.expm1(start)
        tilt = self._tilt(magnitude.square().mean(1))
        gains = [_Gain(size, scale) for scale in method.scales]
        with torch.no_grad():
            target = method._features(torch.log1p(magnitude * tilt.exp()[:, None]), method.content_layers)

        def loss() -> Tensor:
            return self._loss(torch.log1p(magnitude * _total(gains, tilt).exp()), target)

        values = [gain.values for gain in gains]
        descend(values, loss, iterations=method.iterations, step=method.step, patience=method.patience)
        with torch.no_grad():
            return _total(gains, tilt)

    def _tilt(self, power: Tensor) -> Tensor:
        """Natural logarithm of the gain ``[F]`` that gives a mean power the style's, where both are smooth."""
        # power is smoothed, not its logarithm: between few partials there is nothing to lift
        own, target = (torch.log(smoothed(p, SMOOTHING) + 1e-8 * p.max()) / 2 for p in (power, self.spectrum))
        return (target - own).clamp(-LIMIT, LIMIT)

    def _loss(self, x: Tensor, content: Sequence[Tensor]) -> Tensor:
        names = [*self.method.layers, *self.method.content_layers]
        found = self.method._features(x, names)
        style = found[: len(self.method.layers)]
        loss = self.method.content_weight * content_loss(found[len(style) :], content)
        for feature, targets in zip(style, self.targets, strict=True):
            grams, mean, square = _statistics(feature)
            pairs = zip((grams, mean, _deviation(mean, square)), targets, strict=True)
            loss = loss + torch.stack([relative(value, target) for value, target in pairs]).sum()
        return loss


def _statistics(feature: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gram matrix ``[C, C]``, mean and mean square over time ``[C, F']`` of a layer's ``[C, F', L']``."""
    return gram(feature.flatten(1)), feature.mean(-1), feature.square().mean(-1)


def _deviation(mean: Tensor, square: Tensor) -> Tensor:
    return (square - mean.square()).clamp_min(1e-8).sqrt()  # the square root of 0 has no gradient


class _Gain:
    """Gains of pieces of a spectrogram ``[F, L]``, ``scale`` bins high and frames long, interpolated between them."""

    def __init__(self, size: torch.Size, scale: int) -> None:
        rows, columns = (-(-n // scale) for n in size)
        self.values = torch.zeros(rows, columns, requires_grad=True)
        self.up, self.along = (_interpolation(m, n) for m, n in ((rows, size[0]), (columns, size[1])))
        self.scale = scale

    def whole(self) -> Tensor:
        """``[F, L]``."""
        return self.values if self.scale == 1 else self.up @ self.values @ self.along.T


def _interpolation(few: int, many: int) -> Tensor:
    """The matrix ``[many, few]`` that interpolates linearly."""
    return nn.functional.interpolate(torch.eye(few)[None], size=many, mode="linear", align_corners=False)[0].T


def _total(gains: Sequence[_Gain], tilt: Tensor) -> Tensor:
    """The natural logarithm of all gains together, ``[F, L]``."""
    return (sum((gain.whole() for gain in gains), tilt[:, None])).clamp(-LIMIT, LIMIT)


def _spans(clip: Audio) -> Iterator[Span]:
    return blocks.spans(clip.length, round(SECONDS * clip.rate), 0)


def _level(clip: Audio) -> float:
    """Root mean square of a whole sound, block by block."""
    parts = ((blocks.mono(clip, span.start, span.stop, clip.rate), span) for span in _spans(clip))
    total = sum(rms(samples) ** 2 * (span.stop - span.start) for samples, span in parts)
    return float(np.sqrt(total / max(1, clip.length)))


def _at(values: Tensor, places: Tensor) -> Tensor:
    """Interpolate ``[..., N]`` at places 0..N-1; beyond the last one it stays as it is there."""
    places = places.clamp(0, values.shape[-1] - 1)
    low = places.long()
    part = places - low
    return values[..., low] * (1 - part) + values[..., (low + 1).clamp_max(values.shape[-1] - 1)] * part
