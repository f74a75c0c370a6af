import numpy as np
import pytest
import torch

from restyle.analysis.partials import measure
from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.io import weights
from restyle.methods.notewise.additive import play
from restyle.methods.notewise.note_synth import NeuralTimbre, NoteSynthMethod
from restyle.notes import Notes

RATE = 16000


def phrase(pitches, amplitudes=(0.3, 0.15, 0.05), fade=2.0, rate=RATE):
    """Notes of 0.4 s that fade, half a second apart."""
    time = np.arange(round(0.4 * rate)) / rate
    sound = np.zeros(round((0.5 * len(pitches) + 0.5) * rate))
    for i, pitch in enumerate(pitches):
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(a * np.sin(2 * np.pi * f0 * (k + 1) * time) for k, a in enumerate(amplitudes))
        sound[round(0.5 * i * rate) :][: len(tone)] += tone * np.exp(-fade * time)
    notes = [(0.5 * i, 0.5 * i + 0.4, pitch, 0.7, 0) for i, pitch in enumerate(pitches)]
    return Audio(sound[None], rate), Notes.of(notes)


@pytest.fixture(scope="module")
def method():
    return NoteSynthMethod()


@pytest.fixture(scope="module")
def timbre(method):
    sound, notes = phrase([60, 62, 64, 65, 67])
    return method.timbre(method.learn([sound], [notes]))


def test_a_note_sounds_as_it_was_heard(timbre):
    """Its partials are those of the clip, in its own order of levels, and it fades."""
    tone = timbre.tone(64, 40, RATE)
    early = tone.amplitude[:, 5]
    assert early[0] - early[1] == pytest.approx(6, abs=3) and early[0] - early[2] == pytest.approx(15.6, abs=5)
    assert (early[4:10] < early[0] - 25).all()
    assert tone.amplitude[0, 35] < tone.amplitude[0, 5] - 2
    assert tone.release < -40


def test_pitch_and_amplitudes_are_played_as_told(timbre):
    tone = timbre.tone(64, 60, RATE)
    samples = play(tone, 64, np.full(60, -6.0), np.zeros(60), RATE, np.random.default_rng(0))
    (heard,) = measure(Audio(samples, RATE), Notes.of([(0, 0.6, 64, 0.8, 0)]))
    told = tone.amplitude[:3, 15:45].mean(axis=1) - 6
    assert 20 * np.log10(heard.amplitude[:3, 15:45]).mean(axis=1) == pytest.approx(told, abs=1.0)
    assert heard.pitch == pytest.approx(64, abs=0.06)


def test_long_notes_go_on_and_short_ones_are_there(timbre):
    long = timbre.tone(60, 1500, RATE)
    assert long.amplitude.shape[1] == 1500 and np.isfinite(long.amplitude).all()
    assert long.amplitude[0, -1] <= long.amplitude[0, 600] + 1e-3
    assert timbre.tone(60, 1, RATE).amplitude.shape[1] == 3


def test_louder_notes_keep_their_level_relative_to_their_loudest(timbre):
    soft, hard = (timbre.tone(64, 40, RATE, touch) for touch in (-8.0, 8.0))
    for tone in (soft, hard):
        power = 10 * np.log10((10 ** (tone.amplitude / 10)).sum(axis=0))
        assert power.max() == pytest.approx(0, abs=0.7)
    assert soft.level == pytest.approx(hard.level, abs=1e-6)  # how loud it is played is up to who plays


def test_a_style_of_one_note_and_of_stereo(method):
    sound, notes = phrase([60])
    learnt = method.learn([Audio(np.concatenate([sound.samples, sound.samples]), RATE)], [notes])
    tone = method.timbre(learnt).tone(72, 30, RATE)
    assert np.isfinite(tone.amplitude).all() and tone.amplitude.shape[0] >= 10


def test_no_notes_are_nothing_to_learn(method):
    assert method.learn([Audio(np.zeros((1, RATE)), RATE)], [Notes.of([])]) == {}


@pytest.mark.slow
def test_fitting_brings_the_styles_own_notes_nearer():
    """After fitting, the network's sound of the style itself has a lower loss than before."""
    from restyle.analysis.partials import measured
    from restyle.dsp.spectral_loss import multi_scale_spectral_loss
    from restyle.methods.notewise import envelopes
    from restyle.methods.notewise.conditioning import bands, batch, median_level, median_velocity, shift, voices

    rng = np.random.default_rng(0)
    sound, notes = phrase([60, 64, 67, 62, 65, 69])
    sound = Audio(sound.samples + rng.normal(0, 0.003, sound.samples.shape), RATE)
    table = envelopes.rows(measured(sound, notes), notes).astype(np.float32)
    rows = table.copy()
    shift(rows, -median_level(table))
    known = torch.from_numpy(bands() <= RATE / 2).float()
    losses = []
    for steps in (0, 30):
        method = NoteSynthMethod(fit=steps)
        bias = torch.from_numpy(method.learn([sound], [notes])["bias"])
        wanted, ratios = voices(table, 0.0, 300, 0.008, usual=median_velocity(table), most=8)
        with torch.no_grad():
            made = method.network.sound(
                batch([rows], known), wanted, ratios, median_level(table), torch.from_numpy(bands()).float(),
                rate=RATE, generator=torch.Generator().manual_seed(1), bias=bias,
            )  # fmt: skip
        truth = torch.from_numpy(sound.samples[0][: len(made)].astype(np.float32))
        losses.append(float(multi_scale_spectral_loss(made, truth)))
    assert losses[1] < 0.97 * losses[0]


def test_the_rows_of_many_notes_are_bounded(method):
    sound, notes = phrase([50 + i % 30 for i in range(120)])
    learnt = method.learn([sound], [notes])
    assert 600 < len(learnt["heard"]) <= 920
    assert np.isfinite(NeuralTimbre(method.network, learnt).tone(64, 20, RATE).amplitude).all()


def test_weights_that_are_not_there_or_of_another_network_are_refused(tmp_path):
    with pytest.raises(RestyleError, match="there is no such"):
        NoteSynthMethod(weights=str(tmp_path / "none.safetensors"))
    weights.save(tmp_path / "other.safetensors", {"w": np.zeros(3)}, {"model": {}})
    with pytest.raises(RestyleError, match="holds no note_synth"):
        NoteSynthMethod(weights=str(tmp_path / "other.safetensors"))
    with pytest.raises(RestyleError, match="'fit' of 'note_synth' must be 0 or more"):
        NoteSynthMethod(fit=-1)
