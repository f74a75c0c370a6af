"""What is known of a recording: each fact is found when first asked for, and shared by all who ask. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary, ref

import numpy as np

from restyle.analysis.tuning import Tuning, estimate_tuning
from restyle.audio import Audio
from restyle.dsp.blocks import Progress
from restyle.dsp.pianoroll import distance
from restyle.notes import Notes

if TYPE_CHECKING:
    from restyle.analysis.beats import Beats
    from restyle.analysis.chords import Chords, Chroma

Fact = TypeVar("Fact")

HITS, MANY_HITS = 1.0, 3.0  # hits a second that make a mix where notes are unclear, and where they are clear:
UNCLEAR = 0.1  # from this doubt on; sharp attacks of single instruments are taken for a hit now and then
LEAST = {"drums": (-26.0, 0.5), "bass": (-14.0, 0.6), "vocals": (-14.0, 0.6)}  # dB and sureness of stems that are there
BESIDE, BESIDE_BASS, ALONE = -14.0, -8.0, -0.4  # dB of what plays beside drums, and a bass; of a voice that is alone
EXCERPT = 30.0  # seconds by which it is told whether a recording is a mix
NEAR = 0.06  # seconds from a note's onset in which a hit may be its attack


@dataclass(frozen=True)
class Transcribed:
    """What is played in a recording.

    Args:
        notes: of all pitched instruments.
        doubt: how far they cannot be relied on, 0..1 (see `analysis.transcriber.infer`).
        hits: of drums, a second, that come with no note's onset: single instruments have next to none.
        chroma: for chords, where it was transcribed.
    """

    notes: Notes
    doubt: float
    hits: float = 0.0
    chroma: Chroma | None = None

    @property
    def is_mix(self) -> bool:
        """Whether drums play beside the notes."""
        return bool(len(self.notes)) and self.hits >= (HITS if self.doubt >= UNCLEAR else MANY_HITS)


@dataclass(frozen=True)
class StemFacts:
    """What tells a mix from a single instrument, measured on half a minute from its middle.

    Args:
        levels: stem -> dB beside the whole.
        sure: stem -> the share that it has of the bins in which it sounds, on average by power, 0..1.
    """

    levels: Mapping[str, float]
    sure: Mapping[str, float]

    @classmethod
    def of(cls, audio: Audio) -> StemFacts:
        """Measure a recording."""
        from restyle.analysis.separator.infer import separate_stems, shares_of

        length = min(audio.length, round(EXCERPT * audio.rate))
        start = (audio.length - length) // 2
        piece = audio.slice(start, start + length)
        return cls(*shares_of(separate_stems(piece), piece))

    def _has(self, stem: str) -> bool:
        level, sure = LEAST[stem]
        return self.levels[stem] >= level and self.sure[stem] >= sure

    @property
    def has_hits(self) -> bool:
        """Whether drums are there for sure, alone or beside other instruments."""
        return self._has("drums")

    @property
    def has_drums(self) -> bool:
        """Whether they are, beside other instruments."""
        return self.has_hits and max(self.levels["bass"], self.levels["other"]) >= BESIDE

    @property
    def has_bass(self) -> bool:
        """Whether a bass plays beside other instruments; low notes of a single one are taken for it now and then."""
        return self._has("bass") and self.levels["other"] >= BESIDE_BASS

    @property
    def has_voice(self) -> bool:
        """Whether someone sings beside instruments; a voice alone is an instrument itself."""
        return self._has("vocals") and self.levels["vocals"] < ALONE


class Analysis:
    """The facts of one recording; `of` gives the one that all share, for as long as the recording is in use.

    Example:
        >>> audio = Audio(np.zeros(16000), 16000)
        >>> Analysis.of(audio) is Analysis.of(audio), len(Analysis.of(audio).notes)
        (True, 0)
    """

    _known: ClassVar[WeakKeyDictionary[Audio, Analysis]] = WeakKeyDictionary()
    _lock: ClassVar[Lock] = Lock()

    def __init__(self, audio: Audio) -> None:
        self._audio, self._facts, self._finding = ref(audio), dict[str, Any](), RLock()

    @classmethod
    def of(cls, audio: Audio) -> Analysis:
        """Return what is known of a recording, by every part of the program."""
        with cls._lock:
            if audio not in cls._known:
                cls._known[audio] = cls(audio)
            return cls._known[audio]

    def transcription(self, progress: Progress | None = None, *, weights: str | Path | None = None) -> Transcribed:
        """Return the notes and how far they can be relied on.

        Args:
            progress: called with the fraction done, 0..1, where they are not known yet.
            weights: of the transcriber; those of the package by default.
        """
        from restyle.analysis.chords import Chroma
        from restyle.analysis.transcriber.infer import transcribe

        def find(audio: Audio) -> Transcribed:
            # its activations grow with length, and are not kept; the chroma of them are eighteen times smaller
            found = transcribe(audio, tuning=self.tuning.offset, weights=weights, progress=progress)
            hits = _alone(found.drums, found.notes) / audio.duration
            return Transcribed(found.notes, found.doubt, hits, Chroma.of(found.roll))

        return self._fact(f"transcription {weights or ''}", find)

    @property
    def notes(self) -> Notes:
        """The notes that are played."""
        return self.transcription().notes

    @property
    def tuning(self) -> Tuning:
        """How far it is tuned from A4 = 440 Hz."""
        return self._fact("tuning", estimate_tuning)

    @property
    def is_mix(self) -> bool:
        """Whether it is one of several parts: drums beside others, or a bass and single hits."""
        found, stems = self.transcription(), self.stem_facts
        return found.is_mix or stems.has_drums or (stems.has_bass and found.hits >= HITS)

    @property
    def stems(self) -> dict[str, Audio]:
        """Vocals, drums, bass and the rest, which add up to it."""
        from restyle.analysis.separator.infer import separate_stems

        return self._fact("stems", separate_stems)

    @property
    def stem_facts(self) -> StemFacts:
        """How loud and how sure its stems are."""
        return self._fact("stem_facts", StemFacts.of)

    @property
    def onset_curve(self) -> np.ndarray:
        """How strongly something begins in each frame (see `analysis.beats.onset_curve`)."""
        return self._onset_curves[0]

    @property
    def _onset_curves(self) -> tuple[np.ndarray, np.ndarray]:
        from restyle.analysis.beats import onset_curves

        return self._fact("onset_curves", onset_curves)

    @property
    def beats(self) -> Beats:
        """Tempo and beats."""
        from restyle.analysis.beats import track

        return self._fact("beats", lambda audio: track(*self._onset_curves))

    @property
    def chords(self) -> Chords:
        """Which chord sounds when."""
        from restyle.analysis.chords import estimate_chords

        chroma = self.transcription().chroma
        return self._fact("chords", lambda audio: estimate_chords(audio, beats=self.beats, chroma=chroma))

    def _fact(self, name: str, find: Callable[[Audio], Fact]) -> Fact:
        audio = self._audio()
        assert audio is not None, "keep the recording for as long as you ask for its facts"
        with self._finding:
            if name not in self._facts:
                self._facts[name] = find(audio)
            fact: Fact = self._facts[name]
            return fact


def _alone(hits: Notes, notes: Notes) -> int:
    """How many hits are the attack of no note."""
    return int(np.sum(distance(hits.onset, np.sort(notes.onset)) > NEAR))
