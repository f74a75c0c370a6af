"""``restyle arrange --page``: the page beside the takes, from files, and in a real browser."""

from __future__ import annotations

import re

import numpy as np
import pytest

from restyle.commands import arrange as verb
from restyle.errors import RestyleError
from restyle.io.scores import write_score
from restyle.notes import DRUMS
from restyle.score import Score

BARS = 48 * np.arange(5)


@pytest.fixture
def pieces(tmp_path):
    tune = [(12 * k, 12, (72, 76, 79, 74)[k % 4], 0.9, 73, 0) for k in range(16)]
    band = [(12 * k, 6, p, 0.6, 0, 0) for k in range(16) for p in (48, 60, 64, 67)]
    band += [(12 * k, 3, 42, 0.6, DRUMS, 1) for k in range(16)]
    for name, rows in (("tune", tune), ("band", band)):
        write_score(tmp_path / f"{name}.mid", Score.of(rows, bars=BARS))
    return tmp_path / "tune.mid", tmp_path / "band.mid"


def test_a_page_has_all_takes_and_what_they_are_made_of(restyle, pieces, tmp_path):
    page = tmp_path / "page.html"
    ran = restyle("arrange", *pieces, "-o", tmp_path / "out.mid", "--takes", 3, "--page", page)
    assert ran.code == 0 and str(page) in ran.out
    html = page.read_text()
    assert "tune.mid in the manner of band.mid" in html and all(f"out-{k}.mid" in html for k in (1, 2, 3))
    assert re.findall(r"</kbd>([\w ]+)</button>", html) == ["content", "style", "take 1", "take 2", "take 3"]
    assert html.count('class="sound"') == 5 and len(html) < 5_000_000


def test_one_result_has_a_page_too_and_none_is_written_unasked(pieces, tmp_path):
    verb.run(*pieces, tmp_path / "out.mid", page=tmp_path / "page.html")
    assert ">result</button>" in (tmp_path / "page.html").read_text()
    with pytest.raises(RestyleError, match="is there already"):
        verb.run(*pieces, tmp_path / "other.mid", page=tmp_path / "page.html")
    assert not (tmp_path / "other.mid").exists()
    verb.run(*pieces, tmp_path / "other.mid")
    assert len(list(tmp_path.glob("*.html"))) == 1


@pytest.mark.slow
def test_a_listener_chooses(browser_page, pieces, tmp_path):
    verb.run(*pieces, tmp_path / "out.mid", verb.Asked(takes=2), page=tmp_path / "page.html")
    tab = browser_page((tmp_path / "page.html").read_text())
    tab.click("button.play")
    for _ in range(200):
        if tab.evaluate("restyle.players[0].playing"):
            break
        tab.wait_for_timeout(50)
    tab.keyboard.press("4")
    tab.wait_for_timeout(300)
    levels = tab.evaluate("restyle.players[0].levels()")
    assert max(levels, key=levels.get) == "4" and tab.evaluate("restyle.players[0].error") == ""
    tab.click('[data-lane="2"] .picture')
    assert tab.get_attribute('[data-sound="2"]', "aria-pressed") == "true"
    assert tab.evaluate("getComputedStyle(document.querySelector('rect.chords')).fill") != "rgb(0, 0, 0)"
