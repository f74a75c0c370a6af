import csv
import json

import pytest

from restyle.data.maestro import Maestro
from restyle.data.splits import split
from restyle.errors import RestyleError
from restyle.io.midi import read_midi

ROWS = [
    ("Alban Berg", "Sonata Op. 1", "train", 2018, "MIDI-Unprocessed_Chamber3_MID--AUDIO_10_R3_2018_wav--1"),
    ("Alban Berg", "Sonata Op. 1", "train", 2008, "MIDI-Unprocessed_03_R2_2008_01-03_ORIG_MID--AUDIO_03_wav--2"),
    ("Alexander Scriabin", "3 Etudes, Op. 65", "validation", 2006, "MIDI-Unprocessed_17_R1_2006_01-06_ORIG_wav--3"),
    ("Franz Schubert / Franz Liszt", "Du bist die Ruh, S.558", "test", 2017, "MIDI-Unprocessed_066_PIANO066_wav--1"),
]
COLUMNS = (
    "canonical_composer",
    "canonical_title",
    "split",
    "year",
    "midi_filename",
    "audio_filename",
    "duration",
)


@pytest.fixture
def rows(tmp_path, sound, midi):
    """Sound and MIDI in the years' folders, and the rows of the table."""
    rows = []
    for i, (composer, title, side, year, name) in enumerate(ROWS):
        sound(tmp_path / "maestro-v3.0.0" / str(year) / f"{name}.wav", 1.0 + i / 10, rate=16000)
        midi(tmp_path / "maestro-v3.0.0" / str(year) / f"{name}.midi", (0.1, 0.4, 60 + i), (0.5, 0.9, 64 + i))
        row = (composer, title, side, year, f"{year}/{name}.midi", f"{year}/{name}.wav", 1.0 + i / 10)
        rows.append(dict(zip(COLUMNS, row, strict=True)))
    return rows


def as_csv(folder, rows, version="3.0.0"):
    with (folder / f"maestro-v{version}.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)


def as_json_rows(folder, rows):  # version 2
    (folder / "maestro-v2.0.0.json").write_text(json.dumps(rows))


def as_json_columns(folder, rows):  # version 3
    columns = {name: {str(i): row[name] for i, row in enumerate(rows)} for name in COLUMNS}
    (folder / "maestro-v3.0.0.json").write_text(json.dumps(columns))


@pytest.mark.parametrize("table", [as_csv, as_json_rows, as_json_columns])
@pytest.mark.parametrize("above", [False, True])
def test_all_forms_of_the_table_tell_the_same(tmp_path, rows, table, above):
    table(tmp_path / "maestro-v3.0.0", rows)
    data = Maestro(tmp_path if above else tmp_path / "maestro-v3.0.0")
    assert [(item.labels, item.source, item.split, item.path.name) for item in data.items] == [
        ((composer,), f"{composer}: {title}", side, f"{name}.wav") for composer, title, side, _, name in ROWS
    ]
    assert data.labels == ("Alban Berg", "Alexander Scriabin", "Franz Schubert / Franz Liszt")
    assert data.skipped == []


def test_items_have_their_notes(tmp_path, rows):
    as_csv(tmp_path / "maestro-v3.0.0", rows)
    items = Maestro(tmp_path).items
    assert [read_midi(item.notes).pitch.tolist() for item in items] == [[60 + i, 64 + i] for i in range(4)]
    assert {item.licence for item in items} == {"CC BY-NC-SA 4.0"}


def test_the_own_split_keeps_a_composition_together(tmp_path, rows):
    as_csv(tmp_path / "maestro-v3.0.0", rows)
    sides = split(Maestro(tmp_path).items, {"train": 0.8, "validation": 0.1, "test": 0.1})
    assert {name: {item.source for item in side} for name, side in sides.items()} == {
        "train": {"Alban Berg: Sonata Op. 1"},
        "validation": {"Alexander Scriabin: 3 Etudes, Op. 65"},
        "test": {"Franz Schubert / Franz Liszt: Du bist die Ruh, S.558"},
    }


def test_a_part_of_the_files(tmp_path, rows):
    as_csv(tmp_path / "maestro-v3.0.0", rows)
    (tmp_path / "maestro-v3.0.0" / rows[0]["audio_filename"]).unlink()
    (tmp_path / "maestro-v3.0.0" / rows[1]["midi_filename"]).unlink()
    data = Maestro(tmp_path)
    assert data.skipped == [(f"maestro-v3.0.0/{rows[0]['audio_filename']}", "there is no such file")]
    assert [item.notes is None for item in data.items] == [True, False, False]


def test_the_newest_table_is_taken(tmp_path, rows):
    as_csv(tmp_path / "maestro-v3.0.0", rows)
    as_csv(tmp_path / "maestro-v3.0.0", rows[:1], version="1.0.0")
    assert len(Maestro(tmp_path).items) == 4


def test_what_is_wrong_is_said(tmp_path, rows):
    home = tmp_path / "maestro-v3.0.0"
    with pytest.raises(RestyleError, match="does not hold MAESTRO's table"):
        Maestro(home)
    (home / "maestro-v3.0.0.csv").write_text("canonical_composer,split\nAlban Berg,train\n")
    with pytest.raises(RestyleError, match="rows without canonical_title, midi_filename, audio_filename"):
        Maestro(home)
    (home / "maestro-v3.0.0.csv").write_bytes(b"\xff\xfe\x00\x00")
    with pytest.raises(RestyleError, match=r"csv is damaged or no table"):
        Maestro(home)
    (home / "maestro-v3.0.0.csv").unlink()
    (home / "maestro-v3.0.0.json").write_text('{"split": {"0": "train"}, "canonical_title": {}}')
    with pytest.raises(RestyleError, match=r"json is damaged or no table"):
        Maestro(home)
    (home / "maestro-v3.0.0.json").unlink()
    as_csv(home, rows)
    for path in home.rglob("*.wav"):
        path.unlink()
    with pytest.raises(RestyleError, match="holds none of the sound files of maestro"):
        Maestro(home)
