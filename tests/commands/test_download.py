import hashlib
import json
import sys
import zipfile

import pytest

from restyle.commands.dataset import DATA_SETS, fetch
from restyle.data import groove
from restyle.errors import RestyleError


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def archive(tmp_path, sound, monkeypatch):
    """A small Groove behind an address, where mirdata looks for it, with its list of checksums."""
    module = pytest.importorskip("mirdata.datasets.groove_midi", reason="mirdata is not installed")
    from mirdata.core import Index
    from mirdata.download_utils import RemoteFileMetadata

    name = "drummer1/session1/1_funk_80_beat_4-4"
    wav = sound(tmp_path / "made" / f"{name}.wav")
    header = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split"
    info = tmp_path / "made" / "info.csv"
    info.write_text(f"{header}\ndrummer1,s,1,funk,80,beat,4-4,{name}.mid,{name}.wav,0.5,train\n")
    packed = tmp_path / "groove-v1-0.0.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.write(info, "groove/info.csv")
        file.write(wav, f"groove/{name}.wav")
    index = tmp_path / "index.json"
    track = {"audio": [f"{name}.wav", md5(wav)], "midi": [f"{name}.mid", "0" * 32]}
    index.write_text(json.dumps({"version": "1.0.0", "tracks": {"1": track}}))

    listed = Index("groove.json")
    listed.indexes_dir = str(tmp_path / "indexes")  # by default it lies inside mirdata
    listed.remote = RemoteFileMetadata("groove.json", index.as_uri(), md5(index), listed.indexes_dir)
    monkeypatch.setitem(module.INDEXES, "1.0.0", listed)
    address = RemoteFileMetadata(packed.name, packed.as_uri(), md5(packed), unpack_directories=["groove"])
    monkeypatch.setattr(module, "REMOTES", {"all": address})
    return packed


def test_download_unpacks(archive, tmp_path):
    fetch("groove_midi", tmp_path / "home")
    assert [item.labels for item in groove.Groove(tmp_path / "home").items] == [("funk", "beat")]


def test_a_download_that_differs_is_refused(archive, tmp_path):
    archive.write_bytes(archive.read_bytes() + b"more")
    with pytest.raises(RestyleError, match=r"groove_midi could not be downloaded to .*checksum"):
        fetch("groove_midi", tmp_path / "home")


def test_a_download_that_cannot_be_had_is_told(archive, tmp_path):
    archive.unlink()
    with pytest.raises(RestyleError, match=r"could not be downloaded .*; try again, or unpack a copy there yourself"):
        fetch("groove_midi", tmp_path / "home")


def test_all_are_known_to_mirdata():
    mirdata = pytest.importorskip("mirdata", reason="mirdata is not installed")
    assert {listed for _, listed in DATA_SETS.values() if listed} <= set(mirdata.list_datasets())


def test_without_mirdata_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mirdata", None)
    with pytest.raises(RestyleError, match=r"pip install \"\.\[data\]\" in restyle.s folder"):
        fetch("groove_midi", tmp_path)
