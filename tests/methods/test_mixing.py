import numpy as np
import pytest

from restyle.errors import RestyleError
from restyle.methods.notewise.mixing import Mixture, mixture, parts
from restyle.methods.notewise.timbre import Tone


class Plain:
    """An instrument whose levels are all alike."""

    def __init__(self, level, partials, rate=16000):
        self.level, self.partials, self.rate = level, partials, rate

    def tone(self, pitch, frames, rate, touch=0.0):
        amplitude = np.full((self.partials, frames), self.level, np.float32)
        return Tone(amplitude, np.full((4, frames), self.level - 50, np.float32), self.level, 0.0, self.level * 10)


def test_levels_are_averaged_in_decibels():
    tone = Mixture([Plain(-10.0, 3), Plain(-30.0, 5, 44100)], [0.25, 0.75]).tone(60, 7, 44100)
    assert tone.amplitude.shape == (5, 7) and tone.noise.shape == (4, 7)
    assert tone.amplitude[:, 0].tolist() == pytest.approx([-25, -25, -25, -30, -30])
    assert tone.noise[0, 0] == pytest.approx(-75)
    assert (tone.level, tone.release) == pytest.approx((-25, -250))
    assert Mixture([Plain(-10.0, 3), Plain(-30.0, 5, 44100)], [0.25, 0.75]).rate == 44100


def profile(level, notes=True):
    made = {"unpitched": np.full((2, 3), level, np.float32), "channels": np.array([1])}
    return made | ({"timbre/rate": np.array([level])} if notes else {})


def test_shares_add_up_to_one_and_parts_are_kept_apart():
    made = mixture([profile(-10), profile(-20)], [1, 3])
    assert made["mix"].tolist() == [0.25, 0.75]
    assert made["unpitched"] == pytest.approx(-17.5)
    assert [part["rate"][0] for part in parts(made)] == [-10, -20]
    assert [part["rate"][0] for part in parts(profile(-3))] == [-3] and parts(profile(-3, notes=False)) == []


@pytest.mark.parametrize("shares", [[1], [0, 0], [1, -1], [1, 1, 1]])
def test_shares_that_make_no_mixture_are_refused(shares):
    with pytest.raises(RestyleError, match="a mixture of 2 styles needs as many shares"):
        mixture([profile(-10), profile(-20)], shares)


def test_a_style_without_notes_cannot_be_mixed():
    with pytest.raises(RestyleError, match="style 2 of the mixture has no pitched notes"):
        mixture([profile(-10), profile(-20, notes=False)], [1, 1])
