"""The report: complete, self-contained, escaped; and, in a real browser, heard, switched and read."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from restyle.audio import Audio
from restyle.comparison.table import Comparison, Pair, Result
from restyle.notes import Notes
from restyle.pages import media, report

NASTY = "<b onclick='x()'>&amp; \"Ünï\" `${1}` </script>"
TONES = {"content": 300.0, "style": 500.0, "notes": 900.0, NASTY: 1500.0}  # what is heard is known by its pitch
SECONDS = 6.0
VOID = {"meta", "input", "img", "br", "line", "rect", "circle", "path", "link", "hr"}


def scores(pitch: float, mfcc: float, **more: float) -> dict:
    return {
        "content": {"beat_chroma": pitch, "pitch": pitch, "chroma": 0.2, "note_f1": 1 - pitch, "onset_f1": 0.7},
        "style": {"embedding": mfcc, "mfcc": mfcc, "envelope": 3.0, "gram": None},
        "rhythm": {"tempo": 120.0, "tempo_error": 2.0, "onset": 0.2},
        "quality": {"clipping": 0.0, **more},
    }


def results(shift: float = 0.0) -> tuple[Result, ...]:
    return (
        Result(method="content", sound="c.wav", scores=scores(0, 0.2 + shift)),
        Result(method="style", sound="s.wav", scores=scores(0.9, 0)),
        Result(method="notes", sound="a.flac", seconds=2.0, memory=5e8, scores=scores(0.3 + shift, 0.02)),
        Result(method=NASTY, sound="b.flac", seconds=4.0, memory=7e8, scores=scores(0.5, 0.04), warnings=(NASTY,)),
    )


def comparison(*more: Pair) -> Comparison:
    pairs = [
        Pair(name=f"{k}", content=f"/a/c{k}.wav", style=f"/a/{NASTY}.wav", results=results(k / 50)) for k in (0, 1)
    ]
    return Comparison(
        pairs=(*pairs, *more), methods=("notes", NASTY), settings={"strength": 1.0, NASTY: NASTY}, version="9.8.7"
    )


def sounds() -> dict[str, Audio]:
    t = np.arange(round(SECONDS * 16000)) / 16000
    made = {name: Audio(0.3 * np.sin(2 * np.pi * hertz * t), 16000) for name, hertz in TONES.items()}
    return made | {"style": made["style"].slice(0, 32000)}  # it repeats


@pytest.fixture(scope="module")
def shown() -> tuple[Comparison, dict[str, media.PairMedia]]:
    notes = {name: Notes.of([(0.5, 2, 60, 0.5, 0), (2, 3, 67, 0.9, 0)]) for name in ("content", "notes")}
    broken = Pair(name="broken", content="/a/x.wav", style="/a/y.wav", error=f"/a/x.wav is damaged {NASTY}")
    failed = Result(method=NASTY, error=f"the method failed because of {NASTY}")
    partly = Pair(name="partly", content="/a/p.wav", style="/a/q.wav", results=(*results()[:3], failed))
    without = Pair(name="without", content="/a/v.wav", style="/a/w.wav", results=(*results()[:3], failed))
    compared = comparison(broken, partly, without)
    heard = {pair.name: media.prepare(pair, sounds(), notes, kbps=64) for pair in compared.pairs[:2]}
    rest = {name: sound for name, sound in sounds().items() if name != NASTY}
    return compared, heard | {"partly": media.prepare(partly, rest, {}, kbps=64)}


@pytest.fixture(scope="module")
def html(shown) -> str:
    return report.page(*shown)


class Reader(HTMLParser):
    """Checks the nesting, and collects tags with their attributes and the text that is read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.text += data


def test_it_is_well_formed_and_holds_all_it_needs(html):
    read = Reader(html)
    for tag, attributes in read.tags:
        for name in ("src", "href", "srcset", "poster", "action", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, name)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"https?://|@import|url\(|//cdn", html)
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"][1:] for tag, attributes in read.tags if tag == "a"}
    assert len(links) == 5 and links <= set(ids)


def test_every_name_is_escaped(html):
    read = Reader(html)
    assert not any("onclick" in attributes for _, attributes in read.tags)
    assert read.text.count(NASTY) > 20
    assert any(attributes.get("data-sound") == NASTY for _, attributes in read.tags)
    assert html.count("</script>") == sum(tag == "script" for tag, _ in read.tags)


def test_pictures_have_texts_and_buttons_tell_their_state(html):
    for tag, attributes in Reader(html).tags:
        if tag == "img":
            assert attributes["alt"]
        if tag == "svg" and attributes.get("aria-hidden") != "true":
            assert attributes["role"] == "img" and attributes["aria-label"]
        if tag == "button":
            assert attributes["type"] == "button" and ("aria-pressed" in attributes or "aria-label" in attributes)


@pytest.fixture(scope="module")
def apart(shown) -> str:
    """The page of one pair, whose two results were taken apart: to a tone and its inverse, to one with a nasty name."""
    compared, _ = shown
    pair, made = compared.pairs[0], sounds()
    inverse = Audio(-made["notes"].samples, 16000)
    parts = {"notes": {"drums": made["notes"], "bass": inverse}, NASTY: {NASTY: made[NASTY]}}
    heard = media.prepare(pair, made, {}, parts=parts, kbps=64)
    return report.page(replace(compared, pairs=(pair,)), {pair.name: heard})


def test_the_parts_of_a_result_have_a_row_each_with_buttons(apart):
    read = Reader(apart)
    rows = [attributes["data-part"] for _, attributes in read.tags if attributes.get("class") == "track"]
    assert rows == ["drums", "bass", NASTY]
    buttons = [attributes for tag, attributes in read.tags if tag == "button"]
    for part in rows:
        for name, kind in (("Mute", "mute"), ("Solo", "solo")):
            [button] = [each for each in buttons if each.get("aria-label") == f"{name} {part}"]
            assert (button["class"], button["type"], button["aria-pressed"]) == (kind, "button", "false")
    folded = [attributes for tag, attributes in read.tags if tag == "details" and attributes.get("class") == "apart"]
    assert len(folded) == 2 and "open" not in folded[0]
    assert f"Parts of {NASTY}" in read.text and not any("onclick" in attributes for _, attributes in read.tags)
    assert apart.count("</script>") == sum(tag == "script" for tag, _ in read.tags)


def test_without_parts_there_is_nothing_to_mute(html):
    assert not any(attributes.get("class") in ("apart", "mixer", "track") for _, attributes in Reader(html).tags)
    assert "class Mixer" not in html and "Mute" not in html


def test_errors_are_named_and_do_not_stop_the_rest(html):
    text = Reader(html).text
    assert f"/a/x.wav is damaged {NASTY}" in text
    assert text.count(f"the method failed because of {NASTY}") == 2  # with sounds and without
    assert "no sounds and pictures of this pair" in text
    assert "9.8.7" in text and "p.wav in the style of q.wav" in text


def test_without_any_media_scores_or_pairs_there_is_a_page_still():
    for compared in (comparison(), Comparison(pairs=(), methods=(), settings={}, version="1")):
        Reader(report.page(compared, {}))


def test_the_size_is_as_planned():
    methods = tuple(f"method {k}" for k in range(3))
    made = Result(method="m", scores=scores(0.3, 0.1)).scores
    names = ("content", "style", *methods)
    pairs = tuple(
        Pair(name=f"{p}", content="c", style="s", results=tuple(Result(method=m, scores=made) for m in names))
        for p in range(3)
    )
    limit = 2.5e6
    seconds, kbps = media.plan(15, 8, limit)
    assert 3 <= seconds <= 8
    rng = np.random.default_rng(0)
    heard = {name: Audio(rng.normal(0, 0.2, round(seconds * 22050)), 22050) for name in names}
    one = media.prepare(pairs[0], heard, {}, kbps=kbps)
    page = report.page(
        Comparison(pairs=pairs, methods=methods, settings={}, version="1"), {f"{p}": one for p in range(3)}
    )
    assert 0.5 * limit < len(page.encode()) <= limit


def test_the_summary_has_means_intervals_and_the_best_method():
    cells = report.summary(comparison())
    assert list(cells) == ["notes", NASTY, "content", "style"]
    pitch, mfcc, seconds, memory = (cells["notes"][k] for k in (1, 4, -2, -1))
    assert pitch.text == "0.31" and pitch.interval == f"0.30{report.DASH}0.32" and pitch.best
    assert mfcc.text == "0.020" and mfcc.interval == "" and mfcc.best
    assert seconds.text == "2.00" and seconds.best and memory.text == "500" and memory.best
    assert not any(cell.best for name in (NASTY, "content", "style") for cell in cells[name])
    assert cells["content"][0].text == "0" and cells["content"][-1].text == report.DASH


def test_where_a_target_is_known_the_perfect_result_is_drawn(shown):
    compared, heard = shown
    assert report.PERFECT not in report.page(compared, heard)
    known = replace(compared, pairs=tuple(replace(pair, target="/a/t.wav") for pair in compared.pairs))
    assert report.PERFECT in report.page(known, heard)


def test_equal_values_have_no_best():
    assert report._best({"a": 1.0, "b": 1.0001}, "lower") == set()
    assert report._best({"a": 1.0, "b": None}, "lower") == set()
    assert report._best({"a": 1.0, "b": 2.0, "c": 2.0}, "higher") == {"b", "c"}
    assert report._best({"a": 1.0, "b": 2.0}, "") == set()


def test_tempo_and_timbre_in_a_sentence():
    assert report.sentence(comparison(), "notes") == "Tempo 2.00 % off the content's, MFCC distance to the style 0.020."
    empty = Comparison(pairs=(), methods=("notes",), settings={}, version="1")
    assert report.sentence(empty, "notes").startswith("No tempo was found")


# in a browser

HEARD = """async () => {
  const player = restyle.players[0], context = Player.context;
  const meter = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
  player.output.connect(meter);
  await new Promise((done) => setTimeout(done, 400));
  const bins = new Float32Array(meter.frequencyBinCount);
  meter.getFloatFrequencyData(bins);
  player.output.disconnect(meter);
  return bins.indexOf(Math.max(...bins)) * context.sampleRate / meter.fftSize;
}"""
STATE = "() => { const p = restyle.players[0]; return [p.playing, p.selected, p.position()]; }"


def until(page, expression: str) -> None:
    """Wait for what a page says; Playwright's own way to wait is against the page's content security policy."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{expression} has not come true")


def wait_playing(page, player: int = 0) -> None:
    until(page, f"restyle.players[{player}].playing && restyle.players[{player}].position() > 0.1")


def test_it_plays_and_switches_at_the_same_position(browser_page, html):
    page = browser_page(html)
    page.click("#pair-1 .play")
    wait_playing(page)
    assert page.evaluate(HEARD) == pytest.approx(TONES["content"], abs=12)
    before = page.evaluate(STATE)
    page.click("#pair-1 [data-sound='notes']")
    after = page.evaluate(STATE)
    assert after[:2] == [True, "notes"] and 0 < after[2] - before[2] < 2
    assert page.evaluate(HEARD) == pytest.approx(TONES["notes"], abs=12)
    levels = page.evaluate("restyle.players[0].levels()")
    assert levels["notes"] == pytest.approx(1) and max(v for k, v in levels.items() if k != "notes") < 1e-3
    assert page.get_attribute("#pair-1 [data-sound='notes']", "aria-pressed") == "true"
    assert page.get_attribute("#pair-1 [data-sound='content']", "aria-pressed") == "false"
    assert page.get_attribute("#pair-1 .play", "aria-label") == "Pause"
    line = page.evaluate("getComputedStyle(document.querySelector('#pair-1')).getPropertyValue('--at')")
    assert 0 < float(line) < 1


LOUD = """async () => {
  const [mixer] = restyle.mixers, meter = new AnalyserNode(Player.context, { fftSize: 8192 });
  mixer.output.connect(meter);
  await new Promise((done) => setTimeout(done, 400));
  const samples = new Float32Array(meter.fftSize);
  meter.getFloatTimeDomainData(samples);
  mixer.output.disconnect(meter);
  return Math.max(...samples.map(Math.abs));
}"""


def test_parts_play_together_and_are_muted_and_soloed(browser_page, apart):
    page = browser_page(apart)
    page.click("details.apart summary")
    page.click(".mixer .play")
    until(page, "restyle.mixers[0].playing && restyle.mixers[0].position() > 0.1")
    together = page.evaluate(LOUD)
    page.click("[aria-label='Mute bass']")
    alone = page.evaluate(LOUD)
    assert alone > 0.05 and together < 0.1 * alone  # a tone and its inverse, so that a sample apart would be heard
    assert page.get_attribute("[aria-label='Mute bass']", "aria-pressed") == "true"
    page.click("[aria-label='Solo bass']")
    until(page, "restyle.mixers[0].levels().bass > 0.999")  # gains glide
    levels = page.evaluate("restyle.mixers[0].levels()")
    assert levels["bass"] == pytest.approx(1, abs=1e-3) and levels["drums"] < 1e-3
    page.click("#pair-1 > .bar .play")
    until(page, "restyle.players[0].playing")
    assert not page.evaluate("restyle.mixers[0].playing")


def test_parts_by_the_keyboard(browser_page, apart):
    page = browser_page(apart)
    page.focus("details.apart summary")
    page.keyboard.press("Enter")
    page.focus("[aria-label='Mute drums']")
    page.keyboard.press("Space")
    assert page.get_attribute("[aria-label='Mute drums']", "aria-pressed") == "true"
    page.keyboard.press("2")  # chooses no sound of the pair
    assert page.evaluate(STATE)[:2] == [False, "content"]
    page.focus(".mixer .seek")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("restyle.mixers[0].position()") > 0
    page.keyboard.press("Space")
    until(page, "restyle.mixers[0].playing")
    assert not page.evaluate(STATE)[0]


def test_a_style_that_is_shorter_goes_on(browser_page, html):
    page = browser_page(html)
    page.click("#pair-1 [data-sound='style']")
    page.evaluate("restyle.players[0].seek(3)")  # its own end is at 2 s
    page.click("#pair-1 .play")
    wait_playing(page)
    assert page.evaluate(HEARD) == pytest.approx(TONES["style"], abs=12)


def test_keys(browser_page, html):
    page = browser_page(html)
    page.locator("#pair-1").scroll_into_view_if_needed()
    page.keyboard.press("Space")
    wait_playing(page)
    page.keyboard.press("3")
    assert page.evaluate(STATE)[1] == "notes"
    page.keyboard.press("9")  # there is no such sound
    assert page.evaluate(STATE)[1] == "notes"
    page.keyboard.press("Space")
    playing, _, position = page.evaluate(STATE)
    assert not playing
    page.keyboard.press("ArrowRight")
    assert page.evaluate(STATE)[2] == pytest.approx(position + 2, abs=0.01)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(STATE)[2] == pytest.approx(max(0, position - 2), abs=0.01)
    page.focus("#pair-1 [data-show='notes']")
    page.keyboard.press("Space")  # a button has its own use for it
    assert page.get_attribute("#pair-1", "data-view") == "notes" and not page.evaluate(STATE)[0]


def test_a_click_on_a_picture_goes_there_and_chooses_the_sound(browser_page, html):
    page = browser_page(html)
    lane = page.locator("#pair-1 [data-lane='notes'] .spectrogram .picture")
    box = lane.bounding_box()
    lane.click(position={"x": box["width"] / 2, "y": 10})
    assert page.evaluate(STATE) == [False, "notes", pytest.approx(SECONDS / 2, abs=0.02)]
    assert "chosen" in page.get_attribute("#pair-1 [data-lane='notes']", "class")
    assert page.text_content("#pair-1 .at") in ("0:02.9", "0:03.0")


def test_one_player_at_a_time_and_it_ends_and_repeats(browser_page, html):
    page = browser_page(html)
    page.click("#pair-1 .play")
    wait_playing(page)
    page.click("#pair-2 .play")
    wait_playing(page, 1)
    assert page.evaluate("restyle.players.map((p) => p.playing)") == [False, True, False]
    assert page.evaluate("restyle.players.map((p) => p._buffers === null)") == [True, False, True]
    assert page.evaluate("restyle.players[0].position()") > 0.1
    page.evaluate(f"restyle.players[1].seek({SECONDS - 0.2})")
    until(page, "!restyle.players[1].playing")
    assert page.evaluate("restyle.players[1].position()") == SECONDS
    page.click("#pair-2 .repeat")
    page.evaluate(f"restyle.players[1].seek({SECONDS - 0.2})")
    page.click("#pair-2 .play")
    until(page, "restyle.players[1].playing && restyle.players[1].position() < 3")


def test_pausing_while_it_decodes_does_not_play(browser_page, html):
    page = browser_page(html)
    page.evaluate("() => { const [p] = restyle.players; const begun = p.play(); p.pause(); return begun; }")
    assert page.evaluate("[restyle.players[0].playing, restyle.players[0].loading]") == [False, False]


def test_a_sound_that_cannot_be_decoded_is_named(browser_page, html):
    page = browser_page(html)
    page.evaluate("document.querySelector('#pair-1 script.sound').textContent = btoa('no mp3')")
    page.click("#pair-1 .play")
    until(page, "restyle.players[0].error")
    assert "cannot decode" in page.text_content("#pair-1 .status")
    assert not page.evaluate("restyle.players[0].playing")


@pytest.mark.parametrize("view", ["spectrogram", "notes", "waveform"])
def test_a_phone_needs_no_sideways_scrolling(browser_page, html, view):
    page = browser_page(html, viewport={"width": 375, "height": 700})
    page.click(f"#pair-1 [data-show='{view}']")
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    box = page.locator(f"#pair-1 [data-lane='content'] .{view} .picture").bounding_box()
    assert box["width"] > 250 and box["height"] > 50


def test_in_print_there_are_pictures_and_no_players(browser_page, html):
    page = browser_page(html, viewport={"width": 720, "height": 1000}, color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("#pair-1 .bar").is_visible() and not page.locator("nav").is_visible()
    assert page.locator("#pair-1 .spectrogram img").first.is_visible()
    assert page.locator("#pair-1 .notes svg").first.is_visible()
    assert page.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
