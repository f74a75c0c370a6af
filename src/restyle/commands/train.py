"""``restyle train``: a config and data to a weights file, with a report on the way. Floor 6."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restyle.errors import RestyleError

if TYPE_CHECKING:
    from restyle.training.run import Trained


def run(
    config: str | Path,
    *,
    data: Path,
    out: Path,
    settings: Sequence[str] = (),
    test: Path | None = None,
    devices: str | int = "auto",
    nodes: int = 1,
    strategy: str = "auto",
    precision: str = "auto",
    jobs: int = 1,
    progress: Callable[[float], None] | None = None,
    report: Callable[[str], None] | None = None,
) -> Trained:
    """Train a model; the same command again goes on where a run was stopped.

    Args:
        config: the name of a config of the package, or the path of a YAML file.
        data: a folder of sounds in sub-folders named after their labels, a store of ``restyle data spectrograms``, or
            for an arranger a folder of ``restyle data arrange``, for a symbolic CycleGAN or genre classifier MIDI files
            in sub-folders.
        out: the run's folder; it is made if missing. ``report.html`` in it is written as the run goes on.
        settings: ``key=value`` each, to change what the config says.
        test: data of the same kind that are looked at once, after the training.
        devices: number of GPUs, or of processes without a GPU; ``auto`` takes all GPUs, or one process.
        nodes: machines; the same command is given on each.
        strategy: Lightning's name of how devices share the work, as ``ddp``.
        precision: Lightning's name, as ``bf16-mixed``; ``auto`` is mixed on a GPU and 32 bits else.
        jobs: processes that make spectrograms of sounds.
        progress: called with the part of the training that is done, 0..1.
        report: called with a line for every epoch and every step before.

    Returns:
        The weights file, its scores, and whether all was done before.

    Raises:
        RestyleError: if the config or data cannot be used, training goes wrong (NaN) or the disk is full; what was
            reached before stays in ``out``.

    Example:
        >>> run("classifier_modern", data=Path("music"), out=Path("run"))  # doctest: +SKIP
        Trained(weights=PosixPath('run/classifier_modern.safetensors'), ...)
    """
    from restyle.training import config as configs

    chosen = configs.read(config, settings)
    if nodes < 1:
        raise RestyleError(f"nodes must be 1 or more, not {nodes}")
    from restyle.pages.training import page
    from restyle.training.run import Machine, train

    machine = Machine(devices, nodes, strategy, precision)
    given: dict[str, Any] = {"wants": configs.wants(chosen), "jobs": jobs, "nodes": nodes, "report": report}
    check_sounds(data, chosen)
    learnt = store(data, out / "store", chosen["representation"], **given)
    held_out = None if test is None else store(test, out / "test-store", chosen["representation"], **given)
    return train(chosen, learnt, out, machine, test=held_out, progress=progress, report=report, page=page)


def store(
    data: Path,
    made: Path,
    representation: dict[str, Any],
    *,
    wants: Sequence[str] = (),
    jobs: int = 1,
    nodes: int = 1,
    report: Callable[[str], None] | None = None,
) -> Any:
    """Open a store, or make one of a folder of sounds first.

    Args:
        data: either of them.
        made: where a store is made.
        representation: what it is to hold.
        wants: what else it is to hold (see `training.data.WANTS`).
        jobs: processes.
        nodes: machines of the training.
        report: called with a line before work that takes long.

    Returns:
        A `data.store.Store`.

    Raises:
        RestyleError: if the folder is missing, holds neither, or cannot be read.
    """
    from restyle.data.store import INDEX, Store

    if not data.is_dir():
        raise RestyleError(f"{data}: there is no such folder; give one of sounds in sub-folders named after labels")
    if (data / INDEX).is_file():
        return Store.open(data)
    if nodes > 1 or int(os.environ.get("LOCAL_RANK", "0")):
        if (made / INDEX).is_file():
            return Store.open(made)
        raise RestyleError(f"{data}: make a store first, with restyle data spectrograms, to train on several machines")
    from restyle.commands.shared.spectrograms import spectrograms

    if pack := _of_scores(representation):
        made.parent.mkdir(parents=True, exist_ok=True)
        return pack(data, made, report)
    if report:
        report(f"making spectrograms of {data}")
    made.parent.mkdir(parents=True, exist_ok=True)
    sound, partials, pitch = (name in wants for name in ("sound", "partials", "pitch"))
    spectrograms(data, made, representation, sound=sound, partials=partials, pitch=pitch, jobs=jobs)
    return Store.open(made)


def check_sounds(data: Path, config: dict[str, Any]) -> None:
    """Refuse a folder of sounds from which nothing can be learnt, before its spectrograms are made.

    Raises:
        RestyleError: if it has one source that is too short to be cut in time, or too few labels.
    """
    from restyle.commands.shared.spectrograms import More, sounds, whole
    from restyle.data.store import INDEX, Entry
    from restyle.data.takes import check
    from restyle.io.sound import info
    from restyle.training import config as configs
    from restyle.training.data import check_labels

    if not data.is_dir() or (data / INDEX).is_file() or _of_scores(config["representation"]):
        return
    found = sounds(data, More(sound=False, partials=False, pitch=False))
    entries = [Entry(item.name, item.labels, item.source, item.split, 0) for item in found if item.split != "test"]
    if configs.takes_labels(config):
        check_labels(entries)
    if len({entry.source for entry in entries}) == 1:
        form = whole(config["representation"])
        second = form["hop"] / form["rate"]
        frames = [int(info(item.path).duration / second) for item in found if item.split != "test"]
        check(entries, frames, config["data"]["frames"], second)


def _of_scores(representation: dict[str, Any]) -> Callable[..., Any] | None:
    """What makes a store of scores, where that is what a representation is of."""
    from restyle.analysis.symbolic_genre import windows
    from restyle.arrangement import pairs
    from restyle.arrangement.rolls import data as rolls

    return {pairs.KIND: pairs.pack, rolls.KIND: rolls.pack, windows.KIND: windows.pack}.get(
        str(representation.get("kind"))
    )
