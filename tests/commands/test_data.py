import json
import logging
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from restyle.commands.data import Recipe, instruments, render, spectrograms
from restyle.data.manifest import MANIFEST, Songs
from restyle.data.store import Store
from restyle.errors import RestyleError
from restyle.io.midi import write_midi
from restyle.notes import DRUMS, Notes


@pytest.fixture(scope="module")
def recipe(font):
    return Recipe((font,), rate=8000, seconds=1)


@pytest.fixture
def music(tmp_path):
    """Two genres, a piece without one, a damaged file, and a table of licences."""
    for i, name in enumerate(("jazz/blue.mid", "jazz/live/red.MIDI", "rock/loud.mid", "loose.mid")):
        path = tmp_path / "midi" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [(0.2 * k, 0.2 * k + 0.15, 60 + i + k, 0.8, 8 * i) for k in range(5)]
        write_midi(path, Notes.of([*rows, (0, 0.1, 38, 0.8, DRUMS)]))
    (tmp_path / "midi/rock/bad.mid").write_bytes(b"no music")
    (tmp_path / "midi/manifest.csv").write_text(
        "file,licence,chart\nmidi/jazz/blue.mid,CC0,tune\nrock/loud.mid,CC-BY-4.0,tune\n"
    )
    return tmp_path / "midi"


def held(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_of_midi_becomes_a_folder_of_songs(recipe, music, tmp_path, caplog):
    told = []
    with caplog.at_level(logging.WARNING, "restyle"):
        made = render(music, tmp_path / "out", recipe, variations=2, report=lambda *now: told.append(now))
    assert (made.new, made.kept) == (8, 0)
    assert [name for name, _ in made.skipped] == ["rock/bad.mid"] and "damaged" in made.skipped[0][1]
    assert sum("rock/bad.mid" in message for message in caplog.messages) == 1
    assert [number for _, number, _ in told] == list(range(1, 11)) and {of for *_, of in told} == {10}
    rows = [json.loads(line) for line in (tmp_path / "out" / MANIFEST).read_text().splitlines()]
    assert [row["file"] for row in rows] == sorted(
        f"{name}.v0{i}.flac" for name in ("jazz/blue", "jazz/live/red", "rock/loud", "loose") for i in (0, 1)
    )
    assert {(row["midi"], row["label"], row["licence"]) for row in rows} == {
        ("jazz/blue.mid", "jazz", "CC0"), ("jazz/live/red.MIDI", "jazz", ""), ("loose.mid", "", ""),
        ("rock/loud.mid", "rock", "CC-BY-4.0"),
    }  # fmt: skip
    sources = {item.path.name[:3]: item.source for item in Songs(tmp_path / "out").items}
    assert sources == {"blu": "tune", "lou": "tune", "red": "jazz/live/red", "loo": "loose"}
    for row in rows:
        sound = soundfile.info(tmp_path / "out" / row["file"])
        assert (sound.samplerate, sound.channels, sound.frames) == (8000, 1, round(8000 * row["seconds"]))
        assert (tmp_path / "out" / row["file"]).with_suffix(".mid").is_file()
    assert not list((tmp_path / "out").rglob(".*"))


def test_a_second_run_makes_what_is_missing_or_changed(recipe, music, tmp_path):
    out = tmp_path / "out"
    render(music, out, recipe)
    first = held(out)
    assert render(music, out, recipe).kept == 4 and held(out) == first
    (out / "loose.v00.flac").unlink()
    (out / "jazz/blue.v00.flac").write_bytes(first["jazz/blue.v00.flac"][:-50])
    made = render(music, out, recipe)
    assert (made.new, made.kept) == (2, 2) and held(out) == first
    write_midi(music / "loose.mid", Notes.of([(0, 1, 70, 0.8, 0)]))
    assert render(music, out, recipe).new == 1
    assert render(music, out, Recipe(recipe.soundfonts, rate=8000, seconds=1, seed=5)).new == 4


def test_a_run_that_is_cut_off_keeps_what_it_made(recipe, music, tmp_path):
    class CutOffError(Exception):
        pass

    def report(_, number, __):
        if number == 3:
            raise CutOffError

    with pytest.raises(CutOffError):
        render(music, tmp_path / "out", recipe, report=report)
    made = render(music, tmp_path / "out", recipe)
    assert (made.new, made.kept) == (1, 3)
    render(music, tmp_path / "whole", recipe)
    assert held(tmp_path / "out") == held(tmp_path / "whole")


def test_songs_that_are_not_asked_for_stay_in_the_manifest(recipe, music, tmp_path, caplog):
    render(music, tmp_path / "out", recipe, variations=2)
    assert render(music, tmp_path / "out", recipe, variations=1).kept == 4
    assert len((tmp_path / "out" / MANIFEST).read_text().splitlines()) == 8
    assert "4 songs of other files or variations" in caplog.text


@pytest.mark.parametrize("address", [None, "threading"])
def test_any_number_of_jobs_gives_the_same(recipe, music, tmp_path, address):
    render(music, tmp_path / "one", recipe)
    made = render(music, tmp_path / "two", recipe, jobs=2, address=address)
    assert made.new == 4 and len(made.skipped) == 1
    assert held(tmp_path / "one") == held(tmp_path / "two")


@pytest.mark.parametrize("address", ["ray://127.0.0.1:1", "tcp://127.0.0.1:1"])
def test_a_cluster_whose_package_is_missing_is_told(recipe, music, tmp_path, address, monkeypatch):
    import sys

    for name in ("ray", "dask", "dask.distributed", "ray.util.joblib"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RestyleError, match=r"in restyle.s folder"):
        render(music, tmp_path / "out", recipe, address=address)
    with pytest.raises(RestyleError, match="no address"):
        render(music, tmp_path / "out", recipe, address="nowhere")


def test_mistakes_are_told(recipe, music, tmp_path):
    (tmp_path / "empty").mkdir()
    wrong = [
        ((tmp_path / "no", tmp_path / "out", recipe), {}, "no such folder"),
        ((tmp_path / "empty", tmp_path / "out", recipe), {}, "no MIDI files"),
        ((music, music / "out", recipe), {}, "lies inside"),
        ((music, tmp_path / "out", recipe), {"variations": 0}, "variations"),
        ((music, tmp_path / "out", recipe), {"jobs": 0}, "jobs"),
        ((music, tmp_path / "out", Recipe((tmp_path / "no.sf2",))), {}, "no such SoundFont"),
        ((music, tmp_path / "out", Recipe(recipe.soundfonts, samples=(tmp_path / "empty",))), {}, "no recorded notes"),
        ((music, music / "loose.mid", recipe), {}, "is a file|lies inside"),
    ]
    for arguments, options, why in wrong:
        with pytest.raises(RestyleError, match=why):
            render(*arguments, **options)
    assert not (tmp_path / "out").exists()


@pytest.fixture
def sounds(tmp_path):
    """Five tones in two folders, at two rates, one stereo; one silent and one damaged file."""
    for i, name in enumerate(("a/0.wav", "a/1.flac", "b/2.wav", "b/deep/3.ogg", "b/4.wav")):
        path = tmp_path / "sounds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rate = (8000, 22050)[i % 2]
        tone = 0.5 * np.sin(2 * np.pi * 200 * (i + 1) * np.arange(rate * 2) / rate)
        soundfile.write(path, np.stack([tone, tone], 1) if i == 2 else tone, rate)
    soundfile.write(tmp_path / "sounds/b/silent.wav", np.zeros(8000), 8000)
    (tmp_path / "sounds/b/bad.wav").write_bytes(b"no sound")
    return tmp_path / "sounds"


SETTINGS = {"kind": "stft", "rate": 8000, "n_fft": 256, "hop": 100}


def test_sounds_become_spectrograms(sounds, tmp_path):
    made = spectrograms(sounds, tmp_path / "store", SETTINGS)
    assert made.new == 5 and sorted(name for name, _ in made.skipped) == ["b/bad.wav", "b/silent.wav"]
    store = Store.open(tmp_path / "store")
    assert store.settings == SETTINGS | {"log1p": True, "power": 1}
    assert [(entry.labels, entry.source) for entry in store.entries] == [
        (("a",), "a/0"), (("a",), "a/1"), (("b",), "b/2"), (("b",), "b/4"), (("b",), "b/deep/3"),
    ]  # fmt: skip
    samples, _ = librosa.load(sounds / "a/0.wav", sr=None)
    wanted = np.log1p(np.abs(librosa.stft(samples, n_fft=256, hop_length=100))).T
    np.testing.assert_allclose(store.read(0), wanted, atol=3e-3)  # float16
    for i, entry in enumerate(store.entries):
        tone = 200 * (int(Path(entry.name).stem) + 1)
        assert entry.frames == 161
        assert np.abs(store.read(i, 5, 150).mean(axis=0).argmax() - tone * 256 / 8000) <= 0.5


def test_a_second_run_transforms_what_is_new(sounds, tmp_path):
    spectrograms(sounds, tmp_path / "store", SETTINGS)
    again = spectrograms(sounds, tmp_path / "store", SETTINGS)
    assert (again.new, again.kept, len(again.skipped)) == (0, 5, 2)
    before = Store.open(tmp_path / "store")
    soundfile.write(sounds / "a/0.wav", 0.3 * np.sin(np.arange(12000)), 8000)
    soundfile.write(sounds / "a/new.wav", 0.3 * np.sin(np.arange(9000)), 8000)
    (sounds / "b/4.wav").unlink()
    made = spectrograms(sounds, tmp_path / "store", SETTINGS)
    after = Store.open(tmp_path / "store")
    assert (made.new, made.kept) == (2, 3)
    assert [entry.name for entry in after.entries] == ["a/0.wav", "a/1.flac", "a/new.wav", "b/2.wav", "b/deep/3.ogg"]
    assert after.entries[0].frames == 121 and np.array_equal(after.read(1), before.read(1))
    with pytest.raises(RestyleError, match="hop"):
        spectrograms(sounds, tmp_path / "store", SETTINGS | {"hop": 50})


@pytest.mark.parametrize("address", [None, "threading"])
def test_any_number_of_jobs_gives_the_same_store(sounds, tmp_path, address):
    spectrograms(sounds, tmp_path / "one", SETTINGS)
    spectrograms(sounds, tmp_path / "two", SETTINGS, jobs=2, address=address)
    one, two = (Store.open(tmp_path / name) for name in ("one", "two"))
    assert [entry.name for entry in one.entries] == [entry.name for entry in two.entries]
    assert all(np.array_equal(one.read(i), two.read(i)) for i in range(5))
    np.testing.assert_allclose(one.statistics["std"], two.statistics["std"], rtol=1e-6)


@pytest.mark.parametrize("kind", ["mel", "cqt"])
def test_other_kinds(sounds, tmp_path, kind):
    spectrograms(sounds, tmp_path / "store", {"kind": kind, "rate": 8000, "bins": 60, "hop": 128})
    store = Store.open(tmp_path / "store")
    assert store.read(0).shape == (126, 60) and store.statistics["mean"].shape == (60,)


def test_variations_and_files_of_a_chart_are_one_source(recipe, music, tmp_path):
    render(music, tmp_path / "songs", Recipe(recipe.soundfonts, rate=8000, seconds=1, stems=True), variations=2)
    assert spectrograms(tmp_path / "songs", tmp_path / "store", SETTINGS).new == 8  # not of the stems
    entries = Store.open(tmp_path / "store").entries
    assert sorted(entry.source for entry in entries) == sorted([*4 * ["tune"], *2 * ["jazz/live/red", "loose"]])


def test_mistakes_with_sounds_are_told(sounds, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad/x.wav").write_bytes(b"no")
    for folder, settings, why in (
        (sounds, {"kind": "wavelet"}, "stft, mel, cqt"),
        (sounds, {"kind": "cqt", "rate": 2000}, "cannot be made"),
        (tmp_path / "bad", SETTINGS, "no sound of it could be read"),
        (tmp_path / "missing", SETTINGS, "no such folder"),
    ):
        with pytest.raises(RestyleError, match=why):
            spectrograms(folder, tmp_path / "store", settings)
    assert not (tmp_path / "store").exists()


@pytest.mark.slow
def test_instruments_are_made_with_their_notes_and_kept(recipe, tmp_path):
    rows = [(0.2 * i, 0.2 * i + 0.18, 50 + (7 * i) % 24, 0.8, 0) for i in range(40)]
    (tmp_path / "midi").mkdir()
    write_midi(tmp_path / "midi" / "scale.mid", Notes.of(rows))
    made = instruments(tmp_path / "midi", tmp_path / "clips", recipe.soundfonts, count=1, seconds=1.0)
    assert made.new > 90 and made.kept == 0
    clips = sorted((tmp_path / "clips").glob("*/0000.flac"))
    assert len(clips) == made.new and all(clip.with_suffix(".mid").is_file() for clip in clips)
    assert soundfile.info(clips[0]).duration == pytest.approx(2.0)
    again = instruments(tmp_path / "midi", tmp_path / "clips", recipe.soundfonts, count=1, seconds=1.0)
    assert (again.new, again.kept) == (0, made.new)


def test_mistakes_with_instruments_are_told(recipe, music, tmp_path):
    with pytest.raises(RestyleError, match="no such folder"):
        instruments(tmp_path / "none", tmp_path / "out", recipe.soundfonts)
    with pytest.raises(RestyleError, match="no such SoundFont"):
        instruments(music, tmp_path / "out", [tmp_path / "none.sf2"])
    with pytest.raises(RestyleError, match="1 or more"):
        instruments(music, tmp_path / "out", recipe.soundfonts, count=0)
    with pytest.raises(RestyleError, match=r"no instrument 'lute'; choose from .*gm048"):
        instruments(music, tmp_path / "out", recipe.soundfonts, only=["lute"])


def test_one_instrument_alone_can_be_made(recipe, tmp_path):
    rows = [(0.2 * i, 0.2 * i + 0.18, 50 + (7 * i) % 24, 0.8, 0) for i in range(40)]
    (tmp_path / "midi").mkdir()
    write_midi(tmp_path / "midi" / "scale.mid", Notes.of(rows))
    made = instruments(tmp_path / "midi", tmp_path / "clips", recipe.soundfonts, only=["gm048"], count=2, seconds=1.0)
    assert made.new == 2 and [path.name for path in (tmp_path / "clips").iterdir()] == ["gm048"]


def test_notes_bends_sound_partials_and_pitch_go_into_a_store(tmp_path):
    time = np.arange(16000) / 8000
    (tmp_path / "a").mkdir()
    soundfile.write(tmp_path / "a" / "tone.wav", 0.3 * np.sin(2 * np.pi * 440 * time), 8000)
    bend = np.array([[0.0, 1.0], [0.0, 0.5]])
    write_midi(tmp_path / "a" / "tone.mid", Notes.of([(0.0, 1.9, 69, 0.8, 5)]), {5: bend})
    spectrograms(tmp_path, tmp_path / "store", {"kind": "stft", "rate": 8000}, sound=True, partials=True, pitch=True)
    store = Store.open(tmp_path / "store")
    assert set(store.entries[0].beside) == {"notes", "bent", "bends", "partials", "pitch", "sound"}
    assert store.beside(0, "notes")[0].tolist() == pytest.approx([0, 1.9, 69, 0.8, 5], abs=0.01)
    assert store.beside(0, "bent").tolist() == [5] and store.beside(0, "bends").shape == (1, store.entries[0].frames)
    assert np.abs(store.beside(0, "sound")).max() == pytest.approx(0.3, abs=0.01)
    rows = store.beside(0, "partials").astype(float)
    assert rows.shape[1] == 201 and rows[:, 0] == pytest.approx(69, abs=0.2)
    assert np.median(rows[:, 9]) == pytest.approx(20 * np.log10(0.3), abs=0.5)
    assert store.beside(0, "pitch").shape == (store.entries[0].frames, 176)


def test_rough_onsets_of_earlier_versions_are_made_anew(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    soundfile.write(tmp_path / "a" / "tone.wav", 0.3 * np.sin(2 * np.pi * 440 * np.arange(16000) / 8000), 8000)
    write_midi(tmp_path / "a" / "tone.mid", Notes.of([(0.0, 1.9, 69, 0.8, 5)]))
    arguments = tmp_path, tmp_path / "store", {"kind": "stft", "rate": 8000}
    with monkeypatch.context() as patch:
        patch.setattr("restyle.commands.shared.spectrograms.ONSETS", "float16")
        spectrograms(*arguments, partials=True)
    assert spectrograms(*arguments, partials=True).new == 1
    assert spectrograms(*arguments, partials=True).kept == 1
    assert Store.open(tmp_path / "store").beside(0, "partials").dtype == np.float32
