"""The script that tells whether two banks of instruments share recordings."""

import runpy
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "independence.py"))


def sound(seed, length=2000):
    return np.random.default_rng(seed).integers(-9000, 9000, length).astype(np.int16)


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def soundfont(path, sounds):
    """A SoundFont of samples alone: no instruments, but what the script reads."""
    headers, samples, at = b"", b"", 0
    for name, values in sounds.items():
        headers += struct.pack("<20sIIIIIBbHH", name.encode(), at, at + len(values), 0, 0, 44100, 60, 0, 0, 1)
        samples, at = samples + values.tobytes(), at + len(values)
    data = chunk(b"LIST", b"sdta" + chunk(b"smpl", samples)) + chunk(b"LIST", b"pdta" + chunk(b"shdr", headers))
    path.write_bytes(chunk(b"RIFF", b"sfbk" + data))
    return path


def test_soundfonts_that_share_recordings_are_found(tmp_path):
    one = soundfont(tmp_path / "one.sf2", {"horn": sound(1), "oboe": sound(2)})
    padded = np.concatenate([np.zeros(46, np.int16), sound(1), np.zeros(10, np.int16)])
    other = soundfont(tmp_path / "other.sf2", {"corno": padded, "harp": sound(3), "click": sound(2, 100)})
    assert SCRIPT["shared"](one, other) == [("horn", "corno")]
    assert SCRIPT["shared"](one, soundfont(tmp_path / "third.sf2", {"harp": sound(3)})) == []


def test_folders_and_soundfonts_compare(tmp_path):
    font = soundfont(tmp_path / "font.sf2", {"horn": sound(1)})
    for name, seed in (("a/horn_60.wav", 1), ("b/horn_60.flac", 4)):
        (tmp_path / name).parent.mkdir()
        soundfile.write(tmp_path / name, sound(seed), 44100, subtype="PCM_16")
    assert SCRIPT["shared"](tmp_path / "a", font) == [("horn_60.wav", "horn")]
    assert SCRIPT["shared"](tmp_path / "b", font) == []


def test_another_file_is_refused(tmp_path):
    (tmp_path / "no.sf2").write_bytes(b"no SoundFont at all")
    with pytest.raises(SystemExit, match="no SoundFont"):
        SCRIPT["shared"](tmp_path / "no.sf2", tmp_path / "no.sf2")
