"""Musaicing: the content rebuilt from short pieces of the style. Floor 4.

Source: Driedger, Praetzlich, Mueller, "Let it Bee: towards NMF-inspired audio mosaicing", ISMIR 2015. Beyond it:
activations are found on narrow bands instead of bins, the content's long-term spectrum is first brought to the style's,
so that templates are chosen for their pitch, templates are transposed as well, to the content's tuning and by
semitones, and Griffin-Lim refines the phases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from restyle.analysis.facts import Analysis
from restyle.analysis.tuning import Tuning, estimate_tuning
from restyle.audio import Audio, resample
from restyle.dsp.phase import griffin_lim
from restyle.dsp.stft import Stft, powers
from restyle.methods.bandwise import Bandwise, BandwiseMethod, together
from restyle.methods.base import Profile
from restyle.methods.excerpt import clips
from restyle.methods.settings import Count, Positive, Range, Steps, checked

RUN = 8  # neighbouring frames of the style that are kept or left out together, so that they can play on
TINY = 1e-9
FLOOR = 1e-4  # template frames below this part of the loudest (-80 dB) are left out


class MosaicMethod(BandwiseMethod):
    """Rebuild the content from frames of the style, a few at a time.

    Args:
        semitones: how far templates are transposed up and down; 0 uses the style's own pitches only.
        templates: how many frames of the (transposed) style may be used.
        polyphony: how many templates sound together in a frame.
        repetition: frames around an activation in which the same template is discouraged.
        continuity: frames before and after that encourage the style to play on.
        iterations: multiplicative updates.
        contrast: expansion of levels around the style's long-term spectrum; 1 for none.
        refinements: Griffin-Lim iterations; 0 keeps the phases of the style's frames.
        style_seconds: how much of the style a profile keeps.

    Example:
        >>> style = Audio(np.sin(np.arange(8000) * 0.3), 8000)
        >>> method = MosaicMethod(semitones=2)
        >>> result = method.apply(Audio(np.sin(np.arange(6000) * 0.25), 8000), method.fit([style]))
        >>> result.rate, result.samples.shape
        (8000, (1, 6000))
    """

    name: ClassVar[str] = "mosaic"

    @checked
    def __init__(
        self,
        *,
        semitones: Annotated[int, Range(0, 48)] = 12,
        templates: Count = 2000,
        polyphony: Count = 8,
        repetition: Steps = 3,
        continuity: Steps = 3,
        iterations: Count = 10,
        contrast: Positive = 1.1,
        refinements: Steps = 10,
        style_seconds: Annotated[float, Range(0.5, 3600)] = 30.0,
    ) -> None:
        self.semitones, self.templates, self.polyphony = semitones, templates, polyphony
        self.repetition, self.continuity, self.iterations = repetition, continuity, iterations
        self.contrast, self.refinements, self.style_seconds = contrast, refinements, style_seconds

    def _painter(self, content: Audio, profile: Profile, seed: int) -> _Painter:
        return _Painter(self, content, profile)


@dataclass(frozen=True)
class _Templates:
    """Frames of the style: where each starts in its (transposed) sound, and its bands, each summing to one."""

    sounds: list[Tensor]  # padded, so that every frame lies inside
    sound: Tensor  # [K] index into sounds
    start: Tensor  # [K] first sample
    scale: Tensor  # [K] factor that the frame is played with
    bands: Tensor  # [count, K]
    neighbours: Tensor  # [2 * continuity + 1, K] index of the frames before and after; K where there is none

    def spectra(self, used: Tensor, stft: Stft) -> Tensor:
        """Complex spectra ``[F, U]`` of some of the frames."""
        cut = torch.stack(
            [self.sounds[s][t : t + stft.n_fft] for s, t in torch.stack([self.sound, self.start])[:, used].T]
        )
        return torch.fft.rfft(cut * stft.window * self.scale[used, None]).T.contiguous()


class _Painter:
    """Holds what all blocks of one content have in common."""

    @torch.inference_mode()
    def __init__(self, method: MosaicMethod, content: Audio, profile: Profile) -> None:
        self.method = method
        self.grid = Bandwise(content.rate)
        self.stft, self.bands = self.grid.stft, self.grid.bands
        every, reference = self._all_templates(clips(profile, content.rate), Analysis.of(content).tuning)
        self.tilt = self.grid.tilt(content, reference)
        self.templates = _select(every, self._likeness(every, content), method.templates, method.continuity)

    @torch.inference_mode()
    def paint(self, block: Audio, strength: float) -> np.ndarray:
        """Return one block ``[C, T]``; strength cross-fades it with the content's."""
        magnitudes = self.bands(powers(self.grid.spectrum(block)).sqrt())
        if float(magnitudes.max()) <= 1e-7 * self.tilt.peak:
            return (1 - strength) * block.samples
        magnitudes = magnitudes * self.tilt.gain[:, None]
        activations = _activate(together(magnitudes), self.templates, self.method)
        level, which = activations.topk(min(self.method.polyphony, len(activations)), dim=0)
        used = torch.unique(which[level > 0])
        index = torch.searchsorted(used, which).clamp_max(len(used) - 1)
        frames = self.templates.spectra(used, self.stft)
        result = np.empty_like(block.samples)
        for c, channel in enumerate(magnitudes):
            h = level if len(magnitudes) == 1 else _share(channel, self.templates.bands, level, which)
            result[c] = self._sound(frames, index, h, block.length).numpy()
        return (1 - strength) * block.samples + strength * result

    def _sound(self, frames: Tensor, index: Tensor, level: Tensor, length: int) -> Tensor:
        """Play frames ``[F, U]`` picked by ``index`` at ``level`` (both [P, L]): samples ``[T]``."""
        parts = torch.view_as_real(frames.T.contiguous())  # [U, F, 2]

        def mixed(rows: Tensor, gain: Tensor) -> Tensor:
            return nn.functional.embedding_bag(index.T, rows, per_sample_weights=gain.T.contiguous(), mode="sum")

        total = torch.view_as_complex(mixed(parts.flatten(1), level).unflatten(1, (-1, 2))).T
        power = mixed(parts.square().sum(2), level.square()).T
        magnitude = power.sqrt()
        level_now = torch.log(self.bands(magnitude) + TINY * self.tilt.peak) - self.tilt.typical[:, None]
        gain = self.bands.spread(((self.method.contrast - 1) * level_now).clamp(-6, 1))
        return griffin_lim(
            magnitude * gain.exp(), self.stft, length, iterations=self.method.refinements, momentum=0, phase=total
        )

    def _all_templates(self, sounds: list[np.ndarray], tuning: Tuning) -> tuple[_Templates, Tensor]:
        """Frames of all sounds, in a tuning, at all transpositions, and the mean power ``[count]`` untransposed."""
        half, hop = self.stft.n_fft // 2, self.stft.hop
        padded: list[Tensor] = []
        bands, where, reference = [], [], torch.zeros(self.bands.count)
        cents = [tuning.distance(estimate_tuning(Audio(sound, self.grid.rate))) for sound in sounds]
        for shift in range(-self.method.semitones, self.method.semitones + 1):
            for sound, own in zip(sounds, cents, strict=True):
                moved = torch.from_numpy(resample(sound, 2 ** (shift / 12 + own / 1200), 1.0))
                found = self.bands(powers(self.stft(moved)).sqrt())
                starts = torch.arange(found.shape[1]) * hop
                where.append(torch.stack([torch.full_like(starts, len(padded)), starts]))
                padded.append(nn.functional.pad(moved, (half, half + hop)))
                bands.append(found)
                if shift == 0:
                    reference += found.square().mean(1) / len(sounds)
        joined, (sound_of, start) = torch.cat(bands, 1), torch.cat(where, 1)
        total = joined.sum(0)
        loud = total > FLOOR * total.max()
        scale = torch.where(loud, 1 / total.clamp_min(FLOOR * total.max()), 0)
        nothing = torch.empty(0, len(total), dtype=torch.long)
        return _Templates(padded, sound_of, start, scale, joined * scale, nothing), reference

    def _likeness(self, templates: _Templates, content: Audio) -> Tensor:
        """How like the content each template ``[K]`` ever is: the greatest cosine."""
        unit = nn.functional.normalize(templates.bands, dim=0).T
        best = unit.new_zeros(len(unit))
        for piece in self.grid.pieces(content):
            tilted = together(piece) * self.tilt.gain[:, None]
            tilted = tilted / (tilted.norm(dim=0) + 1e-5 * self.tilt.peak + TINY)
            best = torch.maximum(best, (unit @ tilted).amax(1))
        return best


def _select(templates: _Templates, score: Tensor, count: int, continuity: int) -> _Templates:
    """Keep the best runs of frames, ``count`` frames at most, and find each frame's neighbours."""
    audible = templates.scale > 0
    run = templates.sound * 2**32 + torch.arange(len(score)) // RUN
    run = torch.unique(run, return_inverse=True)[1]
    best = torch.zeros(int(run.max()) + 1).scatter_reduce(0, run, torch.where(audible, score, -1), "amax")
    order = best.argsort(descending=True, stable=True)
    sizes = torch.bincount(run[audible], minlength=len(best))[order]
    taken = torch.zeros(len(best), dtype=torch.bool)
    taken[order[(sizes.cumsum(0) <= max(count, int(sizes[0])))]] = True
    kept = torch.nonzero(taken[run] & audible)[:, 0]
    place = torch.full((len(score) + 2 * continuity,), len(kept))
    place[kept + continuity] = torch.arange(len(kept))
    belongs = nn.functional.pad(templates.sound, (continuity, continuity), value=-1)
    neighbours = []
    for d in range(2 * continuity + 1):
        same = belongs[kept + d] == templates.sound[kept]
        neighbours.append(torch.where(same, place[kept + d], len(kept)))
    columns = (
        templates.sound[kept],
        templates.start[kept],
        templates.scale[kept],
        templates.bands[:, kept].contiguous(),
    )
    return _Templates(templates.sounds, *columns, torch.stack(neighbours))


def _activate(target: Tensor, templates: _Templates, method: MosaicMethod) -> Tensor:
    """Activations ``[K, L]`` with which templates give the bands ``[count, L]``: KL divergence, restricted."""
    w, target = templates.bands.double(), target.double()  # single precision flips choices from machine to machine
    h = (w.T @ target) ** 3  # a sharp start needs fewer updates
    h = h / (h.sum(0) + TINY * h.max()) * target.sum(0)
    floor = 1e-7 * target.max()
    for step in range(1, method.iterations + 1):
        keep = 1 - step / method.iterations
        around = nn.functional.max_pool1d(h[None], 2 * method.repetition + 1, 1, method.repetition)[0]
        h = torch.where(h >= around, h, h * keep)
        least = h.topk(min(method.polyphony, len(h)), dim=0).values[-1]
        h = torch.where(h >= least, h, h * keep)
        h = _continued(h, templates.neighbours)
        h = h * (w.T @ (target / (w @ h + floor)))
    return h.float()


def _continued(h: Tensor, neighbours: Tensor) -> Tensor:
    """Add to each activation those of the frames before and after at the times before and after."""
    frames, reach = h.shape[1], len(neighbours) // 2
    if reach == 0:
        return h
    wide = nn.functional.pad(h, (reach, reach, 0, 1))
    total = torch.zeros_like(h)
    for d, rows in enumerate(neighbours):
        total += wide[rows, d : d + frames]
    return total


def _share(target: Tensor, w: Tensor, level: Tensor, which: Tensor, updates: int = 3) -> Tensor:
    """Levels ``[P, L]`` of the chosen templates in one channel with the bands ``[count, L]``."""
    floor = 1e-7 * target.max() + 1e-20
    picked = w[:, which]  # [count, P, L]
    for _ in range(updates):
        result = (picked * level).sum(1) + floor
        level = level * torch.einsum("fpl,fl->pl", picked, target / result)
    return level
