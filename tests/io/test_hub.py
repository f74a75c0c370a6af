"""Models by name, by path and from a hub: a server of the test stands in for it."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from restyle.errors import RestyleError, collect_warnings
from restyle.io import hub as registry
from restyle.io import weights

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = f"/band/genres/resolve/{COMMIT}"


@dataclass
class Hub:
    """What the server has and was asked for."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    linked: bool = True  # as large files: redirected, with their checksum in the first answer
    cut: int = 0  # bytes that are not sent
    spoilt: bool = False
    tag: str = ""  # in place of the checksum
    newest: str = COMMIT
    status: int = 200


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.asked.append(self.path)
            if self.path == "/api/models/band/genres/revision/main" and state.status == 200:
                told = json.dumps({"sha": state.newest}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)
                return
            body = state.files.get(self.path.removeprefix("/elsewhere"))
            if state.status != 200 or body is None:
                self.send_response(404 if state.status == 200 else state.status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if state.linked and not self.path.startswith("/elsewhere"):
                self.send_response(302)
                self.send_header("Location", f"/elsewhere{self.path}")
                self.send_header("X-Linked-Size", str(len(body)))
                self.send_header("X-Linked-Etag", f'"{state.tag or hashlib.sha256(body).hexdigest()}"')
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            if not state.linked:
                git = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
                self.send_header("ETag", f'W/"{state.tag or git}"')
            self.end_headers()
            sent = bytes([body[0] ^ 1]) + body[1:] if state.spoilt else body
            self.wfile.write(sent[: len(sent) - state.cut])

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", state.url + "/")
    monkeypatch.setenv("RESTYLE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    weights.save(tmp_path / "w.safetensors", {"w": np.arange(300.0)}, {"kind": "classifier", "licence": "CC0"})
    state.files[f"{FILES}/genres.safetensors"] = (tmp_path / "w.safetensors").read_bytes()
    yield state
    server.shutdown()
    server.server_close()


def names() -> set[str]:
    return {model.name for model in registry.models()}


def test_bundled_and_local(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTYLE_MODELS", str(tmp_path))
    assert names() == {model.name for model in registry.models() if model.where == "bundled"}
    weights.save(tmp_path / "mine.safetensors", {"w": np.zeros(3)}, {"kind": "timbre"})
    (tmp_path / "mine.md").write_text("# Mine\n- **File**: x, 3 parameters. Licence: CC-BY 4.0, and more\n")
    (tmp_path / "old.safetensors").write_bytes(b"rubbish")
    mine = next(model for model in registry.models() if model.name == "mine")
    assert (mine.where, mine.kind, mine.licence) == ("local", "timbre", "CC-BY 4.0")
    assert mine.size == (tmp_path / "mine.safetensors").stat().st_size
    assert registry.find("mine") == registry.find("mine.safetensors") == tmp_path / "mine.safetensors"
    assert "old" in names()  # listed, though it tells nothing
    transcriber = next(model for model in registry.models() if model.name == "transcriber")
    assert (transcriber.where, transcriber.kind) == ("bundled", "transcriber")
    assert transcriber.licence.startswith("Apache-2.0")


def test_a_path_goes_first(tmp_path):
    path = tmp_path / "a.safetensors"
    weights.save(path, {"w": np.zeros(3)}, {})
    assert registry.find(path) == path and registry.find(str(path)) == path


def test_an_unknown_name(tmp_path, monkeypatch):
    monkeypatch.setenv("RESTYLE_MODELS", str(tmp_path / "none"))
    with pytest.raises(RestyleError, match=r"no model 'nobody'; give a path, a run's folder, .* one of .*transcriber"):
        registry.find("nobody")


@pytest.mark.parametrize("linked", [True, False])
def test_download(hub, tmp_path, linked):
    hub.linked = linked
    parts: list[float] = []
    path = registry.find("hf:band/genres", progress=parts.append)
    assert path == tmp_path / "models" / "hf" / "band" / "genres" / COMMIT / "genres.safetensors"
    assert path.read_bytes() == hub.files[f"{FILES}/genres.safetensors"]
    assert parts[-1] == 1
    assert (weights.load(path)[0]["w"] == np.arange(300.0)).all()
    [model] = [model for model in registry.models() if model.where == "downloaded"]
    assert (model.name, model.kind, model.licence) == (
        f"hf:band/genres/genres.safetensors@{COMMIT}",
        "classifier",
        "CC0",
    )
    asked = len(hub.asked)
    assert registry.find(model.name) == registry.find("hf:band/genres") == path
    assert len(hub.asked) == asked  # not again


def test_a_named_file_and_the_usual_name(hub):
    body = hub.files.pop(f"{FILES}/genres.safetensors")
    hub.files[f"{FILES}/model.safetensors"] = body
    hub.files[f"{FILES}/old/best.safetensors"] = body
    assert registry.find("hf:band/genres").name == "model.safetensors"
    assert registry.find("hf:band/genres/old/best.safetensors").parent.name == "old"


def test_an_address_is_pinned_to_a_commit(hub):
    with collect_warnings() as found:
        first = registry.find("hf:band/genres")
    assert any(f"write hf:band/genres@{COMMIT} to have the same" in text for text in found)
    assert not any("main" in path for path in hub.asked if "resolve" in path)
    other = "f" * 40
    hub.newest = other
    hub.files[f"/band/genres/resolve/{other}/genres.safetensors"] = hub.files[f"{FILES}/genres.safetensors"]
    assert registry.find("hf:band/genres") == registry.find(f"hf:band/genres@{COMMIT}") == first
    with collect_warnings() as found:
        assert registry.find(f"hf:band/genres@{other}").parent.name == other
    assert not found
    with pytest.raises(RestyleError, match="must be a commit of 40 hexadecimal digits"):
        registry.find("hf:band/genres@main")
    hub.newest = "main"
    with pytest.raises(RestyleError, match="tells no commit"):
        registry.find("hf:band/genres/old.safetensors")


def test_what_earlier_versions_downloaded_is_found(hub, tmp_path):
    place = tmp_path / "models" / "hf" / "band" / "genres" / "genres.safetensors"
    place.parent.mkdir(parents=True)
    place.write_bytes(hub.files[f"{FILES}/genres.safetensors"])
    assert registry.find("hf:band/genres") == place and not hub.asked
    assert "hf:band/genres/genres.safetensors" in names()


@pytest.mark.parametrize("linked", [True, False])
def test_what_comes_without_a_checksum_is_refused(hub, tmp_path, linked):
    hub.linked, hub.tag = linked, "5d8c72a5edda8d6a"
    with pytest.raises(RestyleError, match="came without a checksum; download it yourself"):
        registry.find("hf:band/genres")
    assert not [path for path in (tmp_path / "models").rglob("*") if path.is_file()]


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize(("cut", "spoilt", "match"), [(100, False, "broke off after"), (0, True, "arrived damaged")])
def test_what_does_not_arrive_whole_leaves_nothing(hub, tmp_path, linked, cut, spoilt, match):
    hub.linked, hub.cut, hub.spoilt = linked, cut, spoilt
    with pytest.raises(RestyleError, match=match):
        registry.find("hf:band/genres")
    assert not [path for path in (tmp_path / "models").rglob("*") if path.is_file()]
    hub.cut, hub.spoilt = 0, False
    assert registry.find("hf:band/genres").is_file()


def test_what_is_not_there(hub):
    with pytest.raises(RestyleError, match=r"hf:band/nothing: there is no such model"):
        registry.find("hf:band/nothing")
    with pytest.raises(RestyleError, match=r"has no nothing.safetensors there"):
        registry.find("hf:band/genres/nothing.safetensors")
    hub.status = 401
    with pytest.raises(RestyleError, match=r"401.*private or gated"):
        registry.find("hf:band/genres")
    hub.status = 503
    with pytest.raises(RestyleError, match=r"503.*try again later"):
        registry.find("hf:band/genres")


def test_offline(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("RESTYLE_MODELS", str(tmp_path))
    with pytest.raises(RestyleError, match=r"cannot be reached \(.*\); check the connection") as told:
        registry.find("hf:band/genres")
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("address", ["hf:", "hf:band", "hf:band/../x.safetensors", "hf:band/a b", "hf:/etc/passwd"])
def test_addresses_that_are_none(address):
    with pytest.raises(RestyleError, match="is not an address"):
        registry.find(address)


def test_only_safetensors():
    with pytest.raises(RestyleError, match=r"only \.safetensors"):
        registry.find("hf:band/genres/model.pkl")


def test_the_users_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("RESTYLE_MODELS", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert registry.folder() == tmp_path / "restyle" / "models"
    monkeypatch.setattr("sys.platform", "darwin")
    assert registry.folder().parts[-4:] == ("Library", "Caches", "restyle", "models")
