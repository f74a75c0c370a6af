import numpy as np
import pytest
import soundfile

from restyle.data.recorded import RENDER_RATE, NoteSamples, Playing, measured_pitch, named_pitches
from restyle.errors import RestyleError, collect
from restyle.notes import Notes


def tone(pitch, rate=22050, seconds=1.0):
    """A note of ten partials."""
    t = np.arange(round(seconds * rate)) / rate
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    return 0.4 * sum(np.sin(2 * np.pi * f0 * k * t) / k for k in range(1, 11) if k * f0 < rate / 2)


def record(folder, names):
    """Files of tones, named as told: name -> pitch that sounds."""
    folder.mkdir()
    for name, pitch in names.items():
        soundfile.write(folder / f"{name}.wav", np.concatenate([np.zeros(2205), tone(pitch)]), 22050)


@pytest.fixture
def samples(tmp_path):
    """One instrument with recorded notes at 60 and 67; and a folder without notes."""
    record(tmp_path / "sine", {"sine_60_a": 60, "sine_67_a": 67})
    record(tmp_path / "empty", {"noise": 50})
    return NoteSamples(tmp_path)


def pitches(samples, name):
    return [sample.pitch for sample in samples.instruments[name]]


def test_recorded_notes_are_found_by_their_names(samples):
    assert list(samples.instruments) == ["sine"]
    assert pitches(samples, "sine") == pytest.approx([60, 67], abs=0.05)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("horn_60_ff", [60]),
        ("note-27", [27]),
        ("piano_079_pp", [79]),
        ("A#4", [70]),
        ("F#7vL", [102]),
        ("trumpet-ff-ais3", [58]),
        ("SopRSax-ff-59-H3", [59]),
        ("CP80_027-D#1-MP", [27]),
        ("g5mp", [79]),
        ("pizz_perc8_rr5", []),
    ],
)
def test_names_tell_pitches(name, told):
    assert named_pitches(name) == told


@pytest.mark.parametrize("pitch", [28, 40.3, 60, 71.5, 88, 103])
def test_the_sound_tells_the_pitch(pitch):
    assert measured_pitch(tone(pitch, 16000), 16000) == pytest.approx(pitch, abs=0.15)


def test_noise_and_silence_have_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, 16000)
    assert measured_pitch(noise, 16000) is None and measured_pitch(np.zeros(16000), 16000) is None
    assert measured_pitch(np.zeros(0), 16000) is None


def test_octaves_counted_otherwise_and_a_wrong_rate_are_found_by_the_sound(tmp_path):
    record(tmp_path / "flute", {"C3": 60, "E3": 64, "G3": 67})  # middle C as C3
    record(tmp_path / "oboe", {"oboe_60": 61.47, "oboe_64": 65.47, "oboe_67": 68.47})  # 44.1 kHz said to be 48
    samples = NoteSamples(tmp_path)
    assert pitches(samples, "flute") == pytest.approx([60, 64, 67], abs=0.05)
    assert pitches(samples, "oboe") == pytest.approx([61.47, 65.47, 68.47], abs=0.05)


def test_a_file_whose_name_and_sound_disagree_is_left_out(tmp_path):
    record(tmp_path / "horn", {"horn_60": 60, "horn_62": 62, "horn_64": 64, "horn_65": 71})
    with collect() as collected:
        samples = NoteSamples(tmp_path)
    assert pitches(samples, "horn") == pytest.approx([60, 62, 64], abs=0.05)
    assert collected.warnings == ["horn: name and sound tell different pitches in 1 of 4 files: left out"]


def test_a_folder_whose_names_tell_no_pitch_is_refused(tmp_path):
    record(tmp_path / "takes", {"take_33": 60, "take_45": 62, "take_58": 76})
    with pytest.raises(RestyleError, match="holds no recorded notes"):
        NoteSamples(tmp_path)


def test_soft_notes_take_soft_recordings(tmp_path):
    record(tmp_path / "harp", {"harp_60_f": 60, "harp_60_p": 60})
    quiet = tmp_path / "harp" / "harp_60_p.wav"
    soundfile.write(quiet, 0.05 * np.concatenate([np.zeros(2205), tone(60)]), 22050)
    samples = NoteSamples(tmp_path)
    chosen = {
        velocity: {samples._nearest("harp", 60, velocity, np.random.default_rng(i)).path.stem for i in range(20)}
        for velocity in (0.1, 0.9)
    }
    assert chosen == {0.1: {"harp_60_p"}, 0.9: {"harp_60_f"}}


def test_a_note_ends_when_its_recording_does(samples):
    _, played = samples.render(Notes.of([(0.0, 3.0, 60, 1.0, 0)]), "sine", 4.0, np.random.default_rng(0))
    assert played.offset.tolist() == pytest.approx([1.0], abs=0.01)


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


def test_tied_notes_overlap_and_have_no_attack_of_their_own(samples):
    notes = Notes.of([(0.0, 0.4, 60, 0.8, 0), (0.4, 0.7, 67, 0.8, 0)])
    plain, tied = (
        samples.render(notes, "sine", 1.0, np.random.default_rng(0), rate=16000, playing=Playing(legato=legato))[0]
        for legato in (False, True)
    )
    assert np.array_equal(plain[:6400], tied[:6400]) and not np.array_equal(plain, tied)
    rise = slice(6400, 6480)  # the first 5 ms of the second note
    assert np.abs(tied[rise] - plain[rise]).max() > 0.05
    assert np.abs(np.diff(tied)).max() <= np.abs(np.diff(plain)).max() * 1.05  # no click


def test_a_tied_note_glides_from_the_pitch_before(samples):
    notes = Notes.of([(0.0, 0.4, 60, 0.8, 0), (0.4, 0.9, 65, 0.8, 0)])
    playing = Playing(legato=True, release=0.03, glide=0.12)
    sound, _ = samples.render(notes, "sine", 1.0, np.random.default_rng(0), rate=16000, playing=playing)
    for at, lowest, highest in ((0.42, 61, 64), (0.6, 64.9, 65.1)):
        levels = np.abs(np.fft.rfft(sound[round(at * 16000) :][:960] * np.hanning(960), 2**17))[: 2**12]
        pitch = 69 + 12 * np.log2(levels.argmax() * 16000 / 2**17 / 440)
        assert lowest < pitch < highest


def test_an_ensemble_is_broader_than_its_player_and_as_loud(samples):
    notes = Notes.of([(0.1, 0.9, 60, 0.8, 0)])
    one, many = (
        samples.render(notes, "sine", 1.0, np.random.default_rng(0), playing=Playing(players=players))[0]
        for players in (1, 5)
    )
    swell = [np.abs(sound[8820:35280]).reshape(-1, 441).max(axis=1) for sound in (one, many)]
    assert np.ptp(swell[1]) > 3 * np.ptp(swell[0])  # its players beat against each other
    assert 0.4 < np.square(many).mean() / np.square(one).mean() < 2.5


def test_the_same_seed_draws_the_same_playing():
    drawn = [Playing.draw(np.random.default_rng(seed)) for seed in (4, 4, 5)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert {Playing.draw(np.random.default_rng(seed)).players for seed in range(100)} == {1, 2, 3, 4, 5}
