"""The facts of a run beside its metrics. Floor 3."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

import torch

from restyle.data.store import Store
from restyle.data.takes import Takes
from restyle.training.data import Sides, labels


@dataclass(frozen=True)
class Machine:
    """What a run may use.

    Args:
        devices: number of GPUs, or of processes without a GPU; ``auto`` takes all GPUs, or one process.
        nodes: machines.
        strategy: Lightning's name of how they share the work, as ``ddp``.
        precision: Lightning's name, as ``bf16-mixed``; ``auto`` is mixed on a GPU and 32 bits else.
    """

    devices: str | int = "auto"
    nodes: int = 1
    strategy: str = "auto"
    precision: str = "auto"


def facts(config: dict[str, Any], store: Store, parted: Sides, chunks: int, machine: Machine) -> dict[str, Any]:
    """Return what is known before the training, for the weights file, its card and the report."""
    chosen = [store.entries[i] for i in (*parted.train, *parted.validation)]
    hop, rate = store.settings.get("hop", 0), store.settings.get("rate", 1)
    summary = {
        "entries": len(chosen),
        "sources": len({entry.source for entry in chosen}),
        "train": len(parted.train),
        "validation": len(parted.validation),
        "test": len(parted.test),
        "cut": sum(span.side == "train" for span in store.spans) if isinstance(store, Takes) else 0,
        "hours": round(sum(entry.frames for entry in chosen) * hop / rate / 3600, 4),
        "chunks": chunks,
        "frames": config["data"]["frames"],
    }
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{platform.machine()} CPU"
    hardware = f"{device}, {os.cpu_count()} cores, {machine.devices} device(s) on {machine.nodes} machine(s)"
    training = {"batch": config["data"]["batch"], "seed": config["seed"], "monitor": config["trainer"]["monitor"]}
    training |= {"hardware": hardware, "command": shlex.join(map(without_folders, sys.argv))}
    classes = labels(store, [*parted.train, *parted.validation])
    return {
        "kind": config["kind"],
        "name": config["name"],
        "representation": store.settings,
        "labels": classes,
        "data": summary,
        "training": training,
        "licence": config["licence"],
    }


def without_folders(argument: str) -> str:
    """Return an argument of a command with the names of files in place of their paths, which tell of the machine.

    Example:
        >>> without_folders("--data=/home/me/music"), without_folders("start=../run/draw.safetensors")
        ('--data=music', 'start=draw.safetensors')
    """
    name, equals, value = argument.rpartition("=")
    if not value.startswith("hf:") and ("/" in value or "\\" in value):
        value = PureWindowsPath(value).name
    return f"{without_folders(name) if equals else ''}{equals}{value}"


def as_text(known: dict[str, Any]) -> dict[str, Any]:
    """Return the facts for the report: name to text."""
    shown = {"name": known["name"], "labels": ", ".join(known["labels"])}
    for group in ("representation", "data", "training"):
        shown |= {f"{group}: {name}": value for name, value in known[group].items()}
    return shown
