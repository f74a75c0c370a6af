import logging

import pytest

from restyle.data.groove import Groove
from restyle.data.splits import split
from restyle.errors import RestyleError
from restyle.io.midi import read_midi
from restyle.notes import DRUMS

HEADER = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split"
ROWS = [
    ("drummer1", "eval_session", 1, "funk/groove1", 138, "beat", "test"),
    ("drummer1", "session1", 1, "funk", 80, "beat", "train"),
    ("drummer1", "session1", 10, "jazz/funk", 116, "fill", "train"),
    ("drummer2", "session2", 7, "latin/samba", 116, "beat", "validation"),
    ("drummer3", "session1", 2, "rock", 100, "beat", "train"),
]


@pytest.fixture
def copy(tmp_path, sound, midi):
    """Five performances, the last without sound, as the archive unpacks them."""
    lines = [HEADER]
    for drummer, session, number, style, bpm, kind, side in ROWS:
        name = f"{drummer}/{session}/{number}_{style.replace('/', '-')}_{bpm}_{kind}_4-4"
        midi(tmp_path / "groove" / f"{name}.mid", (0.0, 0.1, 36), (0.25, 0.3, 38), programme=DRUMS)
        heard = drummer != "drummer3"
        if heard:
            sound(tmp_path / "groove" / f"{name}.wav", 0.5, rate=44100)
        wav = f"{name}.wav" if heard else ""
        session_id = f"{drummer}/{session}"
        row = (drummer, session_id, f"{session_id}/{number}", style, bpm, kind, "4-4", f"{name}.mid", wav, 0.5, side)
        lines.append(",".join(map(str, row)))
    (tmp_path / "groove" / "info.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.mark.parametrize("inside", ["", "groove"])
def test_performances_with_sound(copy, inside, caplog):
    with caplog.at_level(logging.WARNING, "restyle"):
        data = Groove(copy / inside)
    assert [(item.labels, item.source, item.split) for item in data.items] == [
        (("funk", "beat", "groove1"), "drummer1", "test"),
        (("funk", "beat"), "drummer1", "train"),
        (("jazz", "fill", "funk"), "drummer1", "train"),
        (("latin", "beat", "samba"), "drummer2", "validation"),
    ]
    assert data.labels == ("funk", "jazz", "latin")
    assert len(data.skipped) == 1 and data.skipped[0][0].endswith("2_rock_100_beat_4-4.mid")
    assert caplog.messages == [], "the data set is known to have no sound of some"


def test_items_have_their_drum_notes(copy):
    items = Groove(copy).items
    assert len(items) == 4
    for item in items:
        notes = read_midi(item.notes)
        assert notes.pitch.tolist() == [36, 38] and notes.programme.tolist() == [DRUMS, DRUMS]
        assert notes.onset.tolist() == pytest.approx([0.0, 0.25], abs=1e-3)
        assert item.licence == "CC BY 4.0"


def test_its_own_split_shares_drummers_and_another_need_not(copy, caplog):
    items = Groove(copy).items
    with caplog.at_level(logging.WARNING, "restyle"):
        own = split(items, {"train": 0.8, "validation": 0.1, "test": 0.1})
    assert {name: len(side) for name, side in own.items()} == {"train": 2, "validation": 1, "test": 1}
    assert caplog.messages == ["the data set's own split has 1 of 2 sources on two sides"]
    parted = split(items, {"train": 0.8, "test": 0.2}, own=False)
    assert [{item.source for item in side} for side in parted.values()] == [{"drummer1"}, {"drummer2"}]


def test_a_missing_sound_is_skipped_by_name(copy):
    path = next(copy.rglob("7_latin*.wav"))
    path.unlink()
    data = Groove(copy)
    assert (path.relative_to(copy).as_posix(), "there is no such file") in data.skipped and len(data.items) == 3


def test_what_is_wrong_is_said(copy, tmp_path_factory):
    with pytest.raises(RestyleError, match=r"does not hold Groove's table \(info.csv\)"):
        Groove(tmp_path_factory.mktemp("empty"))
    for path in copy.rglob("*.wav"):
        path.unlink()
    with pytest.raises(RestyleError, match="holds none of the sound files of groove"):
        Groove(copy)
    (copy / "groove" / "info.csv").write_text(HEADER + "\n")
    with pytest.raises(RestyleError, match="rows without drummer"):
        Groove(copy)
