"""Where models are found: in the package, in the user's folder, on a model hub. Floor 2."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

from restyle.caches import cache_home
from restyle.errors import RestyleError, warn
from restyle.io import weights
from restyle.io.atomic import writing

SUFFIX = ".safetensors"
RUN = "run.json"  # in the folder of a run
HUB = "https://huggingface.co"
HUB_FOLDER = "hf"  # of what is downloaded, in the user's folder
BLOCK = 2**18  # bytes read at once
TIMEOUT = 30.0  # s without an answer
PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")  # of an address
CHECKSUM = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")  # SHA-256, or git's SHA-1
ANSWER = 2**24  # bytes of what the hub says of a repository
COMMIT = re.compile(r"[0-9a-f]{40}")  # what pins the state of a repository

Progress = Callable[[float], None]


@dataclass(frozen=True)
class Model:
    """A model that is there.

    Args:
        name: by which :func:`find` finds it.
        path: of its weights file.
        where: ``bundled``, ``local`` or ``downloaded``.
        kind: what it is for, as far as its file tells.
        size: bytes.
        licence: as far as its file or model card tells.
    """

    name: str
    path: Path
    where: str
    kind: str
    size: int
    licence: str


def folder() -> Path:
    """Return the user's folder of models: RESTYLE_MODELS, or ``restyle/models`` where the system keeps caches."""
    if given := os.environ.get("RESTYLE_MODELS"):
        return Path(given)
    return cache_home() / "restyle" / "models"


def models() -> list[Model]:
    """Return all models that are there: bundled, local, downloaded, each sorted by name.

    Example:
        >>> [(model.name, model.where) for model in models()][0][1]
        'bundled'
    """
    own, hub = folder(), folder() / HUB_FOLDER
    found = [model(path, path.stem, "bundled") for path in sorted(weights.bundled("").glob(f"*{SUFFIX}"))]
    found += [model(path, path.stem, "local") for path in sorted(own.glob(f"*{SUFFIX}"))]
    for path in sorted(hub.glob(f"*/*/**/*{SUFFIX}")):
        found.append(model(path, _name(path.relative_to(hub).parts), "downloaded"))
    return found


def find(name: str | Path, *, progress: Progress | None = None) -> Path:
    """Return the weights file of a name, a path, a finished run's folder, or ``hf:org/name[/file][@commit]``.

    A bundled model goes before a local one of the same name. What was downloaded once is not asked for again; an
    address without a commit is pinned to the newest when it is downloaded, and a warning says to which.

    Args:
        name: one of them.
        progress: called with the part that is downloaded, 0..1.

    Raises:
        RestyleError: if there is no such model, or it cannot be downloaded.

    Example:
        >>> find("transcriber").name
        'transcriber.safetensors'
    """
    text = str(name)
    if text.startswith("hf:"):
        return _hub(text, progress)
    if Path(text).is_file() or (Path(text) / RUN).is_file():
        return run_weights(Path(text))
    there = models()
    for one in there:
        if text in (one.name, one.path.name):
            return one.path
    if Path(text).is_dir():
        return run_weights(Path(text))
    if len(Path(text).parts) > 1 or Path(text).suffix:
        raise RestyleError(f"{text}: there is no such file; check the name")
    names = ", ".join(one.name for one in there) or "none"
    raise RestyleError(f"there is no model '{text}'; give a path, a run's folder, hf:org/name, or one of {names}")


def run_weights(path: Path) -> Path:
    """Return the weights file of the folder of a finished run of ``restyle train``; a file itself.

    Raises:
        RestyleError: if the folder is no run, or is not finished.
    """
    if not path.is_dir():
        return path
    if not (path / RUN).is_file():
        raise RestyleError(f"{path} is a folder, but no run of restyle train; give a recording in it, or a run")
    try:
        if not (path / "finished.json").is_file():
            raise RestyleError(f"{path} is not finished; give its restyle train command again, then it goes on")
        name = json.loads((path / RUN).read_text(encoding="utf-8"))["config"]["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RestyleError(f"{path / RUN} is damaged; train again with another --out") from error
    return path / f"{name}{SUFFIX}"


def header(path: Path) -> dict[str, Any]:
    """Return the settings of a weights file without reading its arrays; empty if it tells none that can be read."""
    try:
        return weights.header(path)
    except RestyleError:
        return {}


def model(path: Path, name: str, where: str) -> Model:
    """Return what is known of a weights file."""
    settings = header(path)
    licence, card = str(settings.get("licence", "")), path.with_suffix(".md")
    if not licence and card.is_file():
        match = re.search(r"[Ll]icen[cs]e: *([^\n,;]+)", card.read_text(encoding="utf-8", errors="replace"))
        licence = match[1].strip(" .") if match else ""
    return Model(name, path, where, str(settings.get("kind", "")), path.stat().st_size, licence)


def _name(parts: tuple[str, ...]) -> str:
    """The address of a downloaded file, from where it lies in the user's folder: org, name, commit, file."""
    org, name, *rest = parts
    commit = rest.pop(0) if COMMIT.fullmatch(rest[0]) else ""  # those of earlier versions lie without one
    return f"hf:{'/'.join((org, name, *rest))}" + (f"@{commit}" if commit else "")


def _hub(address: str, progress: Progress | None) -> Path:
    text, pinned, commit = address.removeprefix("hf:").partition("@")
    parts = text.split("/")
    if len(parts) < 2 or not all(PART.fullmatch(part) for part in parts):
        raise RestyleError(f"{address} is not an address; write hf:org/name or hf:org/name/file{SUFFIX}")
    if pinned and not COMMIT.fullmatch(commit):
        raise RestyleError(f"{address}: what follows @ must be a commit of 40 hexadecimal digits; write it in full")
    org, name, file = parts[0], parts[1], "/".join(parts[2:])
    candidates = [file] if file else [f"{name}{SUFFIX}", f"model{SUFFIX}"]
    for candidate in candidates:
        if not candidate.endswith(SUFFIX):
            raise RestyleError(f"{address}: only {SUFFIX} files are loaded; name one")
    there = folder() / HUB_FOLDER / org / name
    if known := _downloaded(there, candidates, commit):
        return known
    commit = commit or _newest(f"{org}/{name}")
    for candidate in candidates:
        place = there / commit / candidate
        if _download(f"{org}/{name}", commit, candidate, place, progress):
            if not pinned:
                warn(f"{address} was downloaded as it is today; write {address}@{commit} to have the same everywhere")
            return place
    files = " or ".join(candidates)
    raise RestyleError(f"{address}: {_endpoint()} has no {files} there; check the name at {_endpoint()}/{org}/{name}")


def _downloaded(there: Path, candidates: list[str], commit: str) -> Path | None:
    """The file of a commit, where it is there; of any commit the last that was downloaded."""
    for candidate in candidates:
        found = [there / commit / candidate] if commit else [*there.glob(f"*/{candidate}"), there / candidate]
        found = [place for place in found if place.is_file()]
        if found:
            return max(found, key=lambda place: place.stat().st_mtime_ns)
    return None


def _newest(repository: str) -> str:
    """The newest commit of a repository."""
    url = f"{_endpoint()}/api/models/{repository}/revision/main"
    try:
        with _open(url, build_opener()) as answer:
            commit = str(json.loads(answer.read(ANSWER))["sha"])
    except (ValueError, KeyError, TypeError):
        commit = ""
    except FileNotFoundError as error:
        where = f"{_endpoint()}/{repository}"
        raise RestyleError(f"hf:{repository}: there is no such model at {_endpoint()}; check {where}") from error
    if not COMMIT.fullmatch(commit):
        raise RestyleError(f"{url} tells no commit; give one, as hf:{repository}@COMMIT")
    return commit


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")


class _Redirects(HTTPRedirectHandler):
    """Follows redirections and keeps what the first answer says of the file: large ones lie elsewhere."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        self.headers.update({key: headers[key] for key in ("X-Linked-Size", "X-Linked-Etag") if headers[key]})
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(repository: str, commit: str, file: str, place: Path, progress: Progress | None) -> bool:
    """Download a file, whole or not at all; return False if there is none."""
    url = f"{_endpoint()}/{repository}/resolve/{commit}/{quote(file)}"
    redirects = _Redirects()
    try:
        with _open(url, build_opener(redirects)) as answer:
            place.parent.mkdir(parents=True, exist_ok=True)
            with writing(place) as beside:
                _receive(answer, answer.headers, redirects.headers, beside, url, progress)
    except FileNotFoundError:
        return False
    except OSError as error:
        problem = f"{place.parent} cannot be made ({error.strerror or error})"
        raise RestyleError(f"{problem}; set RESTYLE_MODELS to a folder that can be written") from error
    return True


@contextmanager
def _open(url: str, opener: OpenerDirector) -> Iterator[Any]:
    """The answer to a request; FileNotFoundError if there is nothing, RestyleError if the hub cannot be asked."""
    try:
        with opener.open(Request(url, headers={"User-Agent": "restyle"}), timeout=TIMEOUT) as answer:
            yield answer
    except HTTPError as error:
        if error.code == 404:
            raise FileNotFoundError(url) from error
        private = "it is private or gated: download it yourself and give its path"
        advice = private if error.code in (401, 403) else "try again later"
        raise RestyleError(f"{url} was refused ({error.code} {error.reason}); {advice}") from error
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", None) or error
        reason = " ".join(str(reason).split()) or type(error).__name__
        raise RestyleError(
            f"{_endpoint()} cannot be reached ({reason}); check the connection, or give the path of a copy"
        ) from error


def _receive(
    answer: Any, headers: Message, first: dict[str, str], beside: Path, url: str, progress: Progress | None
) -> None:
    """Write an answer to a file and hold it against the size and the checksum that its headers tell."""
    size = int(first.get("X-Linked-Size") or headers.get("Content-Length") or 0)
    sums = _Sums(size)
    with beside.open("wb") as file:
        while block := answer.read(BLOCK):
            file.write(block)
            sums.add(block)
            if progress and size:
                progress(min(1.0, sums.length / size))
    if size and sums.length != size:
        raise RestyleError(f"{url} broke off after {sums.length} of {size} bytes; try again")
    tag = (first.get("X-Linked-Etag") or headers.get("X-Linked-Etag") or headers.get("ETag") or "").strip('W/"')
    if not CHECKSUM.fullmatch(tag):
        raise RestyleError(f"{url} came without a checksum; download it yourself and give its path")
    if not sums.match(tag):
        raise RestyleError(f"{url} arrived damaged (another checksum than {tag[:12]}...); try again")


class _Sums:
    """Checksums of what arrives: large files are known by SHA-256, small ones by git's SHA-1."""

    def __init__(self, size: int) -> None:
        self.length, self.sha256 = 0, hashlib.sha256()
        self.git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)

    def add(self, block: bytes) -> None:
        self.length += len(block)
        self.sha256.update(block)
        self.git.update(block)

    def match(self, tag: str) -> bool:
        """Whether the bytes are those of a checksum."""
        return tag in (self.sha256.hexdigest(), self.git.hexdigest())
