"""A training from its config to its weights file, with Lightning underneath. Floor 3."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning import LightningDataModule, Trainer, seed_everything
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.callbacks import EarlyStopping
from lightning.pytorch.loggers import TensorBoardLogger
from torch import nn

from restyle.data.store import Store
from restyle.data.takes import cut
from restyle.errors import RestyleError, warn
from restyle.io import hub
from restyle.training import config as configs
from restyle.training.checkpoints import LastCheckpoint, WholeFiles, averaging
from restyle.training.data import Batches, Chunks, Sides, check_classes, labels, sides
from restyle.training.export import card, export, grow, load_into, round_to
from restyle.training.facts import Machine, as_text, facts
from restyle.training.folder import Trained, begun, finished, write
from restyle.training.optimisers import Training
from restyle.training.progress import Page, ProgressReport
from restyle.training.surroundings import explained, quiet
from restyle.training.verdict import verdict

OWN = ("patience", "monitor", "mode", "checkpoint_every", "average")  # keys of `trainer` that Lightning does not know

__all__ = ["Machine", "Trained", "train"]


class Data(LightningDataModule):
    """The sides of a store as batches, made when the processes know their numbers."""

    def __init__(
        self, store: Store, parted: Sides, config: Mapping[str, Any], classes: list[str], module: Training
    ) -> None:
        super().__init__()
        self.config, self.wants = config, module.wants
        data, seed = config["data"], config["seed"]
        self.training = module.chunks(
            store, parted.train, data["frames"], classes, random=data["offsets"] == "random", seed=seed
        )
        self.validation = module.chunks(store, parted.validation, data["frames"], classes)

    def train_dataloader(self) -> Batches:
        """The batches for training."""
        return self._batches(self.training, shuffle=True)

    def val_dataloader(self) -> Batches:
        """The batches for validation."""
        return self._batches(self.validation, shuffle=False)

    def examples(self, count: int = 6) -> list[dict[str, Any]]:
        """Some of the chunks for validation, for the report."""
        chosen = np.linspace(0, len(self.validation) - 1, min(count, len(self.validation))).astype(int)
        pictures = self.validation.batch(chosen, 0)[0].numpy()
        entries = [self.validation.entry(chunk) for chunk in chosen]
        pairs = zip(entries, pictures, strict=True)
        return [{"title": entry.name, "text": ", ".join(entry.labels), "picture": picture} for entry, picture in pairs]

    def _batches(self, chunks: Chunks, *, shuffle: bool) -> Batches:
        assert self.trainer is not None  # it asks for them
        return Batches(
            chunks,
            self.config["data"]["batch"],
            shuffle=shuffle,
            seed=self.config["seed"],
            rank=self.trainer.global_rank,
            world=self.trainer.world_size,
            wants=self.wants,
            pin=torch.cuda.is_available(),
        )


def train(
    config: dict[str, Any],
    store: Store,
    out: Path,
    machine: Machine | None = None,
    *,
    test: Store | None = None,
    progress: Callable[[float], None] | None = None,
    report: Callable[[str], None] | None = None,
    page: Page | None = None,
) -> Trained:
    """Train, or resume a run that was stopped, until it is done; then export.

    Args:
        config: as `training.config.read` returns it.
        store: spectrograms with labels and sources.
        out: the run's folder, made if missing: report.html, metrics.csv, tensorboard/, last.ckpt, and in the end
            NAME.safetensors and NAME.md.
        machine: what it may use; by default all GPUs, or one process.
        test: other spectrograms, evaluated once, after the training.
        progress: called with the part that is done, 0..1.
        report: called with a line for every epoch.
        page: makes report.html (`restyle.pages.training.page`); without it there is none.

    Raises:
        RestyleError: if the data or settings cannot be used, the loss becomes NaN or the disk is full; what was
            reached before stays in ``out``.
    """
    machine = machine or Machine()
    ready = finished(out)
    whole, validation = store, config["data"]["validation"]
    store = cut(whole, validation, config["data"]["frames"])
    parted = sides(store, validation, seed=config["seed"])
    classes = labels(store, [*parted.train, *parted.validation])
    own = begun(out, config, whole)
    if ready:
        return ready
    _check_representation(config, store)
    seed_everything(config["seed"], verbose=False)
    model, module = _objects(config, store, parted, classes)
    data = Data(store, parted, config, classes, module)
    known = facts(config, store, parted, len(data.training), machine)
    history = ProgressReport(out, as_text(known), config["trainer"], progress=progress, report=report, page=page)
    history.chunks = data.examples()
    with quiet(), explained(out):
        trainer = _trainer(config, out, machine, history)
        if getattr(rank_zero_only, "rank", 0) in (0, None):
            write(out / "run.json", own)
        path = out / "last.ckpt"
        trainer.fit(module, datamodule=data, ckpt_path=path if path.is_file() else None)
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()  # the rest is for one process
        if not trainer.is_global_zero:
            return _trained(out, config["name"], history)
        return _finish(out, config, known, model, module, data, history, _test_side(store, parted, test), classes)


def _objects(config: dict[str, Any], store: Store, parted: Sides, classes: list[str]) -> tuple[nn.Module, Training]:
    """Build model and module from the config; the data fill their other parameters."""
    given = {"labels": classes, "classes": len(classes), "bins": len(store.statistics["mean"])}
    given |= {"seed": config["seed"], "frames": config["data"]["frames"]}
    given |= {"statistics": store.statistics, "representation": store.settings}
    asked = (config["model"].get("init_args") or {}).get("classes")
    if configs.takes_labels(config):
        check_classes(store, parted)
        if asked is not None and asked != len(classes):
            differ = f"the model has {asked} classes, the data {len(classes)}"
            raise RestyleError(f"{differ}; leave out model.init_args.classes")
    model = configs.built(config, "model", given)
    standardise = getattr(model, "standardise", None)
    if callable(standardise):
        standardise(*(torch.from_numpy(store.statistics[name]).float() for name in ("mean", "std")))
    if config["start"]:
        grow(model, hub.find(config["start"]))
    return model, configs.built(config, "module", given, model)


def _trainer(config: dict[str, Any], out: Path, machine: Machine, history: ProgressReport) -> Trainer:
    settings, gpu = config["trainer"], torch.cuda.is_available()
    if machine.precision == "16-mixed" and not gpu:
        raise RestyleError("precision 16-mixed needs a GPU, and there is none here; take bf16-mixed, or leave it out")
    half = "bf16-mixed" if gpu and torch.cuda.is_bf16_supported() else "16-mixed"
    precision = (half if gpu else "32-true") if machine.precision == "auto" else machine.precision
    devices = int(machine.devices) if str(machine.devices).isdigit() else machine.devices
    if not gpu and devices == "auto":
        devices = 1
    callbacks: list[Any] = [history]
    if settings["average"] is not None:
        callbacks.append(averaging(settings["average"]))
    if settings["patience"] is not None:
        patience = {"patience": settings["patience"], "check_on_train_epoch_end": False}
        callbacks.append(EarlyStopping(history.monitor, mode=history.mode, **patience))
    callbacks.append(LastCheckpoint(out / "last.ckpt", settings["checkpoint_every"], config["seed"]))
    try:
        return Trainer(
            accelerator="gpu" if gpu else "cpu",
            devices=devices,
            num_nodes=machine.nodes,
            strategy=machine.strategy,
            precision=precision,  # type: ignore[arg-type]
            callbacks=callbacks,
            plugins=[WholeFiles()],
            logger=TensorBoardLogger(out, name="tensorboard", version=""),
            sync_batchnorm=gpu and devices != 1,
            **_plain(out),
            **{key: value for key, value in settings.items() if key not in OWN},
        )
    except (ValueError, TypeError, RuntimeError, ImportError) as error:
        why = " ".join(str(error).split())
        raise RestyleError(f"the training cannot be set up so ({why}); change devices, strategy or trainer") from error


def _plain(out: Path) -> dict[str, Any]:
    """What Lightning is not to do."""
    silent = dict.fromkeys(("enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    return silent | {"num_sanity_val_steps": 0, "use_distributed_sampler": False, "default_root_dir": out}


def _finish(
    out: Path,
    config: dict[str, Any],
    known: dict[str, Any],
    model: nn.Module,
    module: Training,
    data: Data,
    history: ProgressReport,
    test: tuple[Store, list[int]] | None,
    classes: list[str],
) -> Trained:
    """Evaluate the best weights, write weights file, card and report."""
    best = history.best
    assert best is not None  # there is an epoch at the least
    load_into(module, out / "best.safetensors")
    round_to(model, config["bits"])
    scores = _scored(module, data.validation, config)
    known["more"] = module.exports()
    if test and (chunks := _test_chunks(config, *test, classes, module.chunks)):
        found = _scored(module, chunks, config)
        scores |= {f"test_{name.removeprefix('val_')}": value for name, value in found.items()}
        arrays = (np.ndarray, torch.Tensor)
        known["more"]["test"] = {key: value for key, value in module.exports().items() if not isinstance(value, arrays)}
    word = verdict(history.rows, history.monitor, history.mode)[0]
    known["training"] |= {"epochs": len(history.rows), "steps": int(history.rows[-1]["step"]), "verdict": word}
    known["training"] |= {"best_epoch": int(best["epoch"]), "seconds": round(history.state_dict()["seconds"])}
    weights = out / f"{config['name']}.safetensors"
    written = export(weights, model, known, scores, bits=config["bits"])
    card(weights.with_suffix(".md"), model, written, module.limits)
    history.finish(as_text(known) | {f"score_{name}": f"{value:.4g}" for name, value in scores.items()})
    write(out / "finished.json", {"scores": scores, "epochs": len(history.rows), "best_epoch": int(best["epoch"])})
    return Trained(weights, len(history.rows), int(best["epoch"]), scores, before=False)


def _test_side(store: Store, parted: Sides, test: Store | None) -> tuple[Store, list[int]] | None:
    if test is not None:
        return test, list(range(len(test.entries)))
    return (store, parted.test) if parted.test else None


def _test_chunks(
    config: dict[str, Any], store: Store, entries: list[int], classes: list[str], kind: type[Chunks]
) -> Chunks | None:
    """The chunks of a test set, without labels that were not learnt."""
    known = [i for i in entries if not store.entries[i].labels or store.entries[i].labels[0] in classes]
    if len(known) < len(entries):
        strange = len(entries) - len(known)
        warn(f"{strange} of {len(entries)} test recordings have labels that were not learnt; left out")
    return kind(store, known, config["data"]["frames"], classes) if known else None


def _scored(module: Training, chunks: Chunks, config: dict[str, Any]) -> dict[str, float]:
    """Return the module's validation scores with its weights as they are, by one process."""
    batches = Batches(chunks, config["data"]["batch"], shuffle=False, wants=module.wants)
    accelerator, limit = "gpu" if torch.cuda.is_available() else "cpu", config["trainer"]["limit_val_batches"]
    trainer = Trainer(accelerator=accelerator, devices=1, logger=False, limit_val_batches=limit, **_plain(Path.cwd()))
    [found] = trainer.validate(module, batches, verbose=False)
    module.to("cpu").eval()
    return {name: float(value) for name, value in found.items()}


def _check_representation(config: dict[str, Any], store: Store) -> None:
    for name, asked in config["representation"].items():
        there = store.settings.get(name)
        if there is not None and there != asked:
            raise RestyleError(f"the spectrograms have {name} {there} where the config wants {asked}; make them again")


def _trained(out: Path, name: str, history: ProgressReport) -> Trained:
    best = history.best or {"epoch": 0}
    scores = {key: value for key, value in best.items() if key.startswith("val")}
    return Trained(out / f"{name}.safetensors", len(history.rows), int(best["epoch"]), scores, before=False)
