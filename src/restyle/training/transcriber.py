"""Teaches `models/transcriber.py`: renders clips, trains, and writes the weights file. Floor 4.

    python -m restyle.training.transcriber --midi DIR --soundfont FILE --out RUN
        [--notes DIR] [--noises DIR] [--exclude FILE]

Clips are rendered into shards under RUN/shards (by several processes; training starts with the first shards and takes
in new ones as they come). A run that was stopped goes on from its last checkpoint when the command is given again.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from restyle.datasets.rendered import Rendered
from restyle.files import weights
from restyle.models.transcriber import Transcriber
from restyle.notes import Notes
from restyle.representations.cqt import Cqt, level, unit_level
from restyle.representations.pianoroll import Roll, notes_to_roll, roll_to_notes

log = logging.getLogger("restyle")

SHARD = 200  # clips
LOWEST_LEVEL = -120.0  # dB, value 0 of the stored spectrograms; two values a dB


def render_shard(path: Path, data: dict[str, Any], seed: int) -> None:
    """Render one shard of clips: quantised spectrograms and their notes."""
    torch.set_num_threads(1)
    cqt, stream = Cqt(), Rendered(**data).clips(seed)
    spectra, tables = [], []
    for _ in range(SHARD):
        clip = next(stream)
        loudness = level(cqt(torch.from_numpy(clip.audio.samples[0])), LOWEST_LEVEL).T
        spectra.append(((loudness - LOWEST_LEVEL) * 2).clamp(0, 255).round().to(torch.uint8).numpy())
        n = clip.notes
        assert n is not None  # they are rendered from notes
        tables.append(np.stack([n.onset, n.offset, n.pitch, n.velocity, n.programme]))
    beside = path.with_suffix(".part.npz")
    counts = [table.shape[1] for table in tables]
    np.savez(beside, spectra=np.stack(spectra), notes=np.concatenate(tables, axis=1), counts=counts)
    beside.rename(path)


class Shards:
    """The clips of all shards that lie in a folder so far, as random crops."""

    def __init__(self, folder: Path, hop: float) -> None:
        self.folder, self.hop = folder, hop
        self.spectra: list[np.ndarray] = []
        self.notes: list[Notes] = []
        self._seen: set[Path] = set()

    def refresh(self) -> None:
        """Take in new shards."""
        for path in sorted(self.folder.glob("train-*[0-9].npz")):
            if path not in self._seen:
                self._seen.add(path)
                spectra, notes = read_shard(path)
                self.spectra += list(spectra)
                self.notes += notes

    def batch(self, size: int, frames: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return spectrograms ``[B, L, F]`` and targets ``[B, 3, L, P]`` of random crops."""
        inputs, targets = [], []
        for i in rng.integers(len(self.spectra), size=size):
            whole = self.spectra[i]
            start = rng.integers(0, len(whole) - frames + 1)
            # the loudest bin of a whole recording is as loud as that of this clip, or louder
            reference = whole.max() / 2 + LOWEST_LEVEL + max(0.0, rng.normal(0, 10))
            crop = torch.from_numpy(whole[start : start + frames]).float() / 2 + LOWEST_LEVEL
            inputs.append(unit_level(crop, reference))
            part = self.notes[i].between(start * self.hop, (start + frames) * self.hop)
            roll = notes_to_roll(part, frames, self.hop)
            cut = self.notes[i].onset < start * self.hop - self.hop  # began before the crop: sounds, but has no onset
            early = self.notes[i].select(cut & (self.notes[i].offset > start * self.hop))
            rows = early.pitch.round().astype(int) - 21
            roll.onset[:3, rows[(rows >= 0) & (rows < 88)]] = 0
            targets.append(torch.from_numpy(np.stack([roll.onset, roll.frame, roll.velocity])))
        return torch.stack(inputs), torch.stack(targets)


def read_shard(path: Path) -> tuple[np.ndarray, list[Notes]]:
    """Read a shard's spectrograms (uint8 ``[N, L, F]``) and notes."""
    with np.load(path) as shard:
        edges = np.cumsum(shard["counts"])[:-1]
        return shard["spectra"], [Notes(*table) for table in np.split(shard["notes"], edges, axis=1)]


def loss(network: Transcriber, spectra: Tensor, targets: Tensor) -> Tensor:
    """Weighted cross-entropy of onsets and frames, and the velocity's error at onsets."""
    onset, frame, velocity = network(spectra)
    entropy = nn.functional.binary_cross_entropy_with_logits
    onsets = entropy(onset, targets[:, 0], pos_weight=torch.tensor(4.0))
    frames = entropy(frame, targets[:, 1])
    started = targets[:, 0]
    loudness = (started * (velocity - targets[:, 2]).abs()).sum() / started.sum().clamp_min(1)
    return 2 * onsets + frames + 0.02 * loudness


@torch.no_grad()
def validate(network: Transcriber, path: Path, hop: float, clips: int = 40) -> dict[str, float]:
    """Score notes (mir_eval, 50 ms) on held-out clips at the best of a few thresholds."""
    import mir_eval

    network.eval()
    spectra, truth = read_shard(path)
    rolls = []
    for whole in spectra[:clips]:
        x = torch.from_numpy(whole).float() / 2 + LOWEST_LEVEL
        onset, frame, velocity = (y[0] for y in network(unit_level(x, x.max())[None]))
        rolls.append(Roll(onset.sigmoid().numpy(), frame.sigmoid().numpy(), velocity.numpy(), hop))
    network.train()
    truth = truth[:clips]

    def mean_f1(offset_ratio: float | None, **thresholds: Any) -> float:
        found = [roll_to_notes(roll, **thresholds) for roll in rolls]
        score = mir_eval.transcription.precision_recall_f1_overlap
        pairs = zip(truth, found, strict=True)
        return float(np.mean([score(*_table(t.pitched()), *_table(f), offset_ratio=offset_ratio)[2] for t, f in pairs]))

    onset_f1, onset_threshold = max((mean_f1(None, onset_threshold=x), x) for x in (0.4, 0.5, 0.55, 0.6, 0.7))
    offset_f1, frame_threshold = max(
        (mean_f1(0.2, onset_threshold=onset_threshold, frame_threshold=x), x) for x in (0.3, 0.4, 0.5, 0.6, 0.7)
    )
    scores = {"onset_f1": onset_f1, "offset_f1": offset_f1}
    return scores | {"onset_threshold": onset_threshold, "frame_threshold": frame_threshold}


def _table(notes: Notes) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([notes.onset, notes.offset], axis=1), 440 * 2 ** ((notes.pitch - 69) / 12)


def train(
    run: Path,
    *,
    steps: int,
    batch: int,
    frames: int,
    rate: float,
    seed: int,
    start: Path | None = None,
    every: int = 300,
) -> None:
    """Train on the shards of a run; write a checkpoint and ``transcriber.safetensors`` every ``every`` steps."""
    cqt = Cqt()
    hop = cqt.hop / cqt.rate
    torch.manual_seed(seed)
    network = cast(Any, Transcriber()).to(memory_format=torch.channels_last)  # faster on a CPU
    if start:
        arrays, _ = weights.load(start)
        network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()}, strict=False)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998), use_buffers=True
    )
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.15)
    first = _resume(run, network, average, optimiser, schedule)
    shards, started, losses = Shards(run / "shards", hop), time.time(), []
    while not (run / "shards" / "validation.npz").exists() or not list((run / "shards").glob("train-*[0-9].npz")):
        time.sleep(2)
    for step in range(first, steps):
        if (step - first) % 50 == 0:
            shards.refresh()
        value = loss(network, *shards.batch(batch, frames, np.random.default_rng((seed, step))))
        if not torch.isfinite(value):
            raise FloatingPointError(f"the loss is {value.item()} at step {step}; start again with a smaller --rate")
        optimiser.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        losses.append(value.item())
        if (step + 1) % every == 0 or step + 1 == steps:
            taught = cast(Transcriber, average.module)
            scores = validate(taught, run / "shards" / "validation.npz", hop)
            pace = (time.time() - started) / (step + 1 - first)
            left = pace * (steps - step - 1) / 60
            log.info("step %d of %d, loss %.4f, %s", step + 1, steps, np.mean(losses), scores)
            log.info("%d clips, %.0f min left", len(shards.notes), left)
            losses.clear()
            state = {"network": network, "average": average, "optimiser": optimiser, "schedule": schedule}
            states = {name: part.state_dict() for name, part in state.items()}
            torch.save(states | {"step": step + 1}, run / "checkpoint.part")
            (run / "checkpoint.part").rename(run / "checkpoint.pt")
            export(taught, cqt, run / "transcriber.safetensors", scores)


def _resume(run: Path, network: nn.Module, average: nn.Module, optimiser: Any, schedule: Any) -> int:
    path = run / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    for name, part in {"network": network, "average": average, "optimiser": optimiser, "schedule": schedule}.items():
        part.load_state_dict(state[name])
    return int(state["step"])


def export(network: Transcriber, cqt: Cqt, path: Path, scores: dict[str, float]) -> None:
    """Write the weights with the settings of the model, its representation and its decoding."""
    state = network.state_dict()
    arrays = {name: value.numpy() for name, value in state.items() if not name.endswith("num_batches_tracked")}
    decoding = {name: scores[name] for name in ("onset_threshold", "frame_threshold")}
    settings = {"model": network.settings(), "cqt": cqt.settings(), "decoding": decoding, "scores": scores}
    weights.save(path, arrays, settings)


def main() -> None:
    """Parse the arguments, render in the background, train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    help_midi = "folder of MIDI files; sub-folders named drums* give drum tracks"
    parser.add_argument("--midi", type=Path, required=True, help=help_midi)
    parser.add_argument("--soundfont", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--notes", type=Path, help="folder of recorded single notes, a sub-folder an instrument")
    parser.add_argument("--noises", type=Path, help="folder of recordings without pitched notes, mixed in as noise")
    parser.add_argument("--exclude", type=Path, help="JSON file; MIDI files whose names stand in it are left out")
    parser.add_argument("--clips", type=int, default=6000)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--frames", type=int, default=188, help="length of a crop (62.5 frames a second)")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--start", type=Path, help="weights file of an earlier run to go on from")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes that render")
    parser.add_argument("--render-only", action="store_true")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    (args.out / "shards").mkdir(parents=True, exist_ok=True)
    (args.out / "arguments.json").write_text(json.dumps(vars(args), default=str, indent=1))
    pool = get_context("spawn").Pool(args.jobs)
    for job in _shards_to_render(args):
        pool.apply_async(render_shard, job, error_callback=lambda error: log.error("rendering: %s", error))
    pool.close()
    if not args.render_only:
        names = ("steps", "batch", "frames", "rate", "seed", "start")
        train(args.out, **{name: getattr(args, name) for name in names})
    pool.join()


def _shards_to_render(args: argparse.Namespace) -> list[tuple[Path, dict[str, Any], int]]:
    """Each missing shard with its data and seed; validation phrases come from MIDI files of their own."""
    excluded = args.exclude.read_text() if args.exclude else ""
    files = [path for path in sorted(args.midi.rglob("*.mid")) if path.name not in excluded]
    drums = [path for path in files if path.parent.name.startswith("drums")]
    files = [path for path in files if path not in set(drums)]
    held_out = files[::25]
    common = {"soundfont": args.soundfont, "drums": drums, "samples": args.notes}
    common["noises"] = sorted(args.noises.glob("*.*")) if args.noises else []
    jobs = [(args.out / "shards" / "validation.npz", common | {"midi": held_out}, 999_983)]
    train_files = [path for path in files if path not in set(held_out)]
    for i in range(-(-args.clips // SHARD)):
        path = args.out / "shards" / f"train-{i:04d}.npz"
        jobs.append((path, common | {"midi": train_files}, args.seed * 100_003 + i))
    return [job for job in jobs if not job[0].exists()]


if __name__ == "__main__":
    main()
