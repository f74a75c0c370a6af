"""One YAML file a training: which kind of model, with which arguments, on what data. Floor 3.

Its keys: ``kind`` (a name of `io.kinds`), ``model: {init_args: {...}}`` (of its network), ``module: {init_args:
{...}}`` (of its training), ``representation`` (what the spectrograms must be), and those of `DEFAULTS`.
"""

from __future__ import annotations

import copy
import inspect
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import yaml

from restyle.errors import RestyleError
from restyle.io import kinds
from restyle.io.weights import BITS

DEFAULTS: dict[str, Any] = {
    "kind": "",  # of model
    "name": "",  # of the weights file; by default the config's own
    "licence": "unknown: it follows from the data",  # of the weights
    "start": "",  # a model to start from (a name, path or run), of this kind or smaller; by default from nothing
    "bits": 32,  # of each number in the weights file: 8, 16 or 32
    "seed": 0,
    "model": {},
    "module": {},
    "representation": {},
    "data": {
        "frames": 257,  # L, of a chunk
        "batch": 32,  # chunks of a step, over all devices
        "validation": 0.2,  # part of the sources
        "offsets": "fixed",  # chunks of training one after the other, or at random places
    },
    "trainer": {
        "max_epochs": 10,
        "max_steps": -1,
        "patience": None,  # epochs without a better one after which to stop
        "monitor": "val_loss",  # metric of the best epoch
        "mode": None,  # min or max; by default max for accuracies, else min
        "checkpoint_every": 200,  # steps
        "average": None,  # decay of a running mean of the weights, as 0.999
        "gradient_clip_val": None,
        "accumulate_grad_batches": 1,
        "limit_train_batches": 1.0,
        "limit_val_batches": 1.0,
    },
}
CLASSES = {"model": kinds.network, "module": kinds.training}
WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "null"}
OPEN = ("representation",)  # what it may hold depends on its kind
KINDS = {"kind", "rate", "n_fft", "hop", "bins", "f_min", "f_max", "bins_per_octave", "width", "gamma", "log1p"}


class _Loader(yaml.SafeLoader):
    """YAML, where 1e-3 is a number too."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def bundled() -> list[str]:
    """Return the names of the configs that come with the package."""
    folder = Path(str(resources.files("restyle") / "configs"))
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read(name: str | Path, overrides: Iterable[str] = ()) -> dict[str, Any]:
    """Read a config, complete it with the defaults, and change single values.

    Args:
        name: a path, or the name of a config of the package.
        overrides: ``key=value`` with a dotted key, as ``module.init_args.rate=1e-4``; the value is YAML.

    Returns:
        Plain values; `DEFAULTS` tells the keys.

    Raises:
        RestyleError: if there is no such file, it is no such YAML, or a key is not known.

    Example:
        >>> read("missing")
        Traceback (most recent call last):
        ...
        restyle.errors.RestyleError: there is no config 'missing'; give the path of a YAML file or one of ...
    """
    path = find(name)
    try:
        given = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise RestyleError(f"{path} is not a YAML file ({' '.join(str(error).split())}); correct it") from error
    if not isinstance(given, dict):
        raise RestyleError(f"{path} holds no settings; it needs at least kind and data")
    given = modern(given, path)
    config = copy.deepcopy(DEFAULTS)
    for key, value in _leaves(given):
        _change(config, key, value, str(path))
    for override in overrides:
        dotted, equals, text = override.partition("=")
        if not equals:
            raise RestyleError(f"--set {override}: write it as key=value, as trainer.max_epochs=20")
        try:
            value = yaml.load(text, _Loader)
        except yaml.YAMLError as error:
            raise RestyleError(f"--set {override}: {text!r} is not a value; put text in quotes") from error
        for leaf, part in _leaves(value, tuple(dotted.strip().split("."))):
            _change(config, leaf, part, "--set")
    config["name"] = str(config["name"] or path.stem)
    _check(config, path)
    return config


def find(name: str | Path) -> Path:
    """Return the path of a config.

    Raises:
        RestyleError: if there is none of that name.
    """
    path, own = Path(name), bundled()
    if path.is_file():
        return path
    if str(name) in own:
        return Path(str(resources.files("restyle") / "configs" / f"{name}.yaml"))
    raise RestyleError(f"there is no config '{name}'; give the path of a YAML file or one of {', '.join(own)}")


def same(before: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return the first dotted key in which two configs differ; None if they are the same."""
    old, new = ({key: value for key, value in _leaves(config) if value != {}} for config in (before, now))
    differing = (key for key in {**old, **new} if old.get(key) != new.get(key))
    return next((".".join(key) for key in differing), None)


def modern(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return a config as this version writes it: earlier ones wrote class paths in place of ``kind``, and ``half``.

    Nothing is imported.

    Args:
        config: as a YAML file holds it.
        path: of that file, for the error.

    Raises:
        RestyleError: if the class paths are not those of a kind of model.
    """
    output = {key: dict(part) if isinstance(part, Mapping) else part for key, part in config.items()}
    if "half" in output:
        output.setdefault("bits", 16 if output.pop("half") else 32)
    paths = {head: output[head].pop("class_path") for head in CLASSES if "class_path" in (output.get(head) or ())}
    if not paths:
        return output
    output["kind"] = kind = kinds.of_class_path(str(paths.get("model")), path)
    own = kinds.KINDS[kind][1].rpartition(":")[2]
    if "module" in paths and str(paths["module"]).rpartition(".")[2] != own:
        raise RestyleError(f"{path}: module.class_path {paths['module']} does not train a {kind}; leave it out")
    return output


def built(config: Mapping[str, Any], head: str, facts: Mapping[str, Any], *first: Any) -> Any:
    """Construct the network or the training of a config.

    Args:
        config: its ``kind``, and the ``init_args`` under ``head``.
        head: ``model`` or ``module``.
        facts: from the data (``labels``, ``classes``, ``bins`` ...): passed where the constructor has a parameter
            of that name and the config says nothing.
        first: positional arguments before those.

    Raises:
        RestyleError: if the constructor refuses its arguments.
    """
    constructor, given = CLASSES[head](config["kind"], "the config"), dict(config[head].get("init_args") or {})
    own = {key: value for key, value in facts.items() if key in _parameters(constructor) and key not in given}
    try:
        return constructor(*first, **own, **given)
    except (TypeError, ValueError) as error:
        raise RestyleError(f"{head}.init_args do not suit the kind {config['kind']} ({error}); change them") from error


def _leaves(value: Any, key: tuple[str, ...] = ()) -> Iterable[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for name, part in value.items():
            yield from _leaves(part, (*key, str(name)))
    else:
        yield key, value


def _change(config: dict[str, Any], key: tuple[str, ...], value: Any, where: str) -> None:
    _check_key(key, where)
    target = config
    for name in key[:-1]:
        inner = target.get(name)
        target[name] = target = inner if isinstance(inner, dict) else {}
    if value is None and isinstance(DEFAULTS.get(key[0]), dict) and len(key) == 1:
        return  # an empty group, as `trainer:`
    target[key[-1]] = value


def _check_key(key: tuple[str, ...], where: str) -> None:
    """Refuse a setting that there is not."""
    head, inner = key[0], key[1:]
    group = DEFAULTS.get(head)
    if head not in DEFAULTS:
        names = [name for name in DEFAULTS if name != "name"]
    elif head in CLASSES:
        names = ["init_args"]
    else:
        names = sorted(KINDS) if head in OPEN else list(group) if isinstance(group, dict) else [head]
    known = not inner or (isinstance(group, dict) and inner[0] in names and (len(inner) == 1 or head in CLASSES))
    if head not in DEFAULTS or not known:
        raise RestyleError(f"{where}: there is no setting '{'.'.join(key)}'; choose one of {', '.join(names)}")


def _check(config: dict[str, Any], path: Path) -> None:
    if not config["kind"]:
        raise RestyleError(f"{path} names no kind of model; add kind: with one of {', '.join(kinds.KINDS)}")
    for head, found in CLASSES.items():
        _check_arguments(config[head].get("init_args") or {}, found(str(config["kind"]), path), f"{path}: {head}")
    _check_numbers(config, path)
    if config["bits"] not in BITS or not isinstance(config["bits"], int):
        raise RestyleError(f"{path}: bits must be one of {', '.join(map(str, BITS))}, not {config['bits']}")
    if config["data"]["offsets"] not in ("fixed", "random"):
        raise RestyleError(f"{path}: data.offsets must be fixed or random, not {config['data']['offsets']}")
    try:
        json.dumps(config)
    except TypeError as error:
        raise RestyleError(f"{path} holds a value that is neither text, number nor list ({error})") from error


def _check_numbers(config: dict[str, Any], path: Path) -> None:
    whole = {"data.frames": 1, "data.batch": 1, "trainer.max_epochs": 1, "trainer.checkpoint_every": 1, "seed": 0}
    whole["trainer.accumulate_grad_batches"] = 1
    for key, least in whole.items():
        head, _, name = key.partition(".")
        value = config[head][name] if name else config[head]
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise RestyleError(f"{path}: {key} must be a whole number of {least} or more, not {value}")
    part = config["data"]["validation"]
    if not isinstance(part, (int, float)) or not 0 < part < 1:
        raise RestyleError(f"{path}: data.validation must lie between 0 and 1, not at {part}")


def _check_arguments(given: Any, constructor: Any, where: str) -> None:
    """Refuse arguments that a constructor does not have, or of another type."""
    if not isinstance(given, Mapping):
        raise RestyleError(f"{where}.init_args must be settings and their values, not {given!r}")
    parameters = _parameters(constructor)
    for name, value in given.items():
        if name not in parameters:
            raise RestyleError(f"{where}.init_args has no setting '{name}'; choose one of {', '.join(parameters)}")
        if not _fits(value, parameters[name]):
            raise RestyleError(f"{where}.init_args.{name} must be {_words(parameters[name])}, not {value!r}")


def _parameters(constructor: Any) -> dict[str, Any]:
    """The types of a class's keyword-only parameters, with those of the classes that it passes ``**`` on to."""
    types: dict[str, Any] = {}
    for base in constructor.__mro__:
        if "__init__" in vars(base):
            hints, parameters = get_type_hints(base.__init__), inspect.signature(base.__init__).parameters.values()
            types |= {x.name: hints.get(x.name, Any) for x in parameters if x.kind == x.KEYWORD_ONLY}
            if not any(x.kind == x.VAR_KEYWORD for x in parameters):
                break
    return types


def _fits(value: Any, hint: Any) -> bool:
    """Whether a YAML value is of a type."""
    origin, inner = get_origin(hint) or hint, get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Sequence:
        return isinstance(value, list) and all(_fits(one, inner[0]) for one in value)
    if origin in (int, float):
        return isinstance(value, (int, origin)) and not isinstance(value, bool)
    return origin is Any or isinstance(value, origin)


def _words(hint: Any) -> str:
    """A type in words."""
    inner = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(_words(one) for one in inner)
    if get_origin(hint) is Sequence:
        return f"a list, each {_words(inner[0])}"
    return WORDS.get(hint, "settings and their values")


def wants(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a config's training needs beside spectrograms and labels (see `training.data.WANTS`)."""
    return tuple(kinds.training(config["kind"], "the config").wants)


def takes_labels(config: Mapping[str, Any]) -> bool:
    """Return whether a config's training takes labels."""
    return "labels" in _parameters(kinds.training(config["kind"], "the config"))
