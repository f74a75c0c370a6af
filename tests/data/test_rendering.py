import numpy as np
import pytest

from restyle.data.rendering import SoundFont
from restyle.errors import RestyleError
from restyle.notes import DRUMS, Notes


@pytest.fixture(scope="module")
def player(font):
    made = SoundFont(font, rate=22050)
    yield made
    made.close()


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def loudest_frequency(samples, rate):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return np.fft.rfftfreq(len(samples), 1 / rate)[spectrum.argmax()]


def test_plays_pitches_when_they_are_due(player):
    organ = 19
    made = player.render(Notes.of([(0.5, 1.0, 69, 0.8, organ), (1.5, 2.0, 76, 0.8, organ)]), duration=2.5)
    mono = made.mono()
    assert (made.rate, made.channels, made.length) == (22050, 2, round(2.5 * 22050))
    assert np.abs(mono[: round(0.49 * 22050)]).max() < 1e-3
    for start, pitch in ((0.6, 69), (1.6, 76)):
        piece = mono[round(start * 22050) :][:6000]
        harmonic = loudest_frequency(piece, 22050) / (440 * 2 ** ((pitch - 69) / 12))
        assert np.log2(harmonic) == pytest.approx(round(np.log2(harmonic)), abs=0.03)  # organs sound in octaves
        assert rms(piece) > 0.005


def test_length_is_exact_and_has_a_tail_by_default(player):
    notes = Notes.of([(0, 0.5, 60, 0.8, 0)])
    assert player.render(notes, duration=0.7).length == round(0.7 * 22050)
    assert player.render(notes, duration=0.2).length == round(0.2 * 22050)
    assert player.render(notes).length == round(1.5 * 22050)
    assert player.render(notes, tail=0.25).length == round(0.75 * 22050)


def test_a_bend_moves_the_pitch_of_its_programme_only(player):
    organ, other = 19, 16
    bends = {organ: np.full(101, 1.0)}
    for programme, semitones in ((organ, 1.0), (other, 0.0)):
        notes = Notes.of([(0, 1, 69, 0.8, programme)])
        plain, bent = (player.render(notes, duration=1, bends=given).mono()[5000:17000] for given in (None, bends))
        moved = loudest_frequency(np.pad(bent, (0, 2**17)), 22050) / loudest_frequency(np.pad(plain, (0, 2**17)), 22050)
        octaves = np.log2(moved) - semitones / 12  # which octave of an organ is loudest may change
        assert octaves == pytest.approx(round(octaves), abs=0.05 / 12)


def test_velocity_makes_it_louder(player):
    soft, loud = (rms(player.render(Notes.of([(0, 1, 60, v, 0)]), duration=1).samples) for v in (0.2, 1.0))
    assert loud > 2 * soft


def test_no_notes_are_silence(player):
    made = player.render(Notes.of([]), duration=0.5)
    assert made.length == 11025 and np.abs(made.samples).max() < 2e-4


def test_full_scale_is_not_exceeded(player):
    crowd = Notes.of([(0, 1, p, 1.0, 0) for p in range(40, 90)])
    assert np.abs(player.render(crowd, duration=1).samples).max() <= 1.0


@pytest.mark.parametrize("reverb", [False, True])
def test_nothing_of_what_was_played_before_is_heard(font, reverb):
    own = SoundFont(font, rate=22050, reverb=reverb)
    own.render(Notes.of([(0, 3, 72, 1.0, 16)]), duration=0.5)  # breaks off while it sounds
    assert np.abs(own.render(Notes.of([]), duration=0.5).samples).max() < 2e-4
    own.close()


def test_the_same_notes_give_the_same_sound(player):
    notes = Notes.of([(0, 0.5, 60, 0.8, 0), (0.2, 0.9, 64, 0.5, 40)])
    first = player.render(notes, duration=1.0)
    player.render(Notes.of([(0, 3, 72, 1.0, 16)]), duration=0.5)  # breaks off while it sounds
    second = player.render(notes, duration=1.0)
    assert rms(first.samples - second.samples) < 0.02 * rms(first.samples)


def test_programmes_sound_different_and_drums_are_drums(player):
    piano, flute, drum = (player.render(Notes.of([(0, 0.5, 60, 0.8, p)]), duration=0.5).mono() for p in (0, 73, DRUMS))
    assert all(rms(x) > 1e-3 for x in (piano, flute, drum))
    assert rms(piano - flute) > 0.3 * rms(piano)
    assert rms(piano - drum) > 0.3 * rms(piano)


def test_more_programmes_than_channels(player):
    notes = Notes.of([(0.1 * i, 0.1 * i + 0.08, 60, 0.8, i) for i in range(20)])
    made = player.render(notes, duration=2.2).mono()
    for i in range(20):
        assert rms(made[round((0.1 * i + 0.01) * 22050) :][:1500]) > 1e-4


def test_a_programme_too_many_leaves_what_sounds_alone(player):
    held = [(0.0, 2.0, 60 + i, 0.8, 16 + i % 4) for i in range(4)]
    others = [(0.5 + 0.05 * i, 0.54 + 0.05 * i, 30, 0.8, 60 + i) for i in range(14)]
    alone, crowded = (player.render(Notes.of(rows), duration=2.0).mono()[35000:] for rows in (held, held + others))
    assert rms(alone - crowded) < 0.2 * rms(alone)  # what the others leave of their releases


def test_more_programmes_at_once_than_channels_of_a_file(player):
    """What each plays is heard: the whole is the sum of its parts."""
    rows = [(0.0, 0.5, 48 + p, 0.3, p) for p in range(0, 120, 6)]
    whole = player.render(Notes.of(rows), duration=0.5).mono()
    parts = sum(player.render(Notes.of(rows[i : i + 10]), duration=0.5).mono() for i in (0, 10))
    assert rms(whole - parts) < 0.05 * rms(parts)


def test_a_repeated_note_sounds_twice(player):
    made = player.render(Notes.of([(0, 0.5, 60, 0.8, 0), (0.5, 1.0, 60, 0.8, 0)]), duration=1.0).mono()
    before, after = rms(made[9000:11000]), rms(made[11100:13000])
    assert after > 1.2 * before


def test_a_file_that_is_no_soundfont_is_refused(tmp_path):
    pytest.importorskip("fluidsynth", reason="FluidSynth is not installed", exc_type=ImportError)
    (tmp_path / "font.sf2").write_text("no")
    for name in ("font.sf2", "missing.sf2"):
        with pytest.raises(RestyleError, match="no SoundFont"):
            SoundFont(tmp_path / name)


def test_without_fluidsynth_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    with pytest.raises(RestyleError, match=r"pip install \"\.\[render\]\" in restyle.s folder"):
        SoundFont("font.sf2")
