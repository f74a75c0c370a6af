"""What tests of the pages share: a real browser that tells when a page asks for anything or fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


def chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium as the system has it, without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = chromium()
    if not executable:
        pytest.skip("chromium is not installed")
    arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=arguments)
        yield opened
        opened.close()


@pytest.fixture
def browser_page(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open HTML text as a local file; fail at the end if the page logged an error or asked for anything but itself.

    Options of the call are those of Playwright's ``new_page``: ``viewport``, ``color_scheme``, ``accept_downloads`` ...
    """
    wrong: list[str] = []
    pages: list[Any] = []

    def visit(html: str, **options: Any) -> Any:
        path = tmp_path / f"page-{len(pages)}.html"
        path.write_text(html, encoding="utf-8")
        page = browser.new_page(**options)
        pages.append(page)
        page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url[:200]) if leaves(request.url, path) else None)
        page.goto(path.as_uri())
        return page

    yield visit
    for page in pages:
        page.close()
    assert wrong == []


def leaves(url: str, path: Path) -> bool:
    return not url.startswith(("data:", "blob:")) and url.partition("#")[0] != path.as_uri()
