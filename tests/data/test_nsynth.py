import json

import pytest

from restyle.data.nsynth import Nsynth
from restyle.data.splits import split
from restyle.errors import RestyleError

PARTS = {
    "nsynth-train": [("bass_synthetic_068", "bass", 49, 25, ["dark"]), ("bass_synthetic_068", "bass", 50, 127, [])],
    "nsynth-valid": [("guitar_acoustic_010", "guitar", 66, 100, [])],
    "nsynth-test": [("vocal_synthetic_003", "vocal", 88, 25, ["bright", "distortion", "long_release"])],
}


@pytest.fixture
def copy(tmp_path, sound):
    """The three parts with the fields that the real examples.json has."""
    for part, rows in PARTS.items():
        examples = {}
        for number, (instrument, family, pitch, velocity, qualities) in enumerate(rows):
            name = f"{instrument}-{pitch:03d}-{velocity:03d}"
            examples[name] = {
                "note": 200000 + number,
                "note_str": name,
                "instrument": 656,
                "instrument_str": instrument,
                "pitch": pitch,
                "velocity": velocity,
                "sample_rate": 16000,
                "qualities": [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
                "qualities_str": qualities,
                "instrument_family": 0,
                "instrument_family_str": family,
                "instrument_source": 2,
                "instrument_source_str": instrument.split("_")[1],
            }
            sound(tmp_path / part / "audio" / f"{name}.wav", 4.0, rate=16000, pitch=pitch)
        (tmp_path / part / "examples.json").write_text(json.dumps(examples))
    return tmp_path


def test_notes_of_all_parts(copy):
    data = Nsynth(copy)
    assert [(item.labels, item.source, item.split) for item in data.items] == [
        (("bass", "synthetic", "dark"), "bass_synthetic_068", "train"),
        (("bass", "synthetic"), "bass_synthetic_068", "train"),
        (("guitar", "acoustic"), "guitar_acoustic_010", "validation"),
        (("vocal", "synthetic", "bright", "distortion", "long_release"), "vocal_synthetic_003", "test"),
    ]
    assert data.labels == ("bass", "guitar", "vocal")


def test_the_own_split_is_kept(copy):
    sides = split(Nsynth(copy).items, {"train": 0.8, "validation": 0.1, "test": 0.1})
    assert {name: {item.path.parts[-3] for item in side} for name, side in sides.items()} == {
        "train": {"nsynth-train"},
        "validation": {"nsynth-valid"},
        "test": {"nsynth-test"},
    }


def test_one_part_alone(copy):
    assert [item.split for item in Nsynth(copy / "nsynth-valid").items] == ["validation"]


def test_missing_sounds_are_skipped(copy):
    (copy / "nsynth-valid" / "audio" / "guitar_acoustic_010-066-100.wav").unlink()
    data = Nsynth(copy)
    assert len(data.items) == 3
    assert [name for name, _ in data.skipped] == [
        "nsynth-valid/audio/guitar_acoustic_010-066-100.wav",
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"a": {"pitch": 3}}', '{"a": 3}'])
def test_a_damaged_table_is_told(copy, text):
    (copy / "nsynth-test" / "examples.json").write_text(text)
    with pytest.raises(RestyleError, match=r"examples\.json is damaged or not NSynth's"):
        Nsynth(copy)


def test_a_wrong_folder_is_told(copy, tmp_path_factory):
    with pytest.raises(RestyleError, match="does not hold NSynth's nsynth-train"):
        Nsynth(tmp_path_factory.mktemp("empty"))
    for path in copy.glob("*/audio/*.wav"):
        path.unlink()
    with pytest.raises(RestyleError, match="holds none of the sound files of nsynth"):
        Nsynth(copy)
