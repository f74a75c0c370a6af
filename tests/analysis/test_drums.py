"""Hits of drums: known ones are found, whatever the rate, the channels, the blocks and the threads."""

import numpy as np
import pytest
import torch

from restyle.analysis.drums import infer
from restyle.analysis.drums.infer import find_hits
from restyle.analysis.drums.keys import KEYS, drum_class
from restyle.analysis.drums.model import CLASSES, DrumNetwork, decibels
from restyle.analysis.drums.train import f1, hit_times, losses, matched, targets
from restyle.audio import Audio, resample
from restyle.data.store import Store, StoreWriter
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.errors import RestyleError
from restyle.io import weights
from restyle.notes import DRUMS
from restyle.training import config as configs
from restyle.training.run import train

RATE = 44100
KICK, SNARE, HAT = 36, 38, 42


def strike(key, rng):
    time = np.arange(RATE // 2) / RATE
    noise = rng.standard_normal(len(time) + 2)
    if key == KICK:
        return 0.8 * np.sin(2 * np.pi * (50 * time + 4 * (1 - np.exp(-40 * time)))) * np.exp(-12 * time)
    if key == SNARE:
        return (0.25 * noise[2:] + 0.3 * np.sin(2 * np.pi * 190 * time)) * np.exp(-22 * time)
    return 0.05 * np.diff(noise, 2) * np.exp(-70 * time)


def played(hits, seconds, seed=0):
    """Hits (time in s, key, strength) as sound."""
    rng, sound = np.random.default_rng(seed), np.zeros(round((seconds + 1) * RATE))
    for time, key, strength in hits:
        one, start = strength * strike(key, rng), round(time * RATE)
        sound[start : start + len(one)] += one
    return Audio((0.6 * sound[: round(seconds * RATE)]).astype(np.float32), RATE)


def pattern(bars, bar=2.0):
    """Kick on 1 and 3, snare on 2 and 4, hats on every eighth."""
    hits = []
    for start in np.arange(bars) * bar + 0.1:
        hits += [(start + bar * at, KICK, 1.0) for at in (0, 0.5)] + [
            (start + bar * at, SNARE, 1.0) for at in (0.25, 0.75)
        ]
        hits += [(start + bar * at / 8, HAT, 1.0) for at in range(8)]
    return hits


def scores(hits, found):
    """F1 of each key."""
    return {
        key: f1(matched(np.array(sorted(time for time, own, _ in hits if own == key)), found.onset[found.pitch == key]))
        for key in (KICK, SNARE, HAT)
    }


def rows(notes):
    return np.stack([notes.onset, notes.pitch, notes.velocity])


def test_a_pattern_is_found():
    found = find_hits(played(pattern(3), 6.5))
    assert set(found.programme) == {DRUMS} and set(found.pitch) <= set(infer.KEYS)
    assert found.velocity.min() > 0 and found.velocity.max() <= 1
    assert min(scores(pattern(3), found).values()) > 0.9


def test_single_hits_are_on_time():
    for key in (KICK, SNARE, HAT):
        times = np.array([0.3, 1.003, 1.7])
        found = find_hits(played([(time, key, 1.0) for time in times], 2.5))
        own = found.onset[found.pitch == key]
        assert len(own) == 3 and np.abs(own - times).max() < 0.02, key


def test_a_hit_at_the_very_beginning():
    assert find_hits(played([(0.0, KICK, 1.0)], 1.0)).onset[0] < 0.02


def test_stronger_hits_are_of_higher_velocity():
    strengths = [1.0, 0.2, 1.0, 0.2, 1.0, 0.2]
    found = find_hits(played([(0.2 + 0.5 * i, SNARE, strength) for i, strength in enumerate(strengths)], 3.5))
    own = found.velocity[found.pitch == SNARE]
    assert len(own) == 6 and own[::2].min() > own[1::2].max()


@pytest.mark.parametrize("level", [0.0, 1e-5])
@pytest.mark.parametrize("length", [0, 1, 30 * 441])
def test_silence_has_no_hits(level, length):
    noise = level * np.random.default_rng(0).standard_normal((1, length))
    assert len(find_hits(Audio(noise.astype(np.float32), RATE))) == 0


def test_the_level_does_not_matter():
    audio = played(pattern(1), 2.5)
    assert np.allclose(rows(find_hits(audio)), rows(find_hits(Audio(0.1 * audio.samples, RATE))), atol=0.02)


def test_other_rates_and_channels():
    audio = played(pattern(2), 4.5)
    found = find_hits(audio)
    both = find_hits(Audio(np.repeat(audio.samples, 2, 0), RATE))
    assert np.allclose(rows(found), rows(both), atol=1e-4)
    other = find_hits(Audio(resample(audio.samples, RATE, 48000), 48000))
    assert np.array_equal(found.pitch, other.pitch) and np.allclose(found.onset, other.onset, atol=0.01)


def test_seams_change_nothing(monkeypatch):
    audio = played(pattern(3), 6.5)
    whole = find_hits(audio)
    monkeypatch.setattr(infer, "BLOCK", 0.73)
    cut = find_hits(audio)
    assert len(whole) == len(cut) and np.allclose(rows(whole), rows(cut), atol=2e-3)


def test_threads_change_nothing(monkeypatch):
    monkeypatch.setattr(infer, "BLOCK", 1.5)
    audio, found, before = played(pattern(2), 4.5), [], torch.get_num_threads()
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            found.append(rows(find_hits(audio)))
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(*found)


def test_other_weights_are_refused():
    with pytest.raises(RestyleError, match="holds no drum network"):
        find_hits(played([], 1.0), weights=weights.bundled("timbre.safetensors"))


def test_the_network_hears_its_context_and_no_more():
    network = DrumNetwork(channels=(4, 4), width=8, dilations=(1, 3)).eval()
    x = torch.rand(1, 64, 60)
    changed = x.clone()
    changed[..., 30] += 1
    with torch.inference_mode():
        differs = (network(x).onset - network(changed).onset).abs().amax((0, 2)) > 0
    near = torch.nonzero(differs)[:, 0] - 30
    assert near.min() == -network.context and near.max() == network.context


def test_the_network_refuses_bands_that_it_cannot_halve():
    with pytest.raises(ValueError, match="multiple of 8"):
        DrumNetwork(bins=60)


def test_levels_of_silence_are_finite():
    assert decibels(torch.zeros(2, 3)).tolist() == [[-70.0] * 3] * 2


def test_every_key_has_one_class():
    flat = [key for keys in KEYS for key in keys]
    assert len(KEYS) == len(CLASSES) == len(infer.KEYS) and len(set(flat)) == len(flat)
    assert [drum_class(key) for key in infer.KEYS] == [0, 1, 2, 3]


def test_flams_are_one_hit():
    table = np.array([[time, time + 0.1, 38, 0.5, DRUMS] for time in (1.0, 1.02, 1.2)] + [[1.0, 1.1, 38, 0.5, 0]])
    assert hit_times(table, 1).tolist() == [1.0, 1.2] and len(hit_times(table, 0)) == 0


def test_targets_and_losses():
    notes = torch.tensor([[[0.05, 0.1, 38.0, 0.7, 128.0], [0.02, 0.1, 60.0, 1.0, 0.0], [torch.nan] * 5]])
    onset, velocity = targets(notes, 12, 0.01)
    assert onset[0, :, 1].argmax() == 5 and onset[..., (0, 2, 3)].sum() == 0
    assert velocity[0, 5, 1] == pytest.approx(0.7)
    right, wrong = (
        losses(type("Found", (), {"onset": sign * (20 * onset - 10), "velocity": velocity})(), onset.round(), velocity)
        for sign in (1, -1)
    )
    assert right["onset"] < 0.1 * wrong["onset"] and right["velocity"] == 0


def test_training_gives_weights_that_find_hits(tmp_path):
    form = {"kind": "mel", "rate": RATE, "n_fft": 2048, "hop": 441, "bins": 64}
    spectrogram = LogSpectrogram.of(form)
    notes = np.array([[time, time + 0.1, key, 0.8, DRUMS] for time, key, _ in pattern(1)], np.float32)
    with StoreWriter(tmp_path / "store", spectrogram.settings()) as writer:
        for i in range(6):
            array = spectrogram(torch.from_numpy(played(pattern(1), 2.5, i).samples[0])).T.numpy()
            writer.add(f"{i}.wav", (), f"{i}", "", array, beside={"notes": notes})
    changes = ["model.init_args.width=8", "model.init_args.channels=[4,4]", "data.batch=3", "data.frames=200"]
    changes += ["data.validation=0.3", "trainer.max_epochs=2", "trainer.average=null", "trainer.limit_train_batches=1"]
    done = train(configs.read("drums", changes), Store.open(tmp_path / "store"), tmp_path / "run")
    assert {"val_f1", "val_kick_f1", "val_loss"} <= set(done.scores)
    settings = weights.header(done.weights)
    assert settings["labels"] == list(CLASSES) and len(settings["thresholds"]) == len(CLASSES)
    find_hits(played(pattern(1), 2.5), weights=done.weights)
