import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from restyle.errors import warn
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
    from restyle.audio import Audio

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
    from restyle.errors import collect_warnings

    def work(i):
        warn(str(i))
        return i, torch.get_num_threads()

    with collect_warnings() as warnings:
        assert list(mapped(work, range(9))) == [(i, 1) for i in range(9)]
    assert sorted(warnings) == [str(i) for i in range(9)]


def test_mapped_raises_what_its_function_raises():
    with pytest.raises(ZeroDivisionError):
        list(mapped(lambda i: 1 / i, [1, 0]))


@pytest.mark.parametrize("method", ["note_synth", "mosaic"])
def test_the_caller_s_threads_change_nothing(method):
    options, results, before = {"fit": 3} if method == "note_synth" else {}, [], torch.get_num_threads()
    try:
        for count in (1, 2, 4):
            torch.set_num_threads(count)
            results.append(transfer(tone(), tone(lambda x: np.sign(np.sin(x))), method=method, options=options).samples)
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])


def test_two_transfers_at_once_are_as_one_after_the_other():
    pairs = [(tone(), tone(lambda x: np.sign(np.sin(x)))), (tone(pitches=(57, 69)), tone())]
    alone = [transfer(*pair, options={"fit": 3}).samples for pair in pairs]
    together = [None, None]

    def work(i):
        together[i] = transfer(*pairs[i], options={"fit": 3}).samples

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


@pytest.mark.slow
def test_every_method_gives_the_same_samples_on_any_number_of_threads():
    code = PAIR.format(tests=str(Path(__file__).parent / "golden"))
    said = []
    for count in "124":
        environment = {**os.environ, "OMP_NUM_THREADS": count, "OPENBLAS_NUM_THREADS": count, "MKL_NUM_THREADS": count}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert f"threads {min(int(count), os.cpu_count())}" in done.stderr
        said.append(done.stdout)
    assert said[0].count("\n") == 10 and said[0] == said[1] == said[2]
