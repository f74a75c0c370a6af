import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from restyle.data.manifest import MANIFEST, Songs, read_manifest
from restyle.data.recipe import Recipe
from restyle.data.songs import Song, digest, make
from restyle.errors import RestyleError
from restyle.io.midi import read_bends, read_midi, write_midi
from restyle.notes import DRUMS, Notes

RATE = 16000


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Six seconds of a piano melody, a bass and drums."""
    rows = [(0.5 * i, 0.5 * i + 0.4, 60 + (2 * i) % 12, 0.7, 0) for i in range(12)]
    rows += [(1.0 * i, 1.0 * i + 0.9, 40 + i, 0.6, 33) for i in range(6)]
    rows += [(0.5 * i, 0.5 * i + 0.1, 36, 0.9, DRUMS) for i in range(12)]
    path = tmp_path_factory.mktemp("midi") / "band.mid"
    write_midi(path, Notes.of(rows))
    return Song(path, "rock/band")


def sound(folder, row):
    samples, rate = soundfile.read(folder / row["file"])
    assert rate == RATE
    return samples


def test_a_plain_song_is_played_as_it_is_written(font, song, tmp_path):
    row = make(song, Recipe((font,), rate=RATE, plain=True), tmp_path)
    written, heard = read_midi(song.midi), read_midi(tmp_path / "rock/band.v00.mid")
    assert row["label"] == "rock" and row["midi"] == "rock/band.mid" and row["soundfont"] == font.name
    assert (row["tempo"], row["transposition"], row["programmes"]) == (1, 0, [0, 33, DRUMS])
    for column, error in (("onset", 2e-3), ("offset", 2e-3), ("pitch", 0), ("velocity", 1e-6)):
        assert np.abs(getattr(written, column) - getattr(heard, column)).max() <= error
    samples = sound(tmp_path, row)
    assert len(samples) == round(row["seconds"] * RATE) == round((written.duration + 2) * RATE)
    assert np.abs(samples).max() == pytest.approx(0.7, abs=1e-3)
    power = np.square(samples)
    rises = [power[at : at + 800].sum() > power[at - 800 : at].sum() for at in range(RATE // 2, 5 * RATE, RATE // 2)]
    assert np.mean(rises) > 0.8  # every half second notes begin


@pytest.mark.parametrize("plain", [False, True])
def test_it_is_bounded_in_time_however_long_the_notes_are(font, tmp_path, plain):
    write_midi(tmp_path / "long.mid", Notes.of([(0, 3000, 60, 0.8, 16), (1, 2, 64, 0.8, 16), (2900, 3100, 70, 0.8, 0)]))
    row = make(Song(tmp_path / "long.mid", "long"), Recipe((font,), rate=RATE, seconds=3, plain=plain), tmp_path)
    assert row["seconds"] == 3 and len(sound(tmp_path, row)) == 3 * RATE
    assert read_midi(tmp_path / "long.v00.mid").duration <= 3.001


def test_variations_differ_and_stay_in_their_bounds(font, song, tmp_path):
    recipe = Recipe((font,), rate=RATE, seconds=2)
    rows = [make(replace(song, variation=i), recipe, tmp_path) for i in range(12)]
    assert len({row["transposition"] for row in rows}) > 3
    assert all(abs(row["transposition"]) <= 5 and 0.8 < row["tempo"] < 1.25 for row in rows)
    others = {p for row in rows for p in row["programmes"]}
    assert others <= {*range(8), *range(32, 40), DRUMS} and len(others) > 4  # of the families of piano and bass
    assert len({(tmp_path / row["file"]).read_bytes() for row in rows}) == 12


def test_the_seed_decides_and_the_order_does_not(font, song, tmp_path):
    recipe = Recipe((font,), rate=RATE, seconds=2)
    other = replace(song, variation=1)
    for folder, order in (("a", (song, other)), ("b", (other, song))):
        for each in order:
            make(each, recipe, tmp_path / folder)
    make(song, replace(recipe, seed=1), tmp_path / "c")
    for ending in ("flac", "mid"):
        name = f"rock/band.v00.{ending}"
        one, two, three = ((tmp_path / folder / name).read_bytes() for folder in "abc")
        assert one == two != three


def test_transposition_moves_everything_but_drums(font, song, tmp_path):
    written = read_midi(song.midi)
    drums = set(written.select(written.programme == DRUMS).pitch)
    for i in range(4):
        row = make(replace(song, variation=i), Recipe((font,), rate=RATE, seconds=30), tmp_path)
        heard = read_midi(tmp_path / row["file"].replace(".flac", ".mid"))
        assert set(heard.select(heard.programme == DRUMS).pitch) == drums
        assert sorted(heard.pitched().pitch) == sorted(written.pitched().pitch + row["transposition"])
        assert heard.duration == pytest.approx(written.duration / row["tempo"], abs=0.01)


def test_stems_add_up_to_the_song(font, song, tmp_path):
    row = make(song, Recipe((font,), rate=RATE, plain=True, stems=True), tmp_path)
    stems = sorted((tmp_path / "rock/band.v00.stems").iterdir())
    assert [path.name for path in stems] == ["00-000.flac", "01-033.flac", "02-drums.flac"]
    total = sum(soundfile.read(path)[0] for path in stems)
    assert np.abs(total - sound(tmp_path, row)).max() < 3 / 32768  # rounding of three files and one
    alone = make(song, Recipe((font,), rate=RATE, plain=True), tmp_path / "alone")
    difference = sound(tmp_path / "alone", alone) - total
    assert np.sqrt(np.mean(difference**2)) < 0.03 * np.sqrt(np.mean(total**2))  # -30 dB: FluidSynth rounds in blocks


def test_recorded_notes_play_a_part(font, tmp_path):
    t = np.arange(RATE) / RATE
    (tmp_path / "notes/sine").mkdir(parents=True)
    for pitch in (60, 64, 68):
        soundfile.write(
            tmp_path / f"notes/sine/{pitch}.wav", np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * t), RATE
        )
    write_midi(tmp_path / "a.mid", Notes.of([(0.5 * i, 0.5 * i + 0.4, 62 + i % 3, 0.8, 0) for i in range(6)]))
    recipe = Recipe((font,), rate=RATE, samples=(tmp_path / "notes",))
    rows = [make(Song(tmp_path / "a.mid", "a", i), recipe, tmp_path) for i in range(40)]
    assert 1 <= sum(row["instruments"] == ["sine"] for row in rows) <= 14  # 15 % of 40
    assert all(row["programmes"] for row in rows)


def test_an_instrument_is_not_given_notes_that_it_cannot_play(font, tmp_path):
    """FluidSynth says nothing and plays nothing there; all notes that the labels tell must sound."""
    from restyle.data.rendering import SoundFont

    playing = SoundFont(font, rate=RATE)
    write_midi(tmp_path / "high.mid", Notes.of([(0.2 * i, 0.2 * i + 0.2, 96 + i, 0.8, 40) for i in range(10)]))
    for i in range(10):
        row = make(Song(tmp_path / "high.mid", "high", i), Recipe((font,), rate=RATE), tmp_path)
        heard = read_midi(tmp_path / row["file"].replace(".flac", ".mid"))
        assert set(heard.pitch) <= set(playing.keys(row["programmes"][0]))
    playing.close()


def test_free_songs_are_cast_anew_and_their_notes_are_those_heard(font, song, tmp_path):
    recipe = Recipe((font,), rate=RATE, seconds=4, free=True)
    rows = [make(replace(song, variation=i), recipe, tmp_path) for i in range(14)]
    programmes = {p for row in rows for p in row["programmes"]}
    assert len(programmes - {*range(8), *range(32, 40), DRUMS}) > 5  # not only of the families that were written
    assert {len(row["programmes"]) for row in rows} > {1}  # alone, and together
    bent = [p for row in rows for p in read_bends(tmp_path / row["file"].replace(".flac", ".mid")).items()]
    assert len(bent) > 5 and all(p in programmes and np.abs(curve[1]).max() < 2 for p, curve in bent)
    assert any(np.ptp(curve[1]) > 0.2 for _, curve in bent)
    rises = []
    for row in rows:
        power = np.square(sound(tmp_path, row))
        notes = read_midi(tmp_path / row["file"].replace(".flac", ".mid"))
        for onset in notes.onset[(notes.onset > 0.1) & (notes.onset < row["seconds"] - 0.1)]:
            at = round(onset * RATE)
            rises.append(power[at : at + 1200].sum() > power[at - 1200 : at].sum())
    assert np.mean(rises) > 0.65


def test_a_free_song_is_the_same_again_and_not_plain(font, song, tmp_path):
    recipe = Recipe((font,), rate=RATE, seconds=2, free=True)
    for folder in "ab":
        make(song, recipe, tmp_path / folder)
    for ending in ("flac", "mid"):
        one, two = ((tmp_path / folder / f"rock/band.v00.{ending}").read_bytes() for folder in "ab")
        assert one == two
    with pytest.raises(RestyleError, match="cannot be free and plain"):
        Recipe((font,), free=True, plain=True)


def test_drums_and_loops_join_songs_without(font, song, tmp_path):
    (tmp_path / "drums").mkdir()
    (tmp_path / "noises").mkdir()
    write_midi(
        tmp_path / "drums" / "beat.mid", Notes.of([(0.25 * i, 0.25 * i + 0.1, 38, 0.9, DRUMS) for i in range(60)])
    )
    soundfile.write(tmp_path / "noises" / "loop.wav", np.random.default_rng(0).normal(0, 0.1, 4000), 8000)
    plain = Recipe((font,), rate=RATE, seconds=2, free=True)
    joined = replace(plain, drums=tmp_path / "drums", noises=tmp_path / "noises")
    changed = hits = 0
    for i in range(30):
        one = make(replace(song, variation=i), plain, tmp_path)
        alone = sound(tmp_path, one)
        two = make(replace(song, variation=i), joined, tmp_path)
        changed += not np.array_equal(alone, sound(tmp_path, two))
        more = set(two["programmes"]) - set(one["programmes"])
        assert more <= {DRUMS}
        hits += more == {DRUMS}  # drums are written with their notes, loops have none
    assert 1 <= hits < changed <= 29


def test_damaged_empty_and_monstrous_files_are_refused(font, tmp_path):
    recipe = Recipe((font,))
    (tmp_path / "bad.mid").write_bytes(b"MThd nothing")
    (tmp_path / "huge.mid").write_bytes(bytes(3 * 2**20))
    write_midi(tmp_path / "empty.mid", Notes.of([]))
    write_midi(tmp_path / "crowd.mid", Notes.of([(i / 4000, i / 4000 + 0.1, 30 + i % 60, 0.5, 0) for i in range(4000)]))
    for name, why in (("bad", "damaged"), ("huge", "too large"), ("empty", "no notes"), ("crowd", "4000 notes")):
        with pytest.raises(RestyleError, match=why):
            make(Song(tmp_path / f"{name}.mid", name), recipe, tmp_path)
    assert not list(tmp_path.glob("*.flac"))


def test_settings_out_of_range_are_refused():
    for wrong in ({"soundfonts": ()}, {"rate": 100}, {"seconds": 0}, {"seconds": 1e9}):
        with pytest.raises(RestyleError):
            Recipe(**{"soundfonts": (Path("a.sf2"),), **wrong})


def test_the_digest_tells_recipes_and_notes_apart_but_not_places(tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "font.sf2").write_bytes(b"font")
    (tmp_path / "one.mid").write_bytes(b"1")
    (tmp_path / "two.mid").write_bytes(b"2")
    one, two = (Song(tmp_path / f"{name}.mid", "x") for name in ("one", "two"))
    recipe = Recipe((tmp_path / "a/font.sf2",))
    assert digest(one, recipe) == digest(one, replace(recipe, soundfonts=(tmp_path / "b/font.sf2",), seconds=180))
    others = [
        replace(recipe, seed=1),
        replace(recipe, plain=True),
        replace(recipe, stems=True),
        replace(recipe, rate=8000),
    ]
    assert len({digest(one, recipe), digest(two, recipe), *(digest(one, other) for other in others)}) == 6


def test_variations_of_a_file_are_one_source(tmp_path):
    names = ("jazz/a.v00.flac", "jazz/a.v01.flac", "rock/b.v00.flac", "c.v00.flac")
    rows = []
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, np.full(800, 0.1), 8000)
        label = name.partition("/")[0] if "/" in name else ""
        rows.append({"file": name, "midi": name[: -len(".v00.flac")] + ".mid", "label": label, "licence": "CC0"})
    rows.append({"file": "jazz/gone.v00.flac", "midi": "jazz/gone.mid", "label": "jazz"})
    (tmp_path / MANIFEST).write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"file": "cut')
    songs = Songs(tmp_path)
    assert songs.labels == ("jazz", "rock") and [name for name, _ in songs.skipped] == ["jazz/gone.v00.flac"]
    assert [(item.source, item.labels, item.licence) for item in songs.items] == [
        ("c", (), "CC0"), ("jazz/a", ("jazz",), "CC0"), ("jazz/a", ("jazz",), "CC0"), ("rock/b", ("rock",), "CC0"),
    ]  # fmt: skip


def test_a_manifest_of_something_else_is_refused(tmp_path):
    assert read_manifest(tmp_path) == {}
    with pytest.raises(RestyleError, match="no rendered songs"):
        Songs(tmp_path)
    (tmp_path / MANIFEST).write_text('[1]\n{"file": "a"}\n')
    with pytest.raises(RestyleError, match="line 1"):
        read_manifest(tmp_path)
