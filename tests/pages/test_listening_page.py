"""The page of the listening test in a real browser: a listener goes through it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from restyle.audio import Audio
from restyle.comparison.ratings import ANCHOR, REFERENCE, read_ratings
from restyle.comparison.scoring import score
from restyle.errors import RestyleError
from restyle.pages.listening import Trial, page

OPEN = ("content", "style")
LETTERS = ("A", "B", "C", "D")
HIDE_STORAGE = """Object.defineProperty(window, "localStorage", {
  get() { throw new DOMException("denied", "SecurityError"); } });"""


def tone(frequency: float) -> Audio:
    return Audio(0.1 * np.sin(2 * np.pi * frequency * np.arange(4800) / 8000), 8000)


@pytest.fixture(scope="module")
def html() -> str:
    made = {"zitherly": tone(500), "kazooing": tone(600)}
    trials = [Trial(pair, tone(300), tone(400), made, tone(800)) for pair in ("first", "second")]
    return page(trials, title="A <i>test</i>", seed=3)


@pytest.fixture
def tab(browser_page: Callable[..., Any], html: str) -> Any:
    """The page, opened; the test fails if it complains or asks for anything."""
    opened = browser_page(html, viewport={"width": 1100, "height": 900}, accept_downloads=True)
    opened.set_default_timeout(10000)
    return opened


def until(tab: Any, condition: str) -> None:
    """Wait for a condition; Playwright's own way needs an eval, which the page's policy forbids."""
    for _ in range(200):
        if tab.evaluate(condition):
            return
        tab.wait_for_timeout(50)
    raise AssertionError(f"never: {condition}")


def hear(tab: Any, names: tuple[str, ...]) -> None:
    for name in names:
        tab.click(f'[data-sound="{name}"]')
        tab.wait_for_selector(f'[data-sound="{name}"].heard')


def rate(tab: Any, question: str, values: dict[str, int]) -> None:
    for letter, value in values.items():
        tab.locator(f'[data-rate="{letter} {question}"]').fill(str(value))


def meaning(tab: Any, trial: int) -> dict[str, str]:
    """What each letter of a trial stands for, from the key that a listener does not read."""
    packed = json.loads(tab.text_content("#test"))["key"]
    return {letter: name for letter, (_, name) in json.loads(base64.b64decode(packed))[trial]["sounds"].items()}


@pytest.mark.slow
def test_a_listener_goes_through_it(tab: Any, tmp_path: Path) -> None:
    marks = {REFERENCE: 100, "zitherly": 70, "kazooing": 30, ANCHOR: 5}
    tab.fill("#name", "Ada  <L.>")
    tab.click("#begin")
    for trial in range(2):
        assert tab.text_content("#step") == f"Trial {trial + 1} of 2"
        wanted = {letter: marks[name] for letter, name in meaning(tab, trial).items()}
        hear(tab, (*OPEN, *LETTERS))
        rate(tab, "content", {letter: 100 - value for letter, value in wanted.items()})
        rate(tab, "style", wanted)
        tab.click("#next")
    tab.fill("#comment", 'said "so"\nand more')
    with tab.expect_download() as download:
        tab.click("#save")
    assert download.value.suggested_filename == "ratings-Ada-L.json"
    download.value.save_as(tmp_path / "r.json")

    ratings = read_ratings((tmp_path / "r.json").read_text("utf-8"), "r.json")
    assert (ratings.listener, ratings.comment) == ("Ada  <L.>", 'said "so"\nand more')
    assert {rating.pair for rating in ratings.ratings} == {"first", "second"}
    found = score([ratings])
    assert {s.condition: s.interval.mean for s in found.scores if s.question == "style"} == marks
    assert {s.condition: 100 - s.interval.mean for s in found.scores if s.question == "content"} == marks


def test_a_file_with_a_mistake_made_by_hand_is_refused_on_its_line(tab: Any, tmp_path: Path) -> None:
    tab.evaluate("""() => {
      const test = JSON.parse(document.getElementById("test").textContent);
      const rated = {};
      for (const trial of [0, 1]) for (const letter of "ABCD") for (const question of ["content", "style"])
        rated[`${trial} ${letter} ${question}`] = 61;
      localStorage.setItem(`restyle-listen-${test.test}`, JSON.stringify({ place: 2, rated }));
    }""")
    tab.reload()
    with tab.expect_download() as download:
        tab.click("#save")
    lines = download.value.path().read_text("utf-8").splitlines()
    number = next(k for k, line in enumerate(lines) if '"trial":2,"sound":"B","question":"style"' in line)
    lines[number] = lines[number].replace("61", "161")
    with pytest.raises(RestyleError, match=rf"r.json, line {number + 1}: the rating 161"):
        read_ratings("\n".join(lines), "r.json")


@pytest.mark.slow
def test_it_does_not_go_on_before_all_is_heard_and_rated(tab: Any) -> None:
    tab.click("#begin")
    tab.click("#next")
    assert tab.text_content("#missing") == (
        "Still to do: listen to content, style, A, B, C and D; rate A, B, C and D in both questions."
    )
    hear(tab, (*OPEN, "A", "B", "C"))
    rate(tab, "content", dict.fromkeys(LETTERS, 50))
    rate(tab, "style", dict.fromkeys(LETTERS[1:], 50))
    assert tab.text_content("#missing") == "Still to do: listen to D; rate A in both questions."
    tab.click('[data-rate="A style"]')  # where it stands is a rating, too
    hear(tab, ("D",))
    assert tab.text_content("#missing") == ""
    tab.click("#next")
    assert tab.text_content("#step") == "Trial 2 of 2"
    tab.click("#back")
    assert tab.text_content("#step") == "Trial 1 of 2"
    assert tab.input_value('[data-rate="B style"]') == "50"


def test_switching_keeps_the_position_and_only_one_is_heard(tab: Any) -> None:
    tab.click("#begin")
    tab.click('[data-sound="A"]')
    until(tab, "Player.current?.playing && Player.current.levels().A > 0.99")
    before, after = tab.evaluate("""() => {
      const before = Player.current.position();
      document.querySelector('[data-sound="C"]').click();
      return [before, Player.current.position()];
    }""")
    assert after == pytest.approx(before, abs=0.02)
    until(tab, "Player.current.levels().C > 0.99")
    until(tab, "Object.entries(Player.current.levels()).every(([id, level]) => id === 'C' || level < 0.01)")
    assert tab.locator('[data-sound][aria-pressed="true"]').all_text_contents() == ["C"]


def test_a_reload_keeps_the_place_the_ratings_and_what_was_heard(tab: Any) -> None:
    tab.fill("#name", "Ada")
    tab.click("#begin")
    hear(tab, ("content", "C"))
    rate(tab, "style", {"C": 83})
    tab.reload()
    assert tab.text_content("#step") == "Trial 1 of 2"
    assert tab.input_value('[data-rate="C style"]') == "83"
    assert tab.get_attribute('[data-rate="C style"]', "aria-valuetext") == "83 excellent"
    assert tab.get_attribute('[data-rate="B style"]', "aria-valuetext") == "not rated yet"
    assert tab.locator("[data-sound].heard").count() == 2
    tab.click("#back")
    assert tab.input_value("#name") == "Ada"


def test_it_works_where_storage_is_denied(tab: Any) -> None:
    tab.add_init_script(HIDE_STORAGE)
    tab.reload()
    assert tab.evaluate("() => { try { localStorage; return false } catch { return true } }")
    tab.click("#begin")
    rate(tab, "style", {"C": 83})
    tab.click("#back")
    tab.click("#begin")
    assert tab.input_value('[data-rate="C style"]') == "83"


def test_the_keyboard_is_enough(tab: Any) -> None:
    tab.focus("#name")
    tab.keyboard.type("Eve")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.text_content("#step") == "Trial 1 of 2"
    for pressed, name in {"1": "content", "2": "style", "b": "B"}.items():
        tab.keyboard.press(pressed)
        tab.wait_for_selector(f'[data-sound="{name}"].heard')
    tab.keyboard.press(" ")  # the focus is on Play
    until(tab, "!Player.current.playing")
    tab.focus('[data-sound="A"]')
    tab.keyboard.press("Tab")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.get_attribute('[data-rate="A content"]', "aria-valuetext") == "51 fair"
    assert tab.get_attribute('[data-rate="A style"]', "aria-valuetext") == "50 fair"


def test_it_fits_a_phone(tab: Any) -> None:
    tab.set_viewport_size({"width": 375, "height": 700})
    for place in range(-1, 3):  # beginning, trials, end
        tab.evaluate(f"""() => {{
          const test = JSON.parse(document.getElementById("test").textContent);
          localStorage.setItem(`restyle-listen-${{test.test}}`, JSON.stringify({{ place: {place} }}));
        }}""")
        tab.reload()
        assert tab.evaluate("document.documentElement.scrollWidth") <= 375
        sizes = [button.bounding_box() for button in tab.locator("button:visible").all()]
        assert sizes and all(size["height"] >= 40 for size in sizes)  # a finger's width


def test_nothing_of_the_key_is_to_be_read(tab: Any) -> None:
    tab.click("#begin")
    seen = tab.content().lower()
    assert [name for name in ("zitherly", "kazooing", "anchor", "hidden reference") if name in seen] == []
    assert [name for name in ("first", "second") if name in tab.inner_text("body").lower()] == []
    assert tab.text_content("h1") == "A <i>test</i>"
