import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from restyle.files import weights
from restyle.files.midi import write_midi
from restyle.models.transcriber import Transcriber
from restyle.notes import Notes
from restyle.representations.cqt import Cqt
from restyle.training import transcriber as training

FONTS = sorted(Path("/usr/share/sounds").rglob("*.sf2"), key=lambda path: path.stat().st_size)
HOP = 0.016
FRAMES = 130


def fabricated(folder, name, clips=4):
    """A shard of clips whose spectrograms show each note's first harmonics, made without a SoundFont."""
    rng = np.random.default_rng(len(name))
    spectra, tables = np.zeros((clips, FRAMES, 294), np.uint8), []
    for i in range(clips):
        pitch, onset = rng.integers(40, 80, 5), 0.2 + 0.3 * np.arange(5)
        for p, start in zip(pitch, onset, strict=True):
            rows = slice(round(start / HOP), round((start + 0.25) / HOP))
            for harmonic in (0, 36, 57):
                spectra[i, rows, 3 * (p - 21) + harmonic] = 200
        tables.append(np.stack([onset, onset + 0.25, pitch, np.full(5, 0.7), np.zeros(5)]))
    folder.mkdir(parents=True, exist_ok=True)
    counts = [table.shape[1] for table in tables]
    np.savez(folder / f"{name}.npz", spectra=spectra, notes=np.concatenate(tables, axis=1), counts=counts)


@pytest.fixture
def run(tmp_path):
    for name in ("train-0000", "train-0001", "validation"):
        fabricated(tmp_path / "run" / "shards", name)
    return tmp_path / "run"


SMALL = {"steps": 2, "batch": 2, "frames": 60, "rate": 1e-3, "seed": 0}


def test_shards_are_read_as_they_were_written(run):
    spectra, notes = training.read_shard(run / "shards" / "train-0000.npz")
    assert spectra.shape == (4, FRAMES, 294) and spectra.dtype == np.uint8
    assert [len(n) for n in notes] == [5] * 4
    assert notes[0].onset == pytest.approx(0.2 + 0.3 * np.arange(5))


def test_new_shards_are_taken_in_once(run):
    shards = training.Shards(run / "shards", HOP)
    shards.refresh()
    shards.refresh()
    assert len(shards.spectra) == len(shards.notes) == 8
    fabricated(run / "shards", "train-0002", clips=3)
    shards.refresh()
    assert len(shards.spectra) == 11


def test_a_crop_shows_its_own_notes(run):
    shards = training.Shards(run / "shards", HOP)
    shards.refresh()
    inputs, targets = shards.batch(6, 60, np.random.default_rng(0))
    assert inputs.shape == (6, 60, 294) and targets.shape == (6, 3, 60, 88)
    assert inputs.min() >= 0 and inputs.max() <= 1
    for x, (onset, frame, velocity) in zip(inputs, targets, strict=True):
        fundamental = x[:, 0:264:3]
        sounding = frame > 0.5
        assert sounding.any() and float(fundamental[sounding].min()) > 0.5 * float(fundamental.max())
        assert bool(sounding[onset > 0.9].all())
        assert velocity[onset > 0.9] == pytest.approx(0.7)


def test_a_note_cut_by_the_crops_start_has_no_onset(tmp_path):
    shards = training.Shards(tmp_path, HOP)
    shards.spectra, shards.notes = [np.full((101, 294), 200, np.uint8)], [Notes.of([(0.0, 1.6, 60, 0.7, 0)])]

    class Late:
        def integers(self, low, high=None, size=None):
            return np.array([0]) if size else 40

        def normal(self, mean, deviation):
            return 0.0

    _, targets = shards.batch(1, 60, Late())
    onset, frame, _ = targets[0]
    assert frame[:, 39].all() and not onset.any()


def test_the_loss_prefers_the_truth():
    targets = torch.zeros(1, 3, 20, 88)
    targets[0, 0, 5, 30], targets[0, 1, 5:12, 30], targets[0, 2, 5, 30] = 1, 1, 0.6

    def value(onset, frame, velocity):
        return float(training.loss(lambda _: ((onset - 0.5) * 20, (frame - 0.5) * 20, velocity), None, targets))

    true = tuple(targets[0, i][None] for i in range(3))
    best = value(*true)
    assert best < 0.01
    assert value(torch.zeros(1, 20, 88), true[1], true[2]) > best + 0.01
    assert value(true[0], torch.zeros(1, 20, 88), true[2]) > best + 0.01
    assert value(true[0], true[1], 1 - true[2]) > best + 0.001


def test_two_steps_end_in_weights_that_load(run):
    training.train(run, **SMALL)
    arrays, settings = weights.load(run / "transcriber.safetensors")
    network = Transcriber(**settings["model"])
    missing = network.load_state_dict({n: torch.from_numpy(a) for n, a in arrays.items()}, strict=False)
    assert all(name.endswith("num_batches_tracked") for name in missing.missing_keys) and not missing.unexpected_keys
    assert set(settings["decoding"]) == {"onset_threshold", "frame_threshold"}
    assert set(settings["scores"]) >= {"onset_f1", "offset_f1"}
    assert Cqt(**settings["cqt"]).bins == 294
    onset, _, _ = network.eval()(torch.rand(1, 20, 294))
    assert bool(onset.isfinite().all())


@pytest.mark.slow
def test_a_run_goes_on_where_it_stopped(run, tmp_path):
    """One step, and one more after a stop, are the same as two in a row."""
    import shutil

    other = tmp_path / "other"
    shutil.copytree(run, other)
    training.train(run, **SMALL, every=1)
    whole, _ = weights.load(run / "transcriber.safetensors")

    stop = RuntimeError("stopped")
    original, calls = training.loss, []

    def breaking(*args):
        calls.append(1)
        if len(calls) == 2:
            raise stop
        return original(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "loss", breaking)
        with pytest.raises(RuntimeError, match="stopped"):
            training.train(other, **SMALL, every=1)
    training.train(other, **SMALL, every=1)
    resumed, _ = weights.load(other / "transcriber.safetensors")
    assert all(np.allclose(whole[name], resumed[name], atol=1e-6) for name in whole)
    assert len(calls) == 2


def test_earlier_weights_are_started_from(run, tmp_path):
    state = Transcriber().state_dict()
    arrays = {name: value.numpy() + 0.5 for name, value in state.items() if value.is_floating_point()}
    weights.save(tmp_path / "start.safetensors", arrays, {})
    training.train(run, **SMALL | {"rate": 1e-9}, start=tmp_path / "start.safetensors")
    made, _ = weights.load(run / "transcriber.safetensors")
    assert made["heads.weight"] == pytest.approx(arrays["heads.weight"], abs=1e-3)


def test_a_loss_that_is_not_finite_stops_the_run(run):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "loss", lambda *_: torch.tensor(float("nan"), requires_grad=True))
        with pytest.raises(FloatingPointError, match="smaller --rate"):
            training.train(run, **SMALL)
    assert not (run / "transcriber.safetensors").exists()


def test_validation_scores_a_perfect_network_perfectly(run):
    """A network that reads the fabricated notes off their fundamentals finds nearly all of them."""

    class Reader(torch.nn.Module):
        def forward(self, x):
            lit = [x[..., 0:264:3] > 0.5]
            lit += [torch.roll(x, -shift, -1)[..., 0:264:3] > 0.5 for shift in (36, 57)]
            frame = (lit[0] & lit[1] & lit[2]).float()
            onset = torch.relu(frame - torch.nn.functional.pad(frame, (0, 0, 1, 0))[:, :-1])
            return (onset - 0.5) * 20, (frame - 0.5) * 20, frame

    scores = training.validate(Reader(), run / "shards" / "validation.npz", HOP)
    assert scores["onset_f1"] > 0.95 and scores["offset_f1"] > 0.9


@pytest.mark.slow
def test_the_command_renders_trains_and_writes(tmp_path, monkeypatch):
    pytest.importorskip("fluidsynth", reason="FluidSynth is not installed", exc_type=ImportError)
    if not FONTS:
        pytest.skip("there is no SoundFont under /usr/share/sounds")
    midi, run = tmp_path / "midi" / "scales", tmp_path / "run"
    midi.mkdir(parents=True)
    for i in range(3):
        rows = [(0.25 * k, 0.25 * k + 0.2, 60 + (2 * k + i) % 12, 0.7, 0) for k in range(40)]
        write_midi(midi / f"{i}.mid", Notes.of(rows))
    (tmp_path / "exclude.json").write_text('["2.mid"]')
    arguments = {"midi": midi.parent, "soundfont": FONTS[0], "out": run, "exclude": tmp_path / "exclude.json"}
    numbers = {"clips": 2, "steps": 2, "batch": 2, "frames": 40, "jobs": 1}
    line = [str(x) for name, value in (arguments | numbers).items() for x in (f"--{name}", value)]
    monkeypatch.setattr(training, "SHARD", 2)
    monkeypatch.setattr(training, "get_context", lambda _: InProcess)
    monkeypatch.setattr(sys, "argv", ["transcriber", *line])
    threads = torch.get_num_threads()
    training.main()
    torch.set_num_threads(threads)
    assert sorted(p.name for p in (run / "shards").iterdir()) == ["train-0000.npz", "validation.npz"]
    spectra, notes = training.read_shard(run / "shards" / "train-0000.npz")
    assert spectra.shape == (2, 500, 294) and spectra.max() > 150 and all(len(n) for n in notes)
    arrays, _ = weights.load(run / "transcriber.safetensors")
    assert "heads.weight" in arrays


class InProcess:
    """A pool that works at once and here, so that the test can make shards small."""

    @staticmethod
    def Pool(_):  # noqa: N802 (multiprocessing's name)
        return InProcess()

    def apply_async(self, function, arguments, error_callback):
        function(*arguments)

    def close(self):
        pass

    join = close
