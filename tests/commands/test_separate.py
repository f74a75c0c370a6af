"""`restyle separate`: a song to its stems."""

import numpy as np
import pytest
import soundfile

RATE = 22050


@pytest.fixture
def song(tmp_path):
    t, rng = np.arange(2 * RATE) / RATE, np.random.default_rng(0)
    hats = rng.standard_normal(len(t)) * np.exp(-60 * (t % 0.25))
    sound = 0.1 * hats + 0.2 * np.sin(2 * np.pi * 60 * t) + 0.1 * np.sin(2 * np.pi * 440 * t)
    soundfile.write(tmp_path / "song.wav", np.stack([sound, 0.5 * sound], 1), RATE)
    return tmp_path / "song.wav"


def test_stems_add_up_to_the_song(song, restyle, tmp_path):
    ran = restyle("separate", song, "-o", tmp_path / "stems", "--bits", "32f")
    assert ran.code == 0, ran.err
    assert ran.out.count("LUFS") == 4
    stems = [soundfile.read(tmp_path / "stems" / f"{name}.wav") for name in ("vocals", "drums", "bass", "other")]
    assert {rate for _, rate in stems} == {RATE}
    assert np.abs(sum(sound for sound, _ in stems) - soundfile.read(song)[0]).max() < 1e-4


def test_files_that_are_there_stay(song, restyle, tmp_path):
    (tmp_path / "stems").mkdir()
    (tmp_path / "stems" / "bass.flac").write_text("mine")
    ran = restyle("separate", song, "-o", tmp_path / "stems", "--format", "flac")
    assert ran.code == 2 and "bass.flac is there already" in ran.err
    assert (tmp_path / "stems" / "bass.flac").read_text() == "mine"
    assert [path.name for path in (tmp_path / "stems").iterdir()] == ["bass.flac"]
    assert restyle("separate", song, "-o", tmp_path / "stems", "--format", "flac", "--overwrite").code == 0
    assert len(list((tmp_path / "stems").iterdir())) == 4


def test_silence_and_mono(restyle, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(RATE), RATE)
    ran = restyle("separate", tmp_path / "silent.wav", "-o", tmp_path / "stems")
    assert ran.code == 0 and "silent" in ran.err
    sound, _ = soundfile.read(tmp_path / "stems" / "drums.wav")
    assert sound.shape == (RATE,) and not sound.any()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--model", "spleeter"], "there is no separator 'spleeter'"),
        (["--format", "xyz"], "cannot write '.xyz' files"),
        (["--weights", "transcriber"], "holds no separator"),
    ],
)
def test_other_words_are_refused(song, restyle, tmp_path, given, said):
    ran = restyle("separate", song, "-o", tmp_path / "stems", *given)
    assert ran.code == 2 and said in ran.err and ran.err.count("\n") == 1
    assert not (tmp_path / "stems").exists()
