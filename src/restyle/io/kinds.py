"""The kinds of model, by name: for each its network and its training. Floor 2.

Weights files and configs name a kind, never a Python path: this table is the only place where kinds meet classes.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from restyle.errors import RestyleError

KINDS = {  # name: (network, training), each as module:class
    "arranger": ("restyle.arrangement.model:Arranger", "restyle.arrangement.train:ArrangerTraining"),
    "classifier": ("restyle.analysis.genre.model:Modern", "restyle.analysis.genre.train:ClassifierTraining"),
    "classifier_multi": (
        "restyle.analysis.genre.model:MultiChannel",
        "restyle.analysis.genre.train:ClassifierTraining",
    ),
    "classifier_single": (
        "restyle.analysis.genre.model:SingleChannel",
        "restyle.analysis.genre.train:ClassifierTraining",
    ),
    "classifier_capsules": (
        "restyle.analysis.genre.capsules:Capsules",
        "restyle.analysis.genre.train:ClassifierTraining",
    ),
    "cyclegan": ("restyle.methods.cyclegan.model:CycleGan", "restyle.methods.cyclegan.train:CycleGanTraining"),
    "draw": ("restyle.methods.draw.model:Draw", "restyle.methods.draw.train:DrawTraining"),
    "drums": ("restyle.analysis.drums.model:DrumNetwork", "restyle.analysis.drums.train:DrumTraining"),
    "note_synth": ("restyle.methods.notewise.model:NoteSynth", "restyle.methods.notewise.train:NoteSynthTraining"),
    "separator": (
        "restyle.analysis.separator.model:Separator",
        "restyle.analysis.separator.train:SeparatorTraining",
    ),
    "symbolic_cyclegan": (
        "restyle.arrangement.rolls.model:RollCycleGan",
        "restyle.arrangement.rolls.train:RollCycleGanTraining",
    ),
    "symbolic_genre": (
        "restyle.analysis.symbolic_genre.model:SymbolicGenre",
        "restyle.analysis.symbolic_genre.train:SymbolicGenreTraining",
    ),
    "timbre": ("restyle.analysis.timbre.model:Timbre", "restyle.analysis.timbre.train:TimbreTraining"),
    "timbre_mfcc": ("restyle.analysis.timbre.model:TimbreMfcc", "restyle.analysis.timbre.train:TimbreTraining"),
    "transcriber": (
        "restyle.analysis.transcriber.model:Transcriber",
        "restyle.analysis.transcriber.train:TranscriberTraining",
    ),
    "vae_gan": ("restyle.methods.vae_gan.model:VaeGan", "restyle.methods.vae_gan.train:VaeGanTraining"),
    "wavenet_autoregressive": (
        "restyle.methods.wavenet.autoregressive:WaveNet",
        "restyle.methods.wavenet.train:AutoregressiveTraining",
    ),
    "wavenet_parallel": (
        "restyle.methods.wavenet.parallel:ParallelWaveNet",
        "restyle.methods.wavenet.train:ParallelTraining",
    ),
}

CLASS_PATHS = {  # the ends of class paths in files of format 1; they name nothing that is imported, and never change
    "classifier.Modern": "classifier",
    "classifier.MultiChannel": "classifier_multi",
    "classifier.SingleChannel": "classifier_single",
    "capsules.Capsules": "classifier_capsules",
    "cyclegan.CycleGan": "cyclegan",
    "draw.Draw": "draw",
    "note_synth.NoteSynth": "note_synth",
    "timbre.Timbre": "timbre",
    "timbre.TimbreMfcc": "timbre_mfcc",
    "transcriber.Transcriber": "transcriber",
    "vae_gan.VaeGan": "vae_gan",
    "wavenet.WaveNet": "wavenet_autoregressive",
    "parallel_wavenet.ParallelWaveNet": "wavenet_parallel",
}


def network(kind: str, where: object) -> Any:
    """Return the class of a kind's network.

    Args:
        kind: one of `KINDS`.
        where: what names the kind, for the error.

    Raises:
        RestyleError: if there is no such kind.

    Example:
        >>> network("draw", "draw.safetensors").__name__
        'Draw'
        >>> network("os.mkdir", "my.yaml")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: my.yaml names the kind of model 'os.mkdir', which this version does not have; ...
    """
    return _imported(_found(kind, where)[0])


def training(kind: str, where: object) -> Any:
    """Return the class of a kind's training.

    Args:
        kind: one of `KINDS`.
        where: what names the kind, for the error.

    Raises:
        RestyleError: if there is no such kind.
    """
    return _imported(_found(kind, where)[1])


def of_class_path(dotted: str, where: object) -> str:
    """Return the kind that a class path of format 1 stands for; nothing is imported.

    Raises:
        RestyleError: if it stands for none.

    Example:
        >>> of_class_path("restyle.models.wavenet.WaveNet", "old.safetensors")
        'wavenet_autoregressive'
    """
    tail = ".".join(dotted.split(".")[-2:])
    if tail not in CLASS_PATHS:
        raise _unknown(dotted, where)
    return CLASS_PATHS[tail]


def _unknown(kind: str, where: object) -> RestyleError:
    problem = f"{where} names the kind of model '{kind}', which this version does not have"
    return RestyleError(f"{problem}; choose one of {', '.join(KINDS)}")


def _found(kind: str, where: object) -> tuple[str, str]:
    if kind not in KINDS:
        raise _unknown(kind, where)
    return KINDS[kind]


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
