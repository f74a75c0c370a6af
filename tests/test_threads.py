import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from restyle import Audio, write
from restyle.commands import batch
from restyle.commands.shared.settings import Settings
from restyle.dsp import blocks
from restyle.errors import collect_warnings, warn
from restyle.methods import OWN, method
from restyle.pipeline import transfer
from restyle.threads import mapped, single

PAIR = """
import hashlib, sys
sys.path.insert(0, {tests!r})
from triplets import triplet
import restyle, torch
from restyle.methods import OWN
content, style, _ = triplet("string", "pipe")
content, style = content.slice(0, 2 * content.rate), style.slice(0, 2 * style.rate)
for method in OWN:
    options = {{"fit": 3}} if method in ("note_synth", "draw") else {{}}
    options |= {{"iterations": 3}} if method in ("texture", "gatys") else {{}}
    made = restyle.transfer(content, style, method=method, options=options)
    print(method, hashlib.sha256(made.samples.tobytes()).hexdigest())
print("threads", torch.get_num_threads(), file=sys.stderr)
"""


def tone(shape=np.sin, pitches=(60, 64, 67)):
    t = np.arange(24000) / 16000
    return Audio(0.1 * sum(shape(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * t) for p in pitches), 16000)


def test_one_thread_inside_as_many_as_before_outside_also_nested_and_overlapping():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        inside, out = threading.Barrier(2, timeout=10), threading.Barrier(2, timeout=10)
        seen = []

        def work():
            with single():
                inside.wait()
                seen.append(torch.get_num_threads())
                out.wait()

        other = threading.Thread(target=work)
        with single(), single():
            other.start()
            inside.wait()
            seen.append(torch.get_num_threads())
        out.wait()
        other.join()
        assert seen == [1, 1]
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_mapped_keeps_the_order_the_warnings_and_one_thread_each():
    def work(i):
        warn(str(i))
        return i, torch.get_num_threads()

    with collect_warnings() as warnings:
        assert list(mapped(work, range(9))) == [(i, 1) for i in range(9)]
    assert sorted(warnings) == [str(i) for i in range(9)]


def test_mapped_raises_what_its_function_raises():
    with pytest.raises(ZeroDivisionError):
        list(mapped(lambda i: 1 / i, [1, 0]))


FEW = {
    "note_synth": {"fit": 3},
    "draw": {"fit": 2},
    "texture": {"iterations": 3},
    "gatys": {"iterations": 3},
    "mosaic": {"semitones": 2},
}
SQUARE = tone(lambda x: np.sign(np.sin(x)))


@pytest.fixture
def any_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def with_threads(count, work):
    """What work returns where PyTorch has so many threads and its and NumPy's global generators are anywhere."""
    torch.set_num_threads(count)
    torch.manual_seed(count)
    np.random.seed(count)  # noqa: NPY002
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    found = work()
    assert torch.get_num_threads() == count
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002
    return found


@pytest.mark.parametrize("name", OWN)
def test_neither_threads_nor_global_generators_change_what_a_method_makes(name, any_threads):
    used = method(name, **FEW.get(name, {}))

    def work():
        return used.apply(tone(), used.taught() if name == "cyclegan" else used.fit([SQUARE]), seed=3).samples

    results = [with_threads(count, work) for count in (1, 2, 4)]
    assert np.abs(results[0]).max() > 0.001
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])


def test_blocks_side_by_side_are_as_one_after_the_other(any_threads):
    sound = Audio(np.random.default_rng(0).normal(0, 0.1, (2, 16000)), 8000)
    matrix = torch.randn(300, 1500, generator=torch.Generator().manual_seed(0))
    busy, most, lock = 0, 0, threading.Lock()

    def shape(block, _):
        nonlocal busy, most
        with lock:
            busy, most = busy + 1, max(most, busy + 1)
        time.sleep(0.02)
        assert torch.get_num_threads() == 1
        factor = float((matrix @ torch.from_numpy(np.resize(block.samples, (1500, 20)))).mean())
        with lock:
            busy -= 1
        return factor * block.samples

    results, widths = [], []
    for count in (1, 2, 4):
        most = 0
        torch.set_num_threads(count)
        results.append(blocks.process(sound, shape, seconds=0.2, context=0.1).samples)
        widths.append(most)
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])
    assert widths[0] == 1 and widths[1] == 2 and 2 <= widths[2] <= 4


def test_threads_of_their_own_number_keep_it_and_new_ones_get_the_common_one(any_threads):
    seen, begun, ended = {}, threading.Event(), threading.Event()

    def work():
        torch.set_num_threads(2)
        with single():
            begun.set()
            ended.wait(10)
        seen["own"] = torch.get_num_threads()

    torch.set_num_threads(3)
    other = threading.Thread(target=work)
    with single():
        other.start()
        begun.wait(10)
        torch.get_num_threads()
    seen["main"] = torch.get_num_threads()
    new = threading.Thread(target=lambda: seen.update(new=torch.get_num_threads()))
    new.start()
    new.join()
    ended.set()
    other.join()
    assert seen == {"main": 3, "new": 2, "own": 2}  # 2: the common number is what was set last


def test_pools_do_not_grow_within_pools(any_threads):
    torch.set_num_threads(4)

    def inner(_):
        return threading.get_ident()

    def outer(_):
        return threading.get_ident(), set(mapped(inner, range(5)))

    assert all(inside == {own} for own, inside in mapped(outer, range(5)))


def test_two_transfers_at_once_are_as_one_after_the_other():
    noise = Audio(np.random.default_rng(0).normal(0, 0.1, 24000), 16000)
    pairs = [(tone(), SQUARE), (tone(pitches=(57, 69)), noise)]

    def work(i):
        return transfer(*pairs[i], options={"fit": 3})

    alone = [work(i) for i in range(2)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(work, range(2)))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.samples, other.samples)
        assert one.warnings == other.warnings and one.record == other.record
    assert not alone[0].warnings and "no pitched notes" in alone[1].warnings[0]


@pytest.mark.slow
def test_a_batch_makes_the_same_samples_with_any_number_of_jobs(tmp_path):
    pairs = []
    for name, sound in {"style": SQUARE, "a": tone(), "b": tone(pitches=(57, 69))}.items():
        write(tmp_path / f"{name}.wav", sound)
    made = {}
    for jobs in (1, 2):
        style, folder = tmp_path / "style.wav", tmp_path / str(jobs)
        pairs = [batch.Pair(tmp_path / f"{name}.wav", (style,), folder / f"{name}.wav") for name in "ab"]
        settings = Settings(options=FEW["note_synth"])
        assert [one.status for one in batch.run(pairs, folder, settings=settings, jobs=jobs)] == ["done", "done"]
        made[jobs] = [pair.out.read_bytes() for pair in pairs]
    assert made[1] == made[2]


@pytest.mark.slow
def test_every_method_gives_the_same_samples_on_any_number_of_threads():
    code = PAIR.format(tests=str(Path(__file__).parent / "golden"))
    said = []
    for count in "124":
        environment = {**os.environ, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "MKL_NUM_THREADS": count}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert f"threads {min(int(count), os.cpu_count())}" in done.stderr
        said.append(done.stdout)
    assert said[0].count("\n") == 11 and said[0] == said[1] == said[2]
