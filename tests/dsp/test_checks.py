import numpy as np
import pytest

from restyle.audio import Audio
from restyle.dsp.checks import check_notes, check_sound, is_silent
from restyle.errors import RestyleError
from restyle.notes import Notes

RATE = 44100


def test_too_short_is_refused_at_the_limit():
    check_sound(Audio(np.zeros(22050), RATE), "a.wav")
    with pytest.raises(RestyleError, match=r"a.wav lasts only 0.5 s; at least 0.5 s"):
        check_sound(Audio(np.zeros(22049), RATE), "a.wav")
    with pytest.raises(RestyleError, match=r"a.wav holds no samples"):
        check_sound(Audio(np.zeros(0), RATE), "a.wav")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_wherever_it_is(bad):
    samples = np.zeros((2, RATE), np.float32)
    samples[1, -1] = bad
    with pytest.raises(RestyleError, match="no numbers"):
        check_sound(Audio(samples, RATE), "a.wav")


def test_silence_is_what_lies_within_minus_100_db_whatever_its_offset():
    t = np.arange(RATE)
    assert is_silent(Audio(0.3 + 0.9e-5 * np.sin(t), RATE))
    assert not is_silent(Audio(0.3 + 1.1e-5 * np.sin(t), RATE))
    assert not is_silent(Audio(np.stack([np.zeros(RATE), np.sin(t)]), RATE))


def test_no_notes_are_refused():
    check_notes(Notes.of([(0, 1, 60, 0.5, 0)]), "a.mid")
    with pytest.raises(RestyleError, match=r"a.mid holds no notes"):
        check_notes(Notes.of([]), "a.mid")
