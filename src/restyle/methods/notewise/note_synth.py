"""`note_synth`: the content's notes, played by a network that has heard the style's. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import ClassVar, NamedTuple

import numpy as np
import torch

from restyle.analysis.partials import HOP, MOST, measured, partial_ratios
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.dsp.pitch import midi_to_hz
from restyle.dsp.spectral_loss import multi_scale_spectral_loss
from restyle.errors import RestyleError
from restyle.io import networks as trained
from restyle.io import weights as files
from restyle.methods.descent import Adam
from restyle.methods.notewise.conditioning import bands, batch, median_level, median_velocity, shift, voices
from restyle.methods.notewise.envelopes import rows, unpacked
from restyle.methods.notewise.mixing import Mixture
from restyle.methods.notewise.model import HOP as SAMPLES
from restyle.methods.notewise.model import Heard, NoteSynth
from restyle.methods.notewise.notes import NotesMethod
from restyle.methods.notewise.timbre import Instrument, Timbre, Tone
from restyle.methods.settings import Decibels, Steps, Weights, checked
from restyle.notes import Notes

WEIGHTS = "note_synth.safetensors"
MEASURED = "measured/"  # names of what `notes` learns begin so
LEARNT = 0.5  # share of the network in each level in dB; the rest is measured: their errors differ
ROWS = 900  # moments of a style that are kept
MOMENTS = (0, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27, 36, 48, 64, 85, 113, 150, 200, 260, 340, 440, 560)  # frames
LONGEST = MOMENTS[-1]  # frames of a note that the network is asked for; then it goes on as it faded
FADING = 10  # frames after the end from which the release is read
STEP = 4.0  # dB of touch that count as alike
HARDEST = 12.0  # dB of touch
MOST_TONES = 256  # kept for notes alike
FIT_RATE, FIT_SECONDS, FIT_VOICES = 16000, 1.0, 8  # of the sound that fitting compares
FIT_STEP = 0.05


class NoteSynthMethod(NotesMethod):
    """Transcribe both; a network that has learnt many instruments hears the style's notes and plays the content's.

    What the style plays near a note is copied, what it does not is inferred, and the result is averaged with what
    `notes` measures. The content's dynamics, vibrato, glides and stereo places are followed, and what it holds beside
    its notes is kept, as in `notes`.

    Args:
        unpitched: level of the unpitched part in dB that is kept of a content that is not taken apart; -120 leaves it
            out.
        fallback: whether what is in doubt of the content's notes is mixed in or, where it is taken apart, also decides
            which grains are chosen; the record says how far.
        transcriber: weights of a transcriber of your own; those that come with the package by default.
        fit: steps in which the network is fitted to the style by a spectral loss, before it plays; each takes about
            a hundredth of a second.
        weights: of the network; by default those that come with the package.

    Raises:
        RestyleError: if the weights cannot be read.

    Example:
        >>> NoteSynthMethod().plays_notes
        True

    Source: Engel et al., "DDSP: differentiable digital signal processing", ICLR 2020 (what is synthesised, and the
    loss); attention over a reference as in Vinyals et al., "Matching networks for one shot learning", NeurIPS 2016.
    """

    name: ClassVar[str] = "note_synth"

    @checked
    def __init__(
        self,
        *,
        unpitched: Decibels = 0.0,
        fallback: bool = True,
        transcriber: Weights = "",
        fit: Steps = 60,
        weights: Weights = "",
    ) -> None:
        super().__init__(unpitched=unpitched, fallback=fallback, transcriber=transcriber)
        self.steps = fit
        self.network = _load(Path(weights) if weights else files.bundled(WEIGHTS))

    def learn(self, style: Sequence[Audio], notes: Sequence[Notes]) -> dict[str, np.ndarray]:
        """Measure the notes of each clip, and fit the network to them if asked to."""
        heard = [list(measured(clip, own)) for clip, own in zip(style, notes, strict=True)]
        tables = [rows(sounds, own) for sounds, own in zip(heard, notes, strict=True)]
        sounds = [sound for own in heard for _, sound in own]
        if not sounds:
            return {}
        told = [_Lesson.of(clip, table) for clip, table in zip(style, tables, strict=True) if len(table)]
        bias = self._fitted(told) if self.steps else np.zeros(self.network.biases, np.float32)
        rate = max(clip.rate for clip in style)
        learnt = {"heard": _clearest(np.concatenate(tables)), "bias": bias, "rate": np.array([rate])}
        return learnt | {f"{MEASURED}{name}": array for name, array in Timbre.learn(sounds, rate).arrays().items()}

    def timbre(self, learnt: dict[str, np.ndarray]) -> Instrument:
        """Return what plays notes halfway between what was measured and what the network makes of it."""
        own = {name.removeprefix(MEASURED): array for name, array in learnt.items() if name.startswith(MEASURED)}
        return Mixture([NeuralTimbre(self.network, learnt), Timbre.of(own)], [LEARNT, 1 - LEARNT])

    def _fitted(self, clips: Sequence[_Lesson]) -> np.ndarray:
        """What must be added to the network's results so that the style's own notes sound as they do."""
        bias = torch.zeros(self.network.biases, requires_grad=True)
        optimiser = Adam([bias], step=FIT_STEP)
        rng, drawn = np.random.default_rng(0), torch.Generator().manual_seed(0)
        centres, frames = torch.from_numpy(bands()).float(), int(FIT_SECONDS * FIT_RATE / SAMPLES)
        share = np.array([len(clip.rows) for clip in clips]) / sum(len(clip.rows) for clip in clips)
        for _ in range(self.steps):
            clip = clips[rng.choice(len(clips), p=share)]
            start = float(rng.uniform(0, max(0.01, len(clip.sound) / FIT_RATE - FIT_SECONDS)))
            asked, ratios = voices(clip.rows, start, frames, SAMPLES / FIT_RATE, usual=clip.usual, most=FIT_VOICES)
            truth = clip.sound[round(start * FIT_RATE) :][: (frames - 1) * SAMPLES]
            if not len(asked) or float(truth.abs().max()) < 1e-4:
                continue
            told = (clip.heard, asked, ratios, clip.level, centres)
            output = self.network.sound(*told, rate=FIT_RATE, generator=drawn, bias=bias)
            optimiser.zero_grad()
            multi_scale_spectral_loss(output[: len(truth)], truth).backward()
            optimiser.step()
        return bias.detach().numpy()


class _Lesson(NamedTuple):
    """A clip that the network is fitted to: its sound, its notes, and what the network hears of them."""

    sound: torch.Tensor
    rows: np.ndarray
    heard: Heard
    level: float
    usual: float

    @classmethod
    def of(cls, clip: Audio, table: np.ndarray) -> _Lesson:
        sound = torch.from_numpy(blocks.mono(clip, 0, clip.length, FIT_RATE))
        heard = _clearest(table).copy()
        level, usual = median_level(heard), median_velocity(heard)
        shift(heard, -level)
        known = torch.from_numpy(bands() <= min(clip.rate, FIT_RATE) / 2).float()
        return cls(sound, table, batch([heard], known), level, usual)


class NeuralTimbre:
    """The notes of a style, and the network that plays others after them.

    Args:
        network: what plays.
        learnt: ``heard`` (rows of `envelopes`), ``bias`` and ``rate``.
    """

    def __init__(self, network: NoteSynth, learnt: dict[str, np.ndarray]) -> None:
        self.network, self.rate = network, int(learnt["rate"][0])
        table = learnt["heard"].astype(np.float32)
        self.level = median_level(table)
        shift(table, -self.level)
        known = torch.from_numpy(bands() <= self.rate / 2).float()
        self.stiffness = table[:, [0, 8]]
        self.heard, self.bias = batch([table], known), torch.from_numpy(learnt["bias"])
        self.centres = torch.from_numpy(np.log2(bands())).float()
        with torch.inference_mode():
            self.encoded = network.encode(self.heard)
        self._known: dict[tuple[int, int, int, int], Tone] = {}
        self._changing = Lock()

    def tone(self, pitch: float, frames: int, rate: int, touch: float = 0.0) -> Tone:
        """Return how the style would play a pitch; see `methods.notewise.timbre.Instrument`."""
        frames = max(3, frames)
        length = round(2 ** (np.ceil(np.log2(max(16, frames)) * 2) / 2))  # few lengths, so that tones are used again
        hard = round(float(np.clip(touch, -HARDEST, HARDEST)) / STEP)
        key = (round(pitch * 2), length, rate, hard)
        known = self._known.get(key)  # several threads may ask
        if known is None:
            known = self._compute(key[0] / 2, length, rate, hard * STEP)
            with self._changing:
                while len(self._known) >= MOST_TONES:
                    del self._known[next(iter(self._known))]  # the oldest
                self._known[key] = known
        return replace(known, amplitude=known.amplitude[:, :frames], noise=known.noise[:, :frames])

    def _compute(self, pitch: float, frames: int, rate: int, touch: float) -> Tone:
        near = np.abs(self.stiffness[:, 0] - pitch)
        stiffness = float(np.median(self.stiffness[near <= near.min() + 3, 1]))
        ratios = partial_ratios(MOST, stiffness)
        f0 = float(midi_to_hz(pitch))
        count = max(1, int(np.sum(f0 * ratios < 0.48 * rate)))
        at = np.array([k for k in MOMENTS if k < min(frames, LONGEST)])
        asked = np.array([*at, min(frames, LONGEST) + FADING])
        amplitude, noise = self._ask(pitch, asked * HOP, min(frames, LONGEST) * HOP, touch, count)
        if touch:  # how loud the usual touch would be
            level = self.tone(pitch, frames, rate).level - self.level
        else:
            level = float(_loudness(amplitude[:, :-1]).max())
        own = _loudness(amplitude)
        release = float(np.clip((own[-1] - own[-2]) / (FADING * HOP), -600, -20))
        beyond = np.log2(np.maximum(1, f0 * ratios[:count] / (0.47 * self.rate)))
        held, hiss = (_drawn(x[:, :-1], at, frames) for x in (amplitude - 24 * beyond[:, None], noise))
        loudest = own[:-1].max()
        levels = ((held - loudest).astype(np.float32), (hiss - loudest).astype(np.float32))
        return Tone(*levels, level + self.level, stiffness, release)

    def _ask(
        self, pitch: float, times: np.ndarray, duration: float, touch: float, count: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Partials ``[K, Q]`` and noise ``[M, Q]`` in dB at some times of a note."""
        queries = np.stack(np.broadcast_arrays(pitch, times, times - duration, duration, touch), axis=1)
        asked = torch.from_numpy(queries[None].astype(np.float32))
        with torch.inference_mode():
            played = self.network.play(self.heard, self.encoded, asked, self.centres, self.bias)
            partials = self.network.partials_of(played, asked[..., :1], self.centres, count)
        noise = played.noise + 20 * self.network.hiss
        return partials[0].T.double().numpy(), noise[0].T.double().detach().numpy()


def _loudness(amplitude: np.ndarray) -> np.ndarray:
    return np.asarray(10 * np.log10(np.sum(10 ** (amplitude / 10), axis=0) + 1e-12))


def _drawn(curve: np.ndarray, at: np.ndarray, frames: int) -> np.ndarray:
    """Join values at some frames ``[K, Q]`` by lines, ``[K, L]``; beyond the last they go on as they fell."""
    place = np.interp(np.arange(frames), at, np.arange(len(at)))
    low = np.minimum(place.astype(int), max(0, len(at) - 2))
    high = np.minimum(low + 1, len(at) - 1)
    part = place - low
    output = curve[:, low] * (1 - part) + curve[:, high] * part
    if frames > at[-1] + 1 and len(at) > 4:
        slope = np.minimum(0, (curve[:, -1] - curve[:, -4]) / (at[-1] - at[-4]))
        output = output + slope[:, None] * np.maximum(0, np.arange(frames) - at[-1])
    return np.asarray(output)


def _clearest(table: np.ndarray) -> np.ndarray:
    """The rows of the notes that are loud and free of others, as many as are kept of a style."""
    if len(table) <= ROWS:
        return table
    columns = unpacked(table)
    _, number = np.unique(columns.facts[:, :2], axis=0, return_inverse=True)
    clear = np.bincount(number, columns.trust.mean(1)) / np.bincount(number)
    level = np.bincount(number, columns.facts[:, 5]) / np.bincount(number)
    order = np.argsort(-(20 * clear + level), kind="stable")
    counts = np.cumsum(np.bincount(number)[order])
    kept = set(order[: max(1, int(np.searchsorted(counts, ROWS)))].tolist())
    return table[[int(i) in kept for i in number]]


@lru_cache(maxsize=2)
def _load(path: Path) -> NoteSynth:
    network, _ = trained.network(path, "note_synth", "mel")
    if not isinstance(network, NoteSynth):
        raise RestyleError(trained.refusal(path, "note_synth"))
    return network
