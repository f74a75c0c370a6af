import numpy as np
import pytest

from restyle.analysis.partials import BANDS, HIGHEST
from restyle.audio import Audio
from restyle.dsp.melbands import centre_frequencies
from restyle.methods.notewise.calibration import Calibrated, calibrate
from restyle.methods.notewise.timbre import Tone
from restyle.notes import Notes

RATE = 16000
NOTES = Notes.of([(0.2 + 0.5 * i, 0.65 + 0.5 * i, 57 + 3 * i, 0.7, 0) for i in range(6)])


class Whistle:
    """Harmonics, and noise of some dB per Hz below them."""

    rate = RATE

    def __init__(self, noise):
        self.noise = noise

    def tone(self, pitch, frames, rate, touch=0.0):
        count = int(0.45 * rate / (440 * 2 ** ((pitch - 69) / 12)))
        fall = np.arange(count, dtype=np.float32)[:, None] * np.ones(frames, np.float32)
        bands = int(np.sum(centre_frequencies(BANDS, HIGHEST) <= rate / 2))
        return Tone(-3 - fall, np.full((bands, frames), self.noise, np.float32), -3.0, 0.0, -200.0)


def play(clip, notes, instrument):
    """The harmonics and the noise of notes, without the product's own synthesis."""
    rng, out = np.random.default_rng(5), np.zeros(clip.length)
    for onset, offset, pitch in zip(notes.onset, notes.offset, notes.pitch, strict=True):
        first, last = round(onset * clip.rate), round(offset * clip.rate)
        tone = instrument.tone(float(pitch), 10, clip.rate)
        t = np.arange(last - first) / clip.rate
        for k, level in enumerate(tone.amplitude[:, 0], 1):
            out[first:last] += 0.1 * 10 ** (level / 20) * np.sin(2 * np.pi * k * 440 * 2 ** ((pitch - 69) / 12) * t)
        white = np.fft.rfft(rng.normal(0, 1, last - first))
        centres = centre_frequencies(BANDS, HIGHEST)[: len(tone.noise)]
        gain = np.interp(np.fft.rfftfreq(last - first, 1 / clip.rate), centres, tone.noise[:, 0])
        out[first:last] += np.fft.irfft(white * 10 ** (gain / 20), last - first)
    return out.astype(np.float32)


def clip_of(noise):
    silent = Audio(np.zeros(round(3.5 * RATE)), RATE)
    return Audio(play(silent, NOTES, Whistle(noise)), RATE)


@pytest.mark.parametrize("missing", [-9.0, 0.0, 9.0])
def test_finds_the_noise_that_is_missing(missing):
    found = calibrate([clip_of(-40.0 + missing)], [NOTES], Whistle(-40.0), play)
    audible = slice(6, 30)  # bands between partials that are apart
    assert np.median(found[audible]) == pytest.approx(missing, abs=1.5)
    assert np.abs(found).max() <= 15


def test_nothing_is_changed_without_notes():
    assert not calibrate([clip_of(-40.0)], [Notes.of([])], Whistle(-40.0), play).any()


def test_a_note_that_was_not_found_is_not_taken_for_noise():
    extra = Notes.of([(0.2, 3.0, 66.5, 0.7, 0)])
    silent = Audio(np.zeros(round(3.5 * RATE)), RATE)
    both = Audio(clip_of(-40.0).samples[0] + play(silent, extra, Whistle(-90.0)), RATE)
    found = calibrate([both], [NOTES], Whistle(-40.0), play)
    assert np.median(np.abs(found[6:30])) < 2


def test_only_the_noise_of_a_tone_is_corrected():
    tone = Calibrated(Whistle(-40.0), np.arange(BANDS)).tone(60, 20, RATE)
    plain = Whistle(-40.0).tone(60, 20, RATE)
    assert np.array_equal(tone.amplitude, plain.amplitude)
    assert np.allclose(tone.noise - plain.noise, np.arange(len(plain.noise))[:, None])
