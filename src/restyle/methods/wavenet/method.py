"""`wavenet`: the content's notes, played by a WaveNet conditioned on the style. Floor 4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, gcd
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from restyle.analysis.facts import Analysis
from restyle.audio import Audio, resample
from restyle.dsp import blocks, highband
from restyle.dsp.blocks import Progress
from restyle.dsp.levels import rms
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.errors import RestyleError, warn
from restyle.io import networks as trained
from restyle.io import weights as files
from restyle.methods.base import SILENT_STYLE, Profile
from restyle.methods.notewise import unpitched
from restyle.methods.notewise.doubt import SOFTER, blended, reliance
from restyle.methods.notewise.performance import Played, imagine, listen
from restyle.methods.settings import Decibels, NotNegative, Weights, checked
from restyle.methods.wavenet.autoregressive import WaveNet, mu_law_decode
from restyle.methods.wavenet.excitation import PERIOD, RELEASE
from restyle.methods.wavenet.generation import Generator
from restyle.methods.wavenet.parallel import ParallelWaveNet
from restyle.notes import DRUMS, Notes
from restyle.threads import single

DECODERS: dict[str, type] = {"parallel": ParallelWaveNet, "autoregressive": WaveNet}
PIECE = 5.0  # seconds, of which references were in training
STYLE_LONGEST = 120.0  # seconds of each clip that are listened to
REFERENCE = 0.1  # root mean square of references, as in training
QUIET = 0.01  # pieces below this part of a clip's level are passed over
SILENT = 1e-5
BLOCK, CONTEXT = 640, 32  # frames generated at once, and those around them whose notes the network sees
MEASURED = 60.0  # seconds of the result by which its level is set
HIGHEST = 60.0  # dB, largest change of it
PLAIN_LEVEL = -26.0  # dB of full scale, the median note of a content without a recording
USUAL = 0.6  # velocity of a content's median note
FRAME = 0.02  # seconds between two values of a balance of channels
SECONDS = 10.0  # of blocks that are mixed at once


class WavenetMethod:
    """Transcribe the content, and let a WaveNet play its notes in the style.

    The networks know 0 to 8 kHz; what lies above is made from the result below (see `dsp.highband`). The content's
    dynamics and stereo places are followed (of all notes of a moment together), its unpitched part below is kept with
    the tone of the style's, as in ``notes``.

    Args:
        decoder: ``parallel`` (a filtered harmonic-plus-noise excitation) or ``autoregressive`` (sample by sample).
        weights: of the decoder; those that come with the package by default.
        temperature: of ``autoregressive``: less than 1 is less noisy and more likely to get stuck.
        unpitched: level of the content's unpitched part in dB; -120 leaves it out.
        fallback: whether, where the notes found are in doubt (dense mixes), the content itself is mixed in and the
            notes stand back; the record says how far.
        transcriber: weights of a transcriber of your own; those that come with the package by default.

    Raises:
        RestyleError: if there is no such decoder, or the weights are not of one.

    Example:
        >>> WavenetMethod(decoder="serial")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: there is no decoder 'serial'; choose parallel or autoregressive
    """

    name: ClassVar[str] = "wavenet"
    plays_notes: ClassVar[bool] = True

    @checked
    def __init__(
        self,
        *,
        decoder: str = "parallel",
        weights: Weights = "",
        temperature: NotNegative = 0.8,
        unpitched: Decibels = 0.0,
        fallback: bool = True,
        transcriber: Weights = "",
    ) -> None:
        if decoder not in DECODERS:
            raise RestyleError(f"there is no decoder '{decoder}'; choose {' or '.join(DECODERS)}")
        path = Path(weights) if weights else files.bundled(f"wavenet_{decoder}.safetensors")
        if not weights and not path.is_file():
            raise RestyleError(f"no {decoder} WaveNet comes with this version; train one, and give its file as weights")
        what = f"{decoder} WaveNet"
        network, settings = trained.network(path, what, "mel")
        if not isinstance(network, DECODERS[decoder]):
            raise RestyleError(trained.refusal(path, what))
        self.network: ParallelWaveNet | WaveNet = network  # type: ignore[assignment]
        self.transform = LogSpectrogram.of(settings["representation"])
        self.temperature, self.unpitched, self.fallback = temperature, unpitched, fallback
        self.transcriber = transcriber

    @single()
    def fit(self, style: Sequence[Audio]) -> Profile:
        """Embed the style, the mean over pieces of about five seconds.

        Returns:
            ``reference`` ``[D]``; ``network``, which decoder it is for; ``channels`` and ``unpitched``; how the style
            sounds above the network's band (see `dsp.highband.measure`).

        Raises:
            RestyleError: if the style is silent.
        """
        points = [point for clip in style for point in self._points(clip)]
        if not points:
            raise RestyleError(SILENT_STYLE)
        learnt = {"reference": np.mean(points, axis=0), "network": trained.fingerprint(self.network)}
        learnt |= unpitched.fit(style) | highband.measure(style, self.network.rate)
        return learnt | {"channels": np.array([max(clip.channels for clip in style)])}

    def _points(self, clip: Audio) -> list[np.ndarray]:
        """Embeddings of the pieces of a clip that are not silent."""
        length = min(clip.length, round(STYLE_LONGEST * clip.rate))
        spans = list(blocks.spans(length, ceil(length / max(1, round(length / clip.rate / PIECE))) or 1, 0))
        pieces = [blocks.mono(clip, span.start, span.stop, self.transform.rate) for span in spans]
        levels = [rms(piece) for piece in pieces]
        loud = [i for i, level in enumerate(levels) if level > max(SILENT, QUIET * max(levels))]
        points = []
        for i in loud:
            mel = self.transform(torch.from_numpy(pieces[i] * (REFERENCE / levels[i])))
            with torch.inference_mode():
                points.append(self.network.reference(mel[None])[0].numpy())  # type: ignore[misc]
        return points

    @single()
    def apply(
        self,
        content: Audio | Notes,
        profile: Profile,
        *,
        strength: float = 1.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Audio:
        """Play the content in the style; see `methods.base.Method`. Notes are played at the network's rate.

        Raises:
            RestyleError: if the style was learnt for another decoder.
        """
        if not np.array_equal(profile.get("network", []), trained.fingerprint(self.network)):
            raise RestyleError("the style was learnt for another WaveNet; learn it again")
        reference = torch.from_numpy(np.array(profile["reference"]))
        report = progress or (lambda _: None)
        if isinstance(content, Notes):
            return self._play(content, reference, min(2, int(profile["channels"][0])), seed, report)
        if strength == 0:
            return content
        found = Analysis.of(content).transcription(lambda done: report(0.2 * done), weights=self.transcriber)
        kept = reliance(found, self.fallback)
        made = self._follow(content, found.notes, kept, reference, profile, seed, report)
        made = highband.extend(
            made, self.network.rate, profile, seed=seed, progress=lambda done: report(0.95 + 0.05 * done)
        )
        return blended(content, made, strength)

    def _play(self, notes: Notes, reference: Tensor, channels: int, seed: int, report: Progress) -> Audio:
        if np.any(notes.programme == DRUMS):
            warn("the drums of the MIDI file are left out: the network cannot play them")
        notes = notes.pitched()
        length = round((notes.duration + 1.0) * self.network.rate)
        sound = self._perform(notes, length, reference, seed, report)
        result = Audio(blocks.empty(channels, length), sound.rate)
        _add(result, sound, _gain(sound, notes, PLAIN_LEVEL), _balance(notes, imagine(notes, channels), channels, 1.0))
        return result

    def _follow(
        self,
        content: Audio,
        notes: Notes,
        kept: float,
        reference: Tensor,
        profile: Profile,
        seed: int,
        report: Progress,
    ) -> Audio:
        """The content's notes played, beside what else it holds."""
        gain = 10 ** (self.unpitched / 20)
        played, level = listen(content, notes, lambda done: report(0.2 + 0.1 * done))
        result = unpitched.keep(content, notes, profile, gain, kept, lambda done: report(0.3 + 0.1 * done))
        if not len(notes):
            return result
        rate = self.network.rate
        tuned = _as_played(notes, played)
        length = ceil(content.duration * rate)
        sound = self._perform(tuned, length, reference, seed, lambda done: report(0.4 + 0.5 * done))
        balance = _balance(notes, played, content.channels, content.duration)
        _add(result, sound, _gain(sound, tuned, level - SOFTER * kept), balance, lambda done: report(0.9 + 0.05 * done))
        return result

    def _perform(self, notes: Notes, length: int, reference: Tensor, seed: int, report: Progress) -> Audio:
        """The notes as the network plays them, one channel at its rate, ``length`` samples."""
        hop, rate = self.network.hop, self.network.rate
        sound = blocks.empty(1, length)
        table = _table(notes)
        make = self._maker(reference[None], seed)
        for span in blocks.spans(ceil(length / hop), BLOCK, CONTEXT):
            left, right = span.left * hop / rate, span.right * hop / rate
            here = table[(table[:, 0] < right) & (table[:, 1] + RELEASE > left)]
            own = here - torch.tensor([left, left, 0, 0, 0], dtype=torch.float64)
            with torch.inference_mode():
                part = make(own[None], span)
            at = slice(span.start * hop, min(length, span.stop * hop))
            sound[0, at] = part[: at.stop - at.start]
            blocks.release(sound)
            report(at.stop / length)
        return Audio(sound, rate)

    def _maker(self, reference: Tensor, seed: int) -> Callable[[Tensor, blocks.Span], np.ndarray]:
        """What makes the samples of one block after the other, from the notes near it (times from its context)."""
        network = self.network
        if isinstance(network, ParallelWaveNet):
            place = int(np.random.default_rng(seed).integers(PERIOD))

            def at_once(notes: Tensor, span: blocks.Span) -> np.ndarray:
                start = place + span.left * network.hop
                sound = network(notes, reference, span.right - span.left, start)[0]
                return np.asarray(sound[(span.start - span.left) * network.hop : (span.stop - span.left) * network.hop])

            return at_once
        generator = Generator(network, temperature=self.temperature, seed=seed)

        def one_by_one(notes: Tensor, span: blocks.Span) -> np.ndarray:
            frames, own = span.right - span.left, slice(span.start - span.left, span.stop - span.left)
            condition, tuned = network.told(notes.float(), reference, frames), network.tuned(notes, frames)
            if tuned is not None:
                tuned = tuned[..., own.start * network.hop : own.stop * network.hop]
            classes = generator.classes(condition[..., own], tuned)
            return np.asarray(mu_law_decode(torch.from_numpy(classes)))

        return one_by_one


def _table(notes: Notes) -> Tensor:
    """Notes as networks take them, float64 ``[N, 5]``."""
    columns = (notes.onset, notes.offset, notes.pitch, notes.velocity, notes.programme)
    return torch.from_numpy(np.stack(columns, axis=1).astype(np.float64))


def _as_played(notes: Notes, played: Sequence[Played]) -> Notes:
    """The notes at the pitches that were measured, with velocities that say how loud they were."""
    pitch = np.array([how.pitch for how in played])
    velocity = np.clip(USUAL * 10 ** (np.array([how.level for how in played]) / 30), 0.05, 1)
    return Notes(notes.onset, notes.offset, pitch, velocity, notes.programme)


def _gain(sound: Audio, notes: Notes, level: float) -> float:
    """The factor that brings the median note of a sound to a level in dB."""
    part = notes.select(notes.onset < MEASURED)
    if not len(part):
        return 1.0
    _, own = listen(sound.slice(0, round(MEASURED * sound.rate)), part.between(0, MEASURED))
    return float(10 ** (min(level - own, HIGHEST) / 20))


def _balance(notes: Notes, played: Sequence[Played], channels: int, seconds: float) -> np.ndarray:
    """Gain of each channel over time ``[C, L]``: the mean place of the notes that sound, by their power."""
    frames = ceil(max(seconds, notes.duration + 1) / FRAME) + 1
    power, total = np.full((channels, frames), 1e-9), np.full(frames, 1e-9)
    if channels > 1:
        for i, how in enumerate(played):
            here = slice(int(notes.onset[i] / FRAME), int((notes.offset[i] + RELEASE) / FRAME) + 1)
            weight = 10 ** (how.level / 10)
            power[:, here] += weight * np.square(how.pan)[:, None]
            total[here] += weight
    return np.sqrt(power / total)


def _add(result: Audio, sound: Audio, gain: float, balance: np.ndarray, progress: Progress | None = None) -> None:
    """Add one channel at another rate to a sound, in place."""
    shared = gcd(result.rate, sound.rate)
    unit, other = result.rate // shared, sound.rate // shared  # as many samples here and there
    around = ceil(0.25 * result.rate / unit) * unit
    for span in blocks.spans(result.length, ceil(SECONDS * result.rate / unit) * unit, around):
        piece = sound.samples[0, span.left // unit * other : ceil(span.right / unit) * other]
        piece = resample(piece, sound.rate, result.rate)[span.start - span.left : span.stop - span.left]
        here = slice(span.start, span.start + len(piece))
        time = np.arange(here.start, here.stop) / (result.rate * FRAME)
        for channel, curve in zip(result.samples, balance, strict=True):
            channel[here] += (gain * np.interp(time, np.arange(len(curve)), curve) * piece).astype(np.float32)
        blocks.release(result.samples)
        blocks.release(sound.samples)
        if progress:
            progress(span.stop / result.length)
