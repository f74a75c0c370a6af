"""Weights and profiles: there and back to the bit; damage; never pickle."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from restyle.errors import RestyleError
from restyle.io import weights

values = st.sampled_from(["float32", "float64", "int64", "uint8", "bool"]).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
simple = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text() | st.floats(allow_nan=False)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"), values, max_size=4
    ),
    told=st.dictionaries(st.text(max_size=8), simple | st.lists(simple, max_size=3), max_size=4),
)
def test_round_trip(tmp_path: Path, made: dict[str, np.ndarray], told: dict[str, object]) -> None:
    weights.save(tmp_path / "a.style", made, told)
    back, settings_back = weights.load(tmp_path / "a.style")
    assert settings_back == told and set(back) == set(made)
    for name, array in made.items():
        assert (back[name].dtype, back[name].shape) == (array.dtype, array.shape) and back[
            name
        ].tobytes() == array.tobytes()


def test_arrays_of_any_order_in_memory(tmp_path: Path) -> None:
    table = np.arange(12.0).reshape(3, 4)
    weights.save(tmp_path / "a.style", {"turned": table.T, "every other": table[:, ::2]}, {})
    back, _ = weights.load(tmp_path / "a.style")
    assert np.array_equal(back["turned"], table.T) and np.array_equal(back["every other"], table[:, ::2])


def test_damage_ends_in_one_sentence(tmp_path: Path) -> None:
    weights.save(tmp_path / "whole.style", {"a": np.arange(100.0)}, {"rate": 1})
    whole = (tmp_path / "whole.style").read_bytes()
    from safetensors.numpy import save as pack

    files = {
        "cut.style": whole[:-8],
        "empty.style": b"",
        "text.style": b"no weights" * 20,
        "header.style": b"\xff" * 8 + whole[8:],
        "pickle.style": pickle.dumps({"a": 1}),
        "foreign.style": pack({"a": np.arange(3.0)}),
        "no-json.style": pack({"a": np.arange(3.0)}, {"settings": "{"}),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(RestyleError, match=r"damaged or was not written by restyle") as error:
            weights.load(tmp_path / name)
        assert name in str(error.value) and "\n" not in str(error.value)


def test_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "a.style", tmp_path):
        with pytest.raises(RestyleError, match=r"no such file"):
            weights.load(path)


FULL_DISK = """
import resource, sys
import numpy as np
from restyle.errors import RestyleError
from restyle.io import weights
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    weights.save(sys.argv[1], {"a": np.zeros(100000)}, {})
except RestyleError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "a.style")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "a.style: could not be written" in done.stdout
    assert not list(tmp_path.iterdir())


@given(matrix=arrays("float32", (5, 3, 8), elements=st.floats(-1000, 1000, width=32)))
def test_eight_bits_are_off_by_half_a_step_of_their_row(matrix):
    stored = weights.rounded({"a": matrix, "b": matrix[0, 0], "c": np.arange(3)}, 8)
    assert stored["a"].dtype == np.int8 and stored["b"].dtype == np.float16 and stored["c"].dtype == np.int64
    read = weights.whole(stored)
    assert read.keys() == {"a", "b", "c"}
    most = np.abs(matrix).reshape(5, -1).max(axis=1)
    assert (np.abs(read["a"] - matrix).reshape(5, -1).max(axis=1) <= most / 253 + np.finfo("f4").tiny).all()


def test_sixteen_bits_are_half_precision_and_thirty_two_are_all():
    given = {"a": np.linspace(-1, 1, 64, dtype="f4").reshape(2, 32)}
    assert np.array_equal(weights.whole(weights.rounded(given, 16))["a"], given["a"].astype("f2"))
    assert np.array_equal(weights.whole(weights.rounded(given, 32))["a"], given["a"])


def test_names_that_end_like_a_scale_are_kept(tmp_path):
    made = {"gain": np.ones(3, "f4"), "gain.scale": np.full(3, 2.0, "f4")}
    weights.save(tmp_path / "a.style", made, {})
    back, _ = weights.load(tmp_path / "a.style")
    assert back.keys() == made.keys() and np.array_equal(back["gain.scale"], made["gain.scale"])


def test_numbers_that_half_precision_does_not_have_are_kept():
    large = {"a": np.array([1e5, 1.0], "f4"), "b": np.full((2, 32), np.nan, "f4"), "c": np.zeros((0, 16), "f4")}
    for bits in (8, 16):
        read = weights.whole(weights.rounded(large, bits))
        assert read["a"].tolist() == [1e5, 1.0] and np.isnan(read["b"]).all() and read["c"].shape == (0, 16)
