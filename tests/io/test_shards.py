import numpy as np
import pytest
from safetensors.numpy import load_file

from restyle.errors import RestyleError
from restyle.io import shards


def test_safetensors_reads_it(tmp_path):
    given = {"a": np.arange(6, dtype=np.float16).reshape(2, 3), "b": np.ones(3), "c": np.zeros((2, 0), np.float32)}
    shards.write(tmp_path / "s.safetensors", given, {"x": [1]})
    for name, array in load_file(tmp_path / "s.safetensors").items():
        assert np.array_equal(array, given[name]) and array.dtype == given[name].dtype
        assert np.array_equal(shards.array(tmp_path / "s.safetensors", name), array)
    assert shards.read_settings(tmp_path / "s.safetensors") == {"x": [1]}


def test_arrays_are_mapped_and_read_only(tmp_path):
    shards.write(tmp_path / "s", {"a": np.ones((4, 4), np.float16)}, {})
    array = shards.array(tmp_path / "s", "a")
    assert not array.flags.writeable and not array.flags.owndata


def test_damaged_files_are_refused(tmp_path):
    shards.write(tmp_path / "s", {"a": np.ones((4, 4), np.float16)}, {})
    whole = (tmp_path / "s").read_bytes()
    for name, held in (("cut", whole[:-1]), ("head", whole[:20]), ("none", b""), ("text", b"hello world, no shard")):
        (tmp_path / name).write_bytes(held)
        with pytest.raises(RestyleError, match=name):
            shards.read_settings(tmp_path / name)
    with pytest.raises(RestyleError, match="no such file"):
        shards.read_settings(tmp_path / "missing")
    with pytest.raises(RestyleError, match="'b'"):
        shards.array(tmp_path / "s", "b")
