from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile

from restyle.datasets.rendered import RENDER_RATE, NoteSamples, Rendered
from restyle.errors import RestyleError
from restyle.files.midi import write_midi
from restyle.notes import DRUMS, Notes

FONTS = sorted(Path("/usr/share/sounds").rglob("*.sf2"), key=lambda path: path.stat().st_size)


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Two MIDI files of one genre, a scale and a scale with drums."""
    folder = tmp_path_factory.mktemp("midi") / "scales"
    folder.mkdir()
    scale = [(0.25 * i, 0.25 * i + 0.2, 60 + (2 * i) % 12, 0.7, 0) for i in range(32)]
    drums = [(0.5 * i, 0.5 * i + 0.1, 36, 0.9, DRUMS) for i in range(16)]
    write_midi(folder / "plain.mid", Notes.of(scale))
    write_midi(folder / "drums.mid", Notes.of(scale + drums))
    return sorted(folder.glob("*.mid"))


@pytest.fixture(scope="module")
def rendered(music):
    pytest.importorskip("fluidsynth", reason="FluidSynth is not installed", exc_type=ImportError)
    if not FONTS:
        pytest.skip("there is no SoundFont under /usr/share/sounds")
    return Rendered(music, FONTS[0], duration=3.0)


def test_clips_are_what_they_say(rendered, music):
    for clip in islice(rendered.clips(seed=1), 5):
        assert (clip.audio.rate, clip.audio.channels, clip.audio.length) == (16000, 1, 48000)
        assert np.abs(clip.audio.samples).max() == pytest.approx(0.7, abs=1e-3)
        assert len(clip.notes) >= 3 and clip.notes.offset.max() <= 3.0 and clip.notes.onset.min() >= 0
        assert clip.notes.velocity.min() >= 0 and clip.notes.velocity.max() <= 1
        assert clip.labels == ("scales",) and clip.source in set(map(str, music))


def test_a_seed_gives_the_same_clips_and_another_does_not(rendered, music):
    again = Rendered(music, FONTS[0], duration=3.0)
    first, second, other = (list(islice(r.clips(seed=s), 2)) for r, s in ((rendered, 3), (again, 3), (rendered, 4)))
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.notes.onset, b.notes.onset) and np.array_equal(a.notes.pitch, b.notes.pitch)
        assert np.abs(a.audio.samples - b.audio.samples).mean() < 0.02
    assert not np.array_equal(first[0].notes.onset, other[0].notes.onset)


def test_the_notes_are_those_that_are_heard(rendered):
    """Where most notes of a clip start, the sound's energy rises."""
    rises = []
    for clip in islice(rendered.clips(seed=5), 6):
        power = np.square(clip.audio.samples[0].astype(np.float64))
        for onset in clip.notes.onset[(clip.notes.onset > 0.1) & (clip.notes.onset < 2.8)]:
            at = round(onset * 16000)
            rises.append(power[at : at + 1200].sum() > power[at - 1200 : at].sum())
    assert np.mean(rises) > 0.7


def test_no_midi_files_are_refused():
    with pytest.raises(RestyleError, match="no MIDI files"):
        Rendered([], "font.sf2")


@pytest.fixture
def samples(tmp_path):
    """One instrument with recorded notes at 60 and 67, a sine each; and a folder without notes."""
    t = np.arange(22050) / 22050
    (tmp_path / "sine").mkdir()
    (tmp_path / "empty").mkdir()
    for pitch in (60, 67):
        tone = 0.4 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t)
        soundfile.write(tmp_path / "sine" / f"sine_{pitch}_a.wav", np.concatenate([np.zeros(2205), tone]), 22050)
    soundfile.write(tmp_path / "empty" / "noise.wav", t, 22050)
    return NoteSamples(tmp_path)


def test_recorded_notes_are_found_by_their_names(samples):
    assert list(samples.instruments) == ["sine"]
    assert [pitch for pitch, _ in samples.instruments["sine"]] == [60, 67]


def test_recorded_notes_play_at_pitch_and_time(samples):
    notes = Notes.of([(0.2, 0.7, 62, 1.0, 0), (0.8, 1.2, 69, 0.5, 0), (0.3, 0.5, 80, 1.0, 0)])
    sound, played = samples.render(notes, "sine", 1.5, np.random.default_rng(0))
    assert len(sound) == round(1.5 * RENDER_RATE)
    assert played.pitch.tolist() == [62, 69]  # 80 is too far from any recording
    assert np.abs(sound[: round(0.199 * RENDER_RATE)]).max() == 0
    for onset, pitch, loudest in ((0.2, 62, 1.0), (0.8, 69, 0.25)):
        piece = sound[round((onset + 0.05) * RENDER_RATE) :][:12000]
        spectrum = np.abs(np.fft.rfft(piece * np.hanning(12000), 2**18))
        f0 = spectrum.argmax() * RENDER_RATE / 2**18
        assert 12 * np.log2(f0 / 440) + 69 == pytest.approx(pitch, abs=0.05)
        assert np.abs(piece).max() == pytest.approx(loudest, rel=0.05)
