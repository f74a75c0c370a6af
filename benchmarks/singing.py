"""Sung voices made of speech: the syllables of an utterance are laid onto the notes of a melody by a vocoder.

    python benchmarks/singing.py SPEECH MIDI -o SUNG --count 700

Needs pyworld (and setuptools < 81, which it imports). SPEECH holds recordings of single speakers, MIDI melodies. Pitch
follows the notes with glides, vibrato and drift; consonants keep their length, vowels are stretched; what lies above
the speech's band is made of its envelope's slope and noise. Some are sung twice (doubles) or by several (choirs), and a
share by the singing synthesiser pysinsy, where it is installed, on random syllables and with a voice of random size.

Source: Morise, Yokomori, Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system for real-time
applications", IEICE 2016.
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np

from restyle.audio import Audio, resample
from restyle.io.midi import read_midi
from restyle.io.sound import read, write
from restyle.notes import DRUMS, Notes

RATE = 44100
FRAME = 0.005  # s
SECONDS = 14.0
BINS = 1025  # of the envelope at 44.1 kHz
NUCLEUS = 0.12  # s between two syllables at least
KANA = "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわ"
STEPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
SCORE = """<?xml version="1.0" encoding="UTF-8"?><score-partwise version="2.0"><part-list><score-part id="P1">
<part-name>V</part-name></score-part></part-list><part id="P1"><measure number="1"><attributes><divisions>4</divisions>
<time><beats>{}</beats><beat-type>4</beat-type></time></attributes><sound tempo="120"/>{}</measure></part>
</score-partwise>"""
SYNTHESISED = 0.1  # share of the voices that pysinsy sings
RANGE = (-2, 14)  # semitones above the speaker's own pitch in which melodies lie


def melody(path: Path, rng: np.random.Generator) -> Notes:
    """Return the highest notes of a stretch of a MIDI file, one at a time."""
    notes = read_midi(path)
    notes = notes.select(notes.programme != DRUMS)
    order = np.lexsort((-notes.pitch, np.round(notes.onset, 2)))
    notes = notes.select(order)
    first = np.concatenate([[True], np.diff(np.round(notes.onset, 2)) > 0.06])
    notes = notes.select(first)
    start = rng.uniform(0, max(0.0, notes.duration - SECONDS))
    notes = notes.between(start, start + SECONDS)
    ends = np.append(notes.onset[1:], SECONDS)
    offset = np.maximum(np.minimum(notes.offset, ends), notes.onset + FRAME)
    return Notes(notes.onset, offset, notes.pitch, notes.velocity, notes.programme)


def analyse(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[tuple[int, int, int]]]:
    """Return f0 ``[L]``, envelope and aperiodicity ``[L, F]`` at 44.1 kHz, and syllables (start, nucleus, end)."""
    import pyworld

    audio = read(path)
    x, rate = audio.mono().astype(np.float64), audio.rate
    f0, times = pyworld.dio(x, rate, frame_period=FRAME * 1000)
    f0 = pyworld.stonemask(x, f0, times, rate)
    envelope = pyworld.cheaptrick(x, f0, times, rate)
    noise = pyworld.d4c(x, f0, times, rate)
    energy = 10 * np.log10(envelope.sum(1) + 1e-12)
    energy = np.convolve(energy, np.hanning(9) / np.hanning(9).sum(), "same")
    voiced = f0 > 0
    gap = round(NUCLEUS / FRAME)
    peaks: list[int] = []
    for at in np.argsort(-energy):
        if voiced[at] and energy[at] > energy.max() - 30 and all(abs(at - other) >= gap for other in peaks):
            peaks.append(int(at))
    peaks.sort()
    bounds = [0]
    for left, right in pairwise(peaks):
        bounds.append(left + int(np.argmin(energy[left:right])))
    bounds.append(len(f0))
    syllables = [(bounds[i], peak, bounds[i + 1]) for i, peak in enumerate(peaks)]
    return f0, *widen(envelope, noise, rate), syllables


def widen(envelope: np.ndarray, noise: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Bring envelope and aperiodicity to 44.1 kHz; above 7/8 of the band the envelope falls on, as noise."""
    top = rate / 2 * 0.9
    old, new = np.linspace(0, rate / 2, envelope.shape[1]), np.linspace(0, RATE / 2, BINS)
    inside = np.minimum(new, top)
    log = np.log(envelope + 1e-16)
    wide = np.stack([np.interp(inside, old, row) for row in log])
    above = new > top
    last = log[:, (old > 0.6 * top) & (old <= top)].mean(1, keepdims=True)
    fall = -np.log(10) * 1.2 * np.log2(np.maximum(new, top) / top)[None]  # 12 dB an octave
    wide[:, above] = (last + fall)[:, above]
    aperiodic = np.stack([np.interp(inside, old, row) for row in noise])
    aperiodic[:, above] = 1.0
    return np.exp(wide), np.clip(aperiodic, 1e-6, 1.0)


def sing(
    f0: np.ndarray,
    envelope: np.ndarray,
    noise: np.ndarray,
    syllables: list[tuple[int, int, int]],
    notes: Notes,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the syllables on the notes, ``[T]`` at 44.1 kHz."""
    import pyworld

    length = round(SECONDS / FRAME)
    source = np.full(length, -1.0)
    pitch = np.zeros(length)
    own = 69 + 12 * np.log2(np.median(f0[f0 > 0]) / 440)
    middle = own + rng.uniform(2, 7)
    shift = 12 * round((middle - float(np.median(notes.pitch))) / 12)
    first = int(rng.integers(len(syllables)))
    vibrato, speed = rng.uniform(0.1, 0.7), rng.uniform(4.8, 6.5)
    for number, note in enumerate(range(len(notes))):
        start, nucleus, end = syllables[(first + number) % len(syllables)]
        if (first + number) % len(syllables) == 0:
            start = nucleus - 10
        begin, stop = (round(float(t) / FRAME) for t in (notes.onset[note], notes.offset[note]))
        onset = max(0, begin - min(20, nucleus - start))  # consonants come before the beat
        lead, tail = begin - onset, min(30, end - nucleus, (stop - begin) // 2)
        target = float(notes.pitch[note]) + shift
        while target > own + RANGE[1]:
            target -= 12
        while target < own + RANGE[0]:
            target += 12
        stop = min(stop, length)
        if stop - begin < 6:
            continue
        body = stop - tail - begin
        source[onset:begin] = np.linspace(nucleus - lead, nucleus, max(lead, 0), endpoint=False)
        # the vowel: around its nucleus, to and fro, so that it does not freeze
        span = max(2, min(8, nucleus - start, end - nucleus))
        source[begin : begin + body] = nucleus + span / 2 * np.sin(np.arange(body) * FRAME * rng.uniform(6, 14))
        source[begin + body : stop] = np.linspace(nucleus, nucleus + tail, tail)
        held = np.arange(stop - onset) * FRAME
        swing = vibrato * np.clip((held - 0.25) / 0.3, 0, 1) * np.sin(2 * np.pi * speed * held + rng.uniform(0, 6))
        pitch[onset:stop] = target + swing
    sounding = source >= 0
    if not sounding.any():
        return np.zeros(round(SECONDS * RATE), np.float32)
    filled = np.interp(np.arange(length), np.flatnonzero(sounding), pitch[sounding])
    glide = np.hanning(2 * round(rng.uniform(0.03, 0.09) / FRAME) + 3)
    drift = np.interp(np.arange(length), np.arange(0, length, 20), rng.normal(0, 0.12, len(range(0, length, 20))))
    filled = np.convolve(np.pad(filled, len(glide) // 2, "edge"), glide / glide.sum(), "valid")[:length] + drift
    index = np.clip(np.round(source), 0, len(f0) - 1).astype(int)
    curve = np.where(sounding & (f0[index] > 0), 440 * 2 ** ((filled - 69) / 12), 0.0)
    spectrum = envelope[index] * np.where(sounding, 1.0, 1e-9)[:, None]
    fade = np.hanning(7) / np.hanning(7).sum()
    spectrum = np.exp(np.apply_along_axis(lambda row: np.convolve(row, fade, "same"), 0, np.log(spectrum + 1e-16)))
    sound = pyworld.synthesize(curve, np.ascontiguousarray(spectrum), np.ascontiguousarray(noise[index]), RATE, 5.0)
    sound = sound[: round(SECONDS * RATE)]
    return np.asarray(0.5 * sound / max(1e-9, np.abs(sound).max()), np.float32)


def synthesised(notes: Notes, rng: np.random.Generator) -> np.ndarray:
    """Return a melody sung by pysinsy on random syllables, ``[T]`` at 44.1 kHz."""
    from pysinsy import Sinsy, get_default_dic_dir, get_default_htsvoice

    lowest = 62 + int(rng.integers(0, 4))
    shift = 12 * round((lowest + 7 - float(np.median(notes.pitch))) / 12)
    at, score = 0, []
    for onset, offset, pitch in zip(notes.onset, notes.offset, notes.pitch, strict=True):
        begin, stop = round(float(onset) * 8), round(float(offset) * 8)  # sixteenths at 120 beats per minute
        if begin < at or stop <= begin:
            continue
        high = lowest + (round(float(pitch)) + shift - lowest) % 18
        score += [note(begin - at, None, "")] if begin > at else []
        score += [note(stop - begin, high, str(rng.choice(list(KANA))))]
        at = stop
    with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
        file.write(SCORE.format(-(-at // 4) + 1, "".join([*score, note(4 + -at % 4, None, "")])))
        file.flush()
        singer = Sinsy()
        singer.setLanguages("j", get_default_dic_dir())
        singer.loadVoices(get_default_htsvoice())
        singer.setAlpha(float(rng.uniform(0.48, 0.62)))
        singer.loadScoreFromMusicXML(file.name)
        sound, rate = singer.synthesize()
    sound = resample(np.asarray(sound, np.float32)[None], rate, RATE)[0][: round(SECONDS * RATE)]
    sound = np.pad(sound, (0, round(SECONDS * RATE) - len(sound)))
    return np.asarray(0.5 * sound / max(1e-9, float(np.abs(sound).max())), np.float32)


def note(length: int, pitch: int | None, syllable: str) -> str:
    """Return a note or rest of MusicXML; a length in sixteenths."""
    if pitch is None:
        return f"<note><rest/><duration>{length}</duration><voice>1</voice></note>"
    step, alter = STEPS[pitch % 12][0], len(STEPS[pitch % 12]) - 1
    name = f"<step>{step}</step><alter>{alter}</alter><octave>{pitch // 12 - 1}</octave>"
    lyric = f"<lyric><syllabic>single</syllabic><text>{syllable}</text></lyric>"
    return f"<note><pitch>{name}</pitch><duration>{length}</duration><voice>1</voice>{lyric}</note>"


def one(number: int, speech: list[Path], midi: list[Path], folder: Path) -> None:
    """Make and write one voice, one double, or one choir."""
    target = folder / f"sung{number:04d}.flac"
    if target.exists():
        return
    rng = np.random.default_rng([7, number])
    voices = 1 if rng.random() > 0.12 else int(rng.integers(3, 6))
    again = voices == 1 and rng.random() < 0.2
    synthetic = voices == 1 and find_spec("pysinsy") is not None and rng.random() < SYNTHESISED
    try:
        notes = melody(midi[rng.integers(len(midi))], rng)
        takes = [synthesised(notes, rng)] if synthetic else []
        for voice in range(0 if synthetic else voices):
            found = analyse(speech[(number + 37 * voice) % len(speech)])
            for take in range(2 if again else 1):
                takes.append(np.roll(sing(*found, notes, rng), int(rng.uniform(0, 0.03) * RATE * bool(voice + take))))
    except (ValueError, IndexError) as error:
        print(f"{target.name}: {error}")
        return
    left, right = np.zeros((2, len(takes[0])), np.float32)
    for take in takes:
        pan = 0.5 if len(takes) == 1 else rng.uniform(0.1, 0.9)
        left, right = left + np.sqrt(1 - pan) * take, right + np.sqrt(pan) * take
    both = np.stack([left, right])
    write(target, Audio(0.5 * both / max(1e-9, float(np.abs(both).max())), RATE))


def main() -> None:
    """Sing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", type=Path)
    parser.add_argument("midi", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--count", type=int, default=700)
    parser.add_argument("--held-out", type=int, default=0, help="which tenth of the speakers is left out, or only used")
    parser.add_argument("--only-held-out", action="store_true")
    parser.add_argument("-j", "--jobs", type=int, default=1)
    asked = parser.parse_args()
    speech = sorted(p for p in asked.speech.rglob("*") if p.suffix in (".ogg", ".flac", ".wav"))
    tenth = {p: hashlib.sha256(p.name.split("-")[0].encode()).digest()[0] % 10 for p in speech}
    speech = [p for p in speech if (tenth[p] == asked.held_out) == asked.only_held_out]
    midi = sorted(p for p in asked.midi.rglob("*") if p.suffix == ".mid")
    asked.output.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(asked.jobs) as pool:
        list(pool.map(partial(one, speech=speech, midi=midi, folder=asked.output), range(asked.count)))


if __name__ == "__main__":
    main()
