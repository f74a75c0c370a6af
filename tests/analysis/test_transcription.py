import numpy as np
import pytest

from restyle.analysis.transcriber import infer as transcription
from restyle.analysis.transcriber.infer import WEIGHTS, transcribe
from restyle.analysis.transcriber.model import DOUBT
from restyle.audio import Audio
from restyle.errors import collect_warnings
from restyle.io import weights


def struck(rows, seconds, rate=16000):
    """Decaying harmonic tones, [T]: rows of (onset s, length s, pitch)."""
    sound = np.zeros(round(seconds * rate))
    for onset, length, pitch in rows:
        first = round(onset * rate)
        t = np.arange(min(round(length * rate), len(sound) - first)) / rate
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * f0 * k * t) / k for k in range(1, 9) if f0 * k < 0.45 * rate)
        fade = np.minimum(1, np.minimum(t / 0.005, (length - t) / 0.02))
        sound[first : first + len(t)] += 0.1 * tone * np.exp(-1.5 * t) * fade
    return sound


MELODY = [(0.3 + 0.5 * i, 0.45, pitch) for i, pitch in enumerate((60, 64, 67, 72, 55, 48))]
CHORDS = [(0.3 + i, 0.9, p) for i, chord in enumerate(((60, 64, 67), (57, 60, 65), (50, 59, 67))) for p in chord]


def matches(notes, rows, within=0.05):
    """How many of the rows were found, and how many notes there are besides."""
    free = list(range(len(notes)))
    found = 0
    for onset, _, pitch in rows:
        hit = [i for i in free if notes.pitch[i] == pitch and abs(notes.onset[i] - onset) <= within]
        if hit:
            free.remove(hit[0])
            found += 1
    return found, len(free)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
def test_finds_a_melody_at_any_rate(rate):
    notes = transcribe(Audio(struck(MELODY, 3.6, rate), rate)).notes
    found, besides = matches(notes, MELODY, within=0.03)
    assert found == len(MELODY) and besides <= 1


def test_finds_the_notes_of_chords():
    found, besides = matches(transcribe(Audio(struck(CHORDS, 3.5), 16000)).notes, CHORDS)
    assert found >= 8 and besides <= 2


def test_the_end_of_a_note_is_found():
    rows = [(0.3, 0.4, 62), (1.5, 0.9, 66)]
    notes = transcribe(Audio(struck(rows, 3.0), 16000)).notes
    for onset, length, pitch in rows:
        (offset,) = notes.offset[(notes.pitch == pitch) & (np.abs(notes.onset - onset) < 0.05)]
        assert offset == pytest.approx(onset + length, abs=0.12)


def test_channels_are_averaged():
    mono = struck(MELODY, 3.6)
    one = transcribe(Audio(mono, 16000))
    two = transcribe(Audio(np.stack([1.6 * mono, 0.4 * mono]), 16000))
    assert np.array_equal(one.notes.pitch, two.notes.pitch)
    assert one.notes.onset == pytest.approx(two.notes.onset, abs=1e-3)
    assert np.abs(one.roll.frame.astype(float) - two.roll.frame).max() < 0.02


@pytest.mark.parametrize("level", [0.0, 1e-6])
def test_silence_holds_no_notes(level):
    sound = level * np.random.default_rng(0).normal(0, 1, (2, 40000))
    assert len(transcribe(Audio(sound, 22050)).notes) == 0


@pytest.mark.parametrize("length", [1, 200, 3000])
def test_hardly_any_sound_holds_no_trouble(length):
    heard = transcribe(Audio(0.3 * np.ones(length), 16000))
    assert np.all(heard.notes.offset <= length / 16000 + 1e-3)


def test_loudness_of_the_recording_does_not_matter():
    sound = struck(MELODY, 3.6)
    loud, quiet = (transcribe(Audio(sound * gain, 16000)).notes for gain in (2.0, 0.02))
    assert np.array_equal(loud.pitch, quiet.pitch)
    assert loud.velocity == pytest.approx(quiet.velocity, abs=0.03)


def test_blocks_find_what_one_block_finds(monkeypatch):
    """Away from the first and the last block the network sees the same, however the recording is cut."""
    rows = [(0.2 + 0.4 * i, 0.35, 48 + 7 * i % 30) for i in range(34)]
    audio = Audio(struck(rows, 14.2), 16000)
    whole = transcribe(audio)
    monkeypatch.setattr(transcription, "BLOCK", 4.0)
    parts = transcribe(audio)
    for name in ("onset", "frame"):
        one, many = (getattr(t.roll, name).astype(float) for t in (whole, parts))
        assert one.shape == many.shape
        assert np.abs(one - many)[32:-32].max() < 0.1
        assert np.abs(one - many)[32:-32].mean() < 1e-4
    rows = list(zip(whole.notes.onset, whole.notes.offset, whole.notes.pitch, strict=True))
    assert matches(parts.notes, rows, 0.005) == (len(rows), 0)


def test_thresholds_decide_what_counts():
    # so much noise that the network is sure of little
    audio = Audio(struck(CHORDS, 3.5) + np.random.default_rng(0).normal(0, 0.1, 56000), 16000)
    many, few = (transcribe(audio, onset_threshold=x).notes for x in (0.05, 0.95))
    assert len(many) > len(few)
    short = transcribe(audio, frame_threshold=0.95).notes
    long = transcribe(audio, frame_threshold=0.05).notes
    assert (long.offset - long.onset).sum() > (short.offset - short.onset).sum()


def test_notes_end_within_the_file():
    sound = struck([(0.2, 3.0, 60), (0.9, 3.0, 67)], 1.37)  # cut off while they ring
    audio = Audio(sound, 16000)
    notes = transcribe(audio).notes
    assert set(notes.pitch) >= {60, 67}
    assert notes.offset.max() <= audio.duration
    assert notes.offset.max() > audio.duration - 0.1


def test_velocity_tells_loud_from_soft():
    sound = struck([(0.2, 0.7, 60)], 2.4) + 0.15 * struck([(1.2, 0.7, 60)], 2.4)
    notes = transcribe(Audio(sound, 16000)).notes
    notes = notes.select(notes.pitch == 60)
    assert len(notes) == 2
    assert notes.velocity[0] > notes.velocity[1] + 0.04


def test_the_activations_are_kept():
    heard = transcribe(Audio(struck(MELODY, 3.6), 16000))
    roll = heard.roll
    assert roll.onset.shape == roll.frame.shape == roll.velocity.shape == (225, 88)
    assert roll.hop == pytest.approx(0.016)
    for onset, _, pitch in MELODY:
        at = round((onset + 0.2) / roll.hop)
        assert roll.frame[at].argmax() == pitch - roll.lowest
        assert roll.frame[at, pitch - roll.lowest] > 0.5
    assert roll.frame.min() >= 0 and roll.frame.max() <= 1


def test_progress_rises_to_one():
    seen = []
    transcribe(Audio(struck(MELODY, 3.6), 16000), progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1)


def test_what_counts_as_doubt_belongs_to_the_weights():
    _, settings = weights.load(weights.bundled(WEIGHTS))
    assert {name: tuple(ends) for name, ends in settings["doubt"].items()} == DOUBT


def test_doubt_goes_from_none_for_a_clear_tone_to_all_for_noise():
    t = np.arange(48000) / 16000
    tone = Audio(0.2 * sum(np.sin(2 * np.pi * 440 * k * t) / k for k in range(1, 6)) * np.exp(-t), 16000)
    noise = Audio(np.random.default_rng(0).normal(0, 0.1, 48000), 16000)
    assert transcribe(tone).doubt == 0
    assert transcribe(noise).doubt == 1


@pytest.mark.parametrize("cents", range(-50, 51, 25))
def test_notes_are_found_at_any_tuning_and_at_their_own_pitch(cents):
    rows = [
        (onset, length, pitch + cents / 100)
        for onset, length, pitch in MELODY + [(o + 3.5, n, p) for o, n, p in CHORDS]
    ]
    notes = transcribe(Audio(struck(rows, 7.0), 16000)).notes
    near = np.abs(notes.pitch - np.array(rows)[:, 2:]) < 0.03
    near &= np.abs(notes.onset - np.array(rows)[:, :1]) < 0.05
    assert near.any(axis=1).mean() >= 0.93
    assert len(notes) <= len(rows) + 3


def test_a_tuning_can_be_given():
    audio = Audio(struck([(o, n, p + 0.4) for o, n, p in MELODY], 3.6), 16000)
    found, given = transcribe(audio).notes, transcribe(audio, tuning=40.0).notes
    assert matches(given, [(o, n, p + 0.4) for o, n, p in MELODY]) == (len(MELODY), len(given) - len(MELODY))
    assert found.onset == pytest.approx(given.onset, abs=5e-3)
    assert set(transcribe(audio, tuning=0.0).notes.pitch % 1) <= {0.0}


def test_a_transcriber_of_one_s_own_is_used(tmp_path):
    from restyle.analysis.facts import Analysis
    from restyle.methods import method

    arrays, settings = weights.load(weights.bundled(WEIGHTS))
    settings["decoding"] = {"onset_threshold": 1.0, "frame_threshold": 1.0}  # this one finds nothing
    weights.save(tmp_path / "deaf.safetensors", arrays, settings)
    audio = Audio(struck(MELODY, 3.5), 16000)
    assert len(transcribe(audio).notes) == len(MELODY)
    assert len(transcribe(audio, weights=tmp_path / "deaf.safetensors").notes) == 0
    found = Analysis.of(audio)
    assert len(found.notes) == len(MELODY)
    assert len(found.transcription(weights=tmp_path / "deaf.safetensors").notes) == 0
    with collect_warnings() as said:
        method("notes", transcriber=str(tmp_path / "deaf.safetensors")).fit([audio])
    assert "no pitched notes" in said[0]
