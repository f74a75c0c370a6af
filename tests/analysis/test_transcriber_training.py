import math
from pathlib import Path

import numpy as np
import pytest
import torch

from restyle.analysis.transcriber.model import Activations, Transcriber
from restyle.analysis.transcriber.train import drum_targets, drums_f1, f1, levels, losses, mixed_batch, targets, total
from restyle.data.store import Store, StoreWriter
from restyle.dsp.cqt import loudest_around, unit_level
from restyle.dsp.spectrogram import CQT_GAIN
from restyle.errors import RestyleError, collect_warnings
from restyle.io import weights
from restyle.notes import DRUMS, Notes
from restyle.training import config as configs
from restyle.training.export import grow
from restyle.training.run import train

HOP, FRAMES = 0.016, 130
SETTINGS = {"kind": "cqt", "rate": 16000, "hop": 256, "bins": 294}


def fabricated(folder: Path, clips: int = 6) -> Store:
    """A store of clips whose spectrograms show each note's first harmonics, made without a SoundFont."""
    rng = np.random.default_rng(0)
    with StoreWriter(folder, SETTINGS) as writer:
        for i in range(clips):
            pitch, onset = rng.integers(40, 80, 5), 0.2 + 0.3 * np.arange(5)
            spectrum = np.zeros((FRAMES, 294), np.float16)
            for p, start in zip(pitch, onset, strict=True):
                for harmonic in (0, 36, 57):
                    spectrum[round(start / HOP) : round((start + 0.25) / HOP), 3 * (p - 21) + harmonic] = 3.0
            table = np.stack([onset, onset + 0.25, pitch, np.full(5, 0.7), np.zeros(5)], axis=1)
            beside = {"notes": table.astype(np.float32), "bent": np.array([0])}
            beside["bends"] = np.full((1, FRAMES), 0.2, np.float16)
            writer.add(f"{i}.flac", (), str(i), "", spectrum, beside=beside)
    return Store.open(folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return fabricated(tmp_path_factory.mktemp("store"))


def small(**module):
    overrides = ["model.init_args.channels=4", "data.frames=60", "data.batch=2", "trainer.max_epochs=1"]
    overrides += ["trainer.limit_train_batches=2", "data.validation=0.3"]
    return configs.read("transcriber", [*overrides, *(f"module.init_args.{k}={v}" for k, v in module.items())])


def test_two_steps_end_in_weights_that_load(store, tmp_path):
    made = train(small(), store, tmp_path / "run")
    assert {"val_loss", "val_onset_f1", "val_offset_f1", "val_drum_f1"} <= set(made.scores)
    arrays, settings = weights.load(made.weights)
    network = Transcriber(**settings["model"])
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    assert set(settings["decoding"]) == {"onset_threshold", "frame_threshold", "drum_threshold"}
    assert settings["representation"]["bins"] == 294
    assert bool(network.eval()(torch.rand(1, 20, 294)).onset.isfinite().all())


def test_a_run_may_start_from_smaller_weights(store, tmp_path):
    torch.manual_seed(0)
    old = Transcriber(channels=3, dilations=((1, 1),), informed=())
    weights.save(tmp_path / "old.safetensors", {k: v.numpy() for k, v in old.state_dict().items()}, {})
    config = small(rate=1e-9) | {"start": str(tmp_path / "old.safetensors")}
    made, _ = weights.load(train(config, store, tmp_path / "run").weights)
    for name in ("entry.weight", "blocks.0.convolution.weight"):
        shared = tuple(slice(n) for n in old.state_dict()[name].shape)
        assert made[name][shared] == pytest.approx(old.state_dict()[name].numpy(), abs=1e-5)


def test_weights_of_something_else_are_no_start(tmp_path):
    weights.save(tmp_path / "other.safetensors", {"model.entry.weight": np.ones(3, np.float32)}, {})
    with pytest.raises(RestyleError, match="no weights of a Transcriber"):
        grow(Transcriber(channels=4), tmp_path / "other.safetensors")


def test_growing_leaves_what_is_new_alone(tmp_path):
    new, fresh = Transcriber(channels=4), Transcriber(channels=4)
    fresh.load_state_dict(new.state_dict())
    weights.save(tmp_path / "old.safetensors", {"heads.weight": np.ones((2, 4, 1, 1), np.float32)}, {})
    grow(new, tmp_path / "old.safetensors")
    assert bool((new.heads.weight[:2] == 1).all()) and torch.equal(new.heads.weight[2:], fresh.heads.weight[2:])
    assert torch.equal(new.entry.weight, fresh.entry.weight)


def test_a_wider_network_begins_as_the_narrow_one_was(tmp_path):
    torch.manual_seed(0)
    old, new = (Transcriber(channels=c, informed=(2,), around=20).eval() for c in (3, 5))
    for block in old.surroundings.values():
        torch.nn.init.normal_(block.outer.weight)
    weights.save(tmp_path / "old.safetensors", {k: v.numpy() for k, v in old.state_dict().items()}, {})
    grow(new, tmp_path / "old.safetensors")
    x = torch.rand(1, 30, 294)
    for before, after in zip(old(x), new(x), strict=True):
        assert torch.allclose(before, after, atol=1e-4)


def test_targets_show_the_notes_of_a_chunk():
    table = torch.tensor([[[0.16, 0.48, 60, 0.7, 0], [-0.5, 0.2, 70, 0.5, 1], [torch.nan] * 5]])
    bends = torch.zeros(1, 3, 60)
    bends[0, 0] = 0.3
    onset, frame, velocity, offset, bend = targets(table, bends, HOP)[:, 0]
    assert [float(x) for x in (onset[10, 39], velocity[10, 39], offset[30, 39])] == pytest.approx([1, 0.7, 1])
    assert bool(bend[10:30, 39].isclose(torch.tensor(0.3)).all()) and not bend[:, 49].any()
    assert bool(frame[:12, 49].all()) and not onset[:, 49].any() and not frame[14:, 49].any()
    assert not frame[:, [i for i in range(88) if i not in (39, 49)]].any()


def test_bends_stay_with_their_notes_in_any_order():
    table = torch.tensor([[[0.3, 0.5, 60, 0.7, 0], [0.1, 0.4, 70, 0.5, 1]]])
    bends = torch.stack([torch.full((40,), 0.1), torch.full((40,), -0.4)])[None]
    bend = targets(table, bends, HOP)[4, 0]
    assert bend[20, 39] == pytest.approx(0.1) and bend[10, 49] == pytest.approx(-0.4)


def test_weights_that_a_start_lacks_are_named(tmp_path):
    small, wide = Transcriber(channels=4, dilations=[[1, 1]]), Transcriber(channels=4, dilations=[[1, 1], [1, 12]])
    weights.save(tmp_path / "w", {name: value.numpy() for name, value in small.state_dict().items()}, {})
    with collect_warnings() as told:
        grow(wide, tmp_path / "w")
    assert len(told) == 1 and "lacks blocks.1.convolution.weight" in told[0] and "begin untrained" in told[0]
    with collect_warnings() as told:
        grow(wide, weights_of(wide, tmp_path / "same"))
    assert not told


def weights_of(model, path):
    weights.save(path, {name: value.numpy() for name, value in model.state_dict().items()}, {})
    return path


def test_the_loudest_bin_is_the_reference():
    x = torch.full((2, 3, 4), float(np.log1p(128 * 0.01)))
    x[:, 1, 2] = float(np.log1p(128 * 0.1))
    told = levels(x, torch.tensor([0.0, 20.0]), HOP)
    assert told.shape == (2, 4, 3)
    assert told[0, 2, 1] == pytest.approx(1.0) and told[0, 0, 0] == pytest.approx(1 - 20 / 80, abs=1e-4)
    assert told[1, 2, 1] == pytest.approx(1 - 20 / 80, abs=1e-4)


def test_training_hears_what_a_transcription_hears():
    """One function tells the reference of both: soft moments beside loud ones are not raised."""
    log1p = torch.rand(1, 5, 900).cumsum(-1) / 900 + 0.01
    db = (20 * torch.log10(torch.expm1(log1p) / CQT_GAIN)).transpose(1, 2)
    around = torch.from_numpy(loudest_around(db.amax(2).numpy(), HOP))
    assert torch.allclose(levels(log1p, torch.zeros(1), HOP), unit_level(db, around[..., None]), atol=1e-6)
    assert float(around[0, 0]) < float(around[0, -1]) - 3  # not the whole chunk's loudest moment


def test_the_loss_prefers_the_truth():
    wanted = torch.zeros(5, 1, 20, 88)
    wanted[0, 0, 5, 30], wanted[1, 0, 5:12, 30], wanted[2, 0, 5, 30] = 1, 1, 0.6
    wanted[3, 0, 12, 30], wanted[4, 0, 5:12, 30] = 1, 0.4
    logits = [(wanted[i] - 0.5) * 20 for i in range(5)]
    hits = torch.zeros(1, 20, 3)
    hits[0, 7, 1] = 1
    right = Activations(logits[0], logits[1], wanted[2], logits[3], wanted[4], (hits - 0.5) * 20)
    best = losses(right, wanted, hits)
    assert float(total(best)) < 0.01
    for name, found in right._asdict().items():
        worse = losses(right._replace(**{name: torch.zeros_like(found)}), wanted, hits)
        assert float(worse[name]) > float(best[name]) + 0.01
        assert float(total(worse)) > float(total(best))


def test_drums_are_drawn_by_class_and_scored():
    hop = 1 / 64  # onsets and frames that floats hold exactly
    rows = [(1 / 8, 0.2, 36, 1, DRUMS), (1 / 4, 0.3, 38, 1, DRUMS), (3 / 8, 0.4, 46, 1, DRUMS), (0.5, 0.6, 60, 1, 0)]
    notes = torch.tensor([rows, [*rows[:1], *[(math.nan,) * 5] * 3]])
    drawn = drum_targets(notes, 50, hop)
    assert [drawn[0, :, k].argmax().item() for k in range(3)] == [8, 16, 24]
    assert float(drawn[1, :, 0].max()) == 1 and not drawn[1, :, 1:].any()
    assert drums_f1(drawn, notes, hop)[0] == 1.0
    assert drums_f1(drawn.flip(2), notes, hop)[0] < 0.7


def test_f1_counts_onsets_and_ends():
    truth = Notes.of([(0.0, 1.0, 60, 1, 0), (1.0, 2.0, 62, 1, 0)])
    found = Notes.of([(0.04, 1.0, 60, 1, 0), (1.0, 1.3, 62, 1, 0), (1.5, 2.0, 80, 1, 0)])
    assert f1(truth, found) == pytest.approx(2 * (2 / 3) / (2 / 3 + 1))
    assert f1(truth, found, offsets=True) == pytest.approx(2 * (1 / 3) * 0.5 / (1 / 3 + 0.5))
    assert f1(truth, Notes.of([])) == 0


def test_chunks_that_are_mixed_sound_together_and_keep_all_notes():
    x = torch.zeros(2, 3, 4)
    x[0, 0], x[1, 2] = 2.0, 1.0
    notes = torch.full((2, 1, 5), math.nan)
    notes[0, 0], notes[1, 0] = torch.tensor([0.0, 0.5, 60, 0.8, 0]), torch.tensor([0.1, 0.5, 40, 0.6, 0])
    batch = [x, torch.zeros(2), notes, torch.zeros(2, 1, 4)]
    sound, _, tables, bends = mixed_batch(batch, np.random.default_rng(0), 1.0)
    assert torch.allclose(sound[0, 0], x[0, 0]) and torch.all((sound[0, 2] > 0) & (sound[0, 2] < x[1, 2]))
    assert tables[0, :, 2].tolist() == [60, 40] and tables[1, :, 2].tolist() == [40, 60]
    assert 0 < float(tables[0, 1, 3]) < 0.6 and bends.shape == (2, 2, 4)
    same = mixed_batch(batch, np.random.default_rng(0), 0.0)
    assert torch.allclose(same[0], x) and bool(same[2][:, 1].isnan().all())
