import copy
from pathlib import Path

import numpy as np
import pytest
import soundfile

from restyle.data.instruments import Instruments, held_out, write_clips
from restyle.errors import RestyleError
from restyle.io.midi import write_midi
from restyle.io.sound import read
from restyle.notes import DRUMS, Notes

FONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")

pytestmark = pytest.mark.skipif(not FONT.is_file(), reason="the SoundFont is not installed")


@pytest.fixture(scope="module")
def instruments(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    rng = np.random.default_rng(0)
    for i in range(3):
        rows = [(t, t + 0.4, float(rng.integers(50, 75)), 0.7, 0) for t in np.arange(0, 20, 0.25)]
        write_midi(folder / f"{i}.mid", Notes.of([*rows, (0.0, 20.0, 40.0, 0.5, DRUMS)]))
    (folder / "notes" / "whistle").mkdir(parents=True)
    for pitch in (55, 60, 65, 70):
        t = np.arange(16000) / 16000
        hz = 440 * 2 ** ((pitch - 69) / 12)
        soundfile.write(
            folder / "notes" / "whistle" / f"whistle_{pitch:03d}.wav", 0.3 * np.sin(2 * np.pi * hz * t), 16000
        )
    return Instruments(sorted(folder.glob("*.mid")), FONT, samples=[folder / "notes"], seconds=1.0)


def test_without_variation_nothing_but_the_notes_is_heard(instruments):
    """Recorded sines end at 2 kHz; drive, noise and loudspeakers reach above."""
    plain = copy.copy(instruments)
    plain.varied = False

    def highs(chosen):
        power = [np.abs(np.fft.rfft(chosen.clip("whistle", n).audio.samples[0])) ** 2 for n in range(12)]
        return float(max(p[len(p) * 3 // 4 :].sum() / p.sum() for p in power))

    assert 10 * highs(plain) < highs(instruments)


def test_the_notes_are_those_that_are_played(instruments):
    clip = instruments.clip("whistle", 1)
    assert len(clip.notes) >= 6 and clip.notes.duration <= 2.0
    sound = clip.audio.samples[0]
    for half in (0, 1):  # each phrase lies where its notes say
        own = clip.notes.between(half, half + 1)
        assert len(own) >= 3
        for i in np.flatnonzero(own.offset - own.onset > 0.15)[:3]:
            start = round((half + own.onset[i] + 0.05) * 16000)
            spectrum = np.abs(np.fft.rfft(sound[start : start + 1600] * np.hanning(1600), 2**15))
            at = round(440 * 2 ** ((own.pitch[i] - 69) / 12) / 16000 * 2**15)
            assert spectrum[at - 30 : at + 31].max() > 0.1 * spectrum.max()


def test_a_clip_is_the_same_for_the_same_arguments(instruments):
    first, again, other = (instruments.clip("gm040", number, seed=3) for number in (0, 0, 1))
    assert np.array_equal(first.audio.samples, again.audio.samples)
    assert not np.array_equal(first.audio.samples, other.audio.samples)
    assert first.labels == ("gm040",) and first.source != other.source


def test_clips_hold_phrases_of_equal_length_and_peak(instruments):
    clip = instruments.clip("gm000", 0)
    assert clip.audio.rate == 16000 and clip.audio.length == 32000
    peaks = np.abs(clip.audio.samples[0]).reshape(2, -1).max(axis=1)
    assert peaks == pytest.approx([0.7, 0.7], abs=1e-3)


def test_names_are_programmes_and_recorded_notes(instruments):
    assert instruments.names[0] == "gm000" and instruments.names[-1] == "whistle"
    assert len(instruments.names) == 113 and not any(name > "gm111" for name in instruments.names[:-1])
    sound = instruments.clip("whistle", 0).audio.samples[0]
    assert np.isfinite(sound).all() and np.abs(sound).max() > 0.5
    with pytest.raises(RestyleError, match="no instrument 'kazoo'"):
        instruments.clip("kazoo", 0)


def test_basses_play_low(instruments):
    rng = np.random.default_rng(0)
    medians = {
        name: np.mean([np.median(instruments._notes(name, rng).pitch) for _ in range(12)])
        for name in ("gm033", "gm073")
    }
    assert medians["gm033"] < medians["gm073"] - 12


def test_the_stream_takes_turns(instruments):
    stream = instruments.clips(1, ["gm000", "gm040"])
    assert [next(stream).source for _ in range(4)] == ["gm000/0", "gm040/0", "gm000/1", "gm040/1"]


def test_held_out_instruments_are_apart(instruments):
    train, test = held_out(instruments.names)
    assert not set(train) & set(test) and sorted(train + test) == sorted(instruments.names)
    families = {int(name[2:]) // 8 for name in test if name.startswith("gm")}
    assert families == set(range(14))


def test_written_clips_are_kept(instruments, tmp_path):
    made = list(write_clips(instruments, tmp_path / "clips", ["gm000", "gm073"], 2))
    assert sorted(p.relative_to(tmp_path / "clips").as_posix() for p in made) == [
        "gm000/0000.flac",
        "gm000/0001.flac",
        "gm073/0000.flac",
        "gm073/0001.flac",
    ]
    assert read(made[0]).length == 32000
    times = [p.stat().st_mtime_ns for p in made]
    assert list(write_clips(instruments, tmp_path / "clips", ["gm000", "gm073"], 2)) == []
    assert [p.stat().st_mtime_ns for p in made] == times
