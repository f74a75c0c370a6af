import gc
import threading
import weakref

import numpy as np
import pytest

from restyle.analysis import beats
from restyle.analysis.facts import Analysis
from restyle.analysis.transcriber import infer as transcription
from restyle.audio import Audio


def tone(seconds: float = 1.0) -> Audio:
    t = np.arange(round(16000 * seconds)) / 16000
    return Audio(0.2 * sum(np.sin(2 * np.pi * 440 * k * t) / k for k in range(1, 6)) * np.exp(-2 * t), 16000)


def test_each_fact_is_found_once_for_all_who_ask(monkeypatch):
    audio, counted = tone(), []
    original = transcription.transcribe

    def counting(*args, **kwargs):
        counted.append(1)
        return original(*args, **kwargs)

    monkeypatch.setattr(transcription, "transcribe", counting)
    threads = [threading.Thread(target=lambda: Analysis.of(audio).notes) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Analysis.of(audio).notes.pitch.tolist() == [69.0]
    assert len(counted) == 1
    Analysis.of(tone())  # an equal recording is another one
    assert Analysis.of(audio) is not Analysis.of(tone())


def test_facts_are_those_of_their_functions():
    clicks = np.zeros(16000 * 8)
    clicks[::8000] = 1
    audio = Audio(clicks, 16000)
    assert np.array_equal(Analysis.of(audio).onset_curve, beats.onset_curve(audio))
    assert Analysis.of(audio).beats.tempo == beats.track(beats.onset_curve(audio)).tempo == pytest.approx(120, abs=1)


def test_facts_do_not_keep_a_recording_alive():
    audio = tone(0.6)
    gone = weakref.ref(audio)
    assert len(Analysis.of(audio).notes) == 1
    del audio
    gc.collect()
    assert gone() is None
