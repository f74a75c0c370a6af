"""The listening test: its page, its files of ratings, its scores."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
import soundfile

from restyle.audio import Audio
from restyle.comparison.ratings import ANCHOR, REFERENCE, Rating, Ratings, read_ratings
from restyle.comparison.scoring import Scores, score
from restyle.dsp.loudness import loudness
from restyle.errors import RestyleError
from restyle.pages.listening import Trial, anchor, page

RATE = 16000


def tone(frequency: float, level: float = 0.1, seconds: float = 1.0, rate: int = RATE) -> Audio:
    return Audio(level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate), rate)


def trial(pair: str, target: bool = True) -> Trial:
    made = {"zitherly": tone(500), "kazooing": tone(600, 0.02), "yodelled": tone(700)}
    return Trial(pair, tone(300), tone(400, 0.4), made, tone(800) if target else None)


def inside(html: str) -> dict:
    """The test in a page."""
    return json.loads(re.search(r'<script type="application/json" id="test">(.*?)</script>', html, re.S).group(1))


def key(html: str) -> list[dict]:
    return json.loads(base64.b64decode(inside(html)["key"]))


def frequency(data: str) -> float:
    """The strongest frequency of a sound in a page."""
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    samples = samples if samples.ndim == 1 else samples[:, 0]
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


PAIRS = [f"pair{k}" for k in range(4)]


@pytest.fixture(scope="module")
def made() -> str:
    return page([trial(pair) for pair in PAIRS], title="Which & <b>why</b>?", seed=1)


# the page


def test_the_key_says_what_each_letter_is(made: str) -> None:
    known = {"zitherly": 500, "kazooing": 600, "yodelled": 700, REFERENCE: 800, ANCHOR: 300}
    for shown, meant in zip(inside(made)["trials"], key(made), strict=True):
        assert [sound["letter"] for sound in shown["sounds"]] == list("ABCDE")
        assert {name for _, name in meant["sounds"].values()} == set(known)
        for sound in shown["sounds"]:
            assert frequency(sound["data"]) == pytest.approx(known[meant["sounds"][sound["letter"]][1]], abs=2)
        assert frequency(shown["content"]) == pytest.approx(300, abs=2)
        assert frequency(shown["style"]) == pytest.approx(400, abs=2)


def test_order_repeats_with_the_seed_and_differs_between_seeds_and_trials(made: str) -> None:
    again = page([trial(pair) for pair in PAIRS], title="Which & <b>why</b>?", seed=1)
    other = page([trial(pair) for pair in PAIRS], title="Which & <b>why</b>?", seed=2)
    assert again == made
    assert key(other) != key(made)
    assert len({json.dumps(row["sounds"]) for row in key(made)}) > 1
    orders = {tuple(row["pair"] for row in key(html)) for html in (made, other)}
    assert len(orders) == 2
    assert all(set(order) == set(PAIRS) for order in orders)


def test_nothing_in_the_page_tells_what_the_letters_are(made: str) -> None:
    names = ["zitherly", "kazooing", "yodelled", *PAIRS]
    assert [name for name in names if name in made] == []
    for secret in ("hidden reference", "anchor"):
        assert secret not in made.lower()


def test_without_a_target_there_is_no_reference() -> None:
    html = page([trial("one", target=False)], title="t", seed=0)
    assert sorted(role for role, _ in key(html)[0]["sounds"].values()) == [ANCHOR, "method", "method", "method"]


def test_all_sounds_of_a_trial_are_equally_loud(made: str) -> None:
    for shown in inside(made)["trials"]:
        sounds = [shown["content"], shown["style"], *(sound["data"] for sound in shown["sounds"])]
        heard = [soundfile.read(io.BytesIO(base64.b64decode(data)), always_2d=True) for data in sounds]
        levels = [loudness(Audio(samples.T, rate)) for samples, rate in heard]
        assert max(levels) - min(levels) < 0.3
        assert all(rate == 44100 for _, rate in heard)
        assert max(np.abs(samples).max() for samples, _ in heard) < 1


def test_the_title_is_escaped_and_nothing_is_loaded(made: str) -> None:
    assert "Which &amp; &lt;b&gt;why&lt;/b&gt;?" in made
    assert "<b>why" not in made
    assert re.findall(r"(?:src|href)=[\"'](?!data:)", made) == []
    assert "http" not in re.sub(r'id="test">.*?</script>', "", made, flags=re.S).replace("http-equiv", "")


def test_the_anchor_keeps_the_low_and_loses_the_high() -> None:
    both = Audio(np.stack([tone(440).samples[0] + tone(5000).samples[0]] * 2), RATE)
    low = anchor(both)
    spectrum = np.abs(np.fft.rfft(low.samples[1])) / np.abs(np.fft.rfft(both.samples[1])).max()
    assert low.samples.shape == both.samples.shape
    assert spectrum[440] == pytest.approx(1, abs=0.01)
    assert spectrum[5000] < 0.001
    slow = tone(440, rate=6000)
    assert np.array_equal(anchor(slow).samples, slow.samples)


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([], "no trial"),
        ([Trial("one", tone(300), tone(400), {})], "one has no result"),
        ([trial("one"), trial("one")], "two trials are of the pair one"),
    ],
)
def test_nothing_to_rate_is_refused(trials: list[Trial], said: str) -> None:
    with pytest.raises(RestyleError, match=said):
        page(trials, title="t", seed=0)


def test_more_letters_than_the_alphabet() -> None:
    many = {f"method{k}": tone(200 + 10 * k, seconds=0.5) for k in range(27)}
    html = page([Trial("one", tone(300, seconds=0.5), tone(400), many)], title="t", seed=0)
    assert [sound["letter"] for sound in inside(html)["trials"][0]["sounds"]][-4:] == ["Y", "Z", "AA", "AB"]


# files of ratings

KEY = [
    {"pair": "first", "sounds": {"A": ["method", "m"], "B": [REFERENCE, REFERENCE]}},
    {"pair": "second", "sounds": {"A": [ANCHOR, ANCHOR], "B": ["method", "m"]}},
]
ROWS = [
    {"trial": t, "sound": s, "question": q, "rating": 10 * t + "AB".index(s) + (50 if q == "style" else 0)}
    for t in (1, 2)
    for s in "AB"
    for q in ("content", "style")
]
FIRST = 10  # line of the first rating


def written(rows: list = ROWS, **other: object) -> str:
    """A file as the page writes it."""
    packed = base64.b64encode(json.dumps(KEY).encode()).decode()
    facts = {"kind": "restyle ratings", "version": 1, "test": "x", "session": "s", "listener": "Ada", "comment": "é\n"}
    facts |= {"key": packed} | other
    head = "".join(f"{json.dumps(name)}: {json.dumps(value)},\n" for name, value in facts.items())
    return "{\n" + head + '"ratings": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]\n}\n"


def changed(index: int, **values: object) -> list:
    return [row | values if k == index else row for k, row in enumerate(ROWS)]


def test_ratings_are_read() -> None:
    read = read_ratings(written(), "r.json")
    assert (read.name, read.listener, read.session, read.comment) == ("r.json", "Ada", "s", "é\n")
    assert len(read.ratings) == 8
    assert read.ratings[0] == Rating(pair="first", role="method", condition="m", question="content", rating=10)
    assert read.ratings[3] == Rating(pair="first", role=REFERENCE, condition=REFERENCE, question="style", rating=61)
    assert read.ratings[-1] == Rating(pair="second", role="method", condition="m", question="style", rating=71)


def test_a_file_with_other_white_space_or_a_byte_order_mark_is_read() -> None:
    plain = read_ratings(written(), "r.json")
    assert read_ratings(json.dumps(json.loads(written())), "r.json") == plain
    assert read_ratings("\ufeff" + written().replace("\n", "\r\n"), "r.json") == plain


@pytest.mark.parametrize(
    ("rows", "line", "said"),
    [
        (changed(2, rating=101), FIRST + 2, "101 is not between 0 and 100"),
        (changed(3, rating=-0.5), FIRST + 3, "-0.5 is not between"),
        (changed(3, rating=float("nan")), FIRST + 3, "nan is not between"),
        (changed(3, rating="80"), FIRST + 3, '"rating" is "80"'),
        (changed(3, rating=None), FIRST + 3, '"rating" is null'),
        (changed(3, rating=True), FIRST + 3, '"rating" is true'),
        (changed(4, question="beauty"), FIRST + 4, "'beauty' is unknown"),
        (changed(5, sound="C"), FIRST + 5, "trial 2 has no sound C"),
        (changed(5, trial=3), FIRST + 5, "no trial 3"),
        (changed(0, trial=0), FIRST, "no trial 0"),
        ([*ROWS[:6], {"trial": 2, "sound": "B", "question": "content"}, ROWS[7]], FIRST + 6, '"rating" is missing'),
        ([*ROWS[:6], 7, ROWS[7]], FIRST + 6, "no rating"),
        ([*ROWS, ROWS[1]], FIRST + 8, f"rated on line {FIRST + 1} already"),
        (ROWS[:-1], FIRST - 1, "sound B of trial 2 has no rating for the question 'style'"),
    ],
)
def test_a_wrong_rating_is_refused_by_name_and_line(rows: list, line: int, said: str) -> None:
    with pytest.raises(RestyleError, match=re.escape(said)) as refused:
        read_ratings(written(rows), "ada.json")
    assert str(refused.value).startswith(f"ada.json, line {line}: ")


def test_the_line_is_that_of_the_file_however_it_is_laid_out() -> None:
    text = json.dumps(json.loads(written(changed(2, rating=101))), indent=2)
    line = next(k for k, row in enumerate(text.splitlines(), 1) if '"rating": 101' in row)
    with pytest.raises(RestyleError, match=rf"r.json, line {line - 4}: .*101"):  # where this rating begins
        read_ratings(text, "r.json")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "no JSON"),
        (written()[:-30], 17, "no JSON"),
        (written().replace('"sound": "B"', '"sound": B', 1), FIRST + 2, "no JSON"),
        ("[1, 2]", 1, "no ratings file"),
        ('{"kind": "comparison"}', 1, "no ratings file"),
        ("[" * 100000, 1, "no"),
        (written(version=2), 3, "the version is 2"),
        (written(session=7), 5, '"session" is 7'),
        (written(key="!"), 8, "the key to the letters is broken"),
        (written(key=base64.b64encode(b'[{"pair": 1}]').decode()), 8, "the key to the letters is broken"),
        (re.sub(r'"listener".*\n', "", written()), 1, '"listener" is missing'),
        (written().replace('"ratings": [', '"ratinks": [', 1), 1, '"ratings" is missing'),
    ],
)
def test_a_broken_file_is_refused_by_name_and_line(text: str, line: int, said: str) -> None:
    with pytest.raises(RestyleError, match=re.escape(said)) as refused:
        read_ratings(text, "ada.json")
    assert str(refused.value).startswith(f"ada.json, line {line}: ")


# scores


def listener(name: str, **given: list[float]) -> Ratings:
    """A listener's ratings of the question 'style' by condition, one a pair; 'content' is always 50."""
    roles = {"reference": REFERENCE, "anchor": ANCHOR}
    rows = [
        Rating(
            pair=f"pair{k}",
            role=roles.get(condition, "method"),
            condition=roles.get(condition, condition),
            question=question,
            rating=value if question == "style" else 50,
        )
        for condition, values in given.items()
        for k, value in enumerate(values)
        for question in ("content", "style")
    ]
    return Ratings(name=f"{name}.json", listener=name, session=name, comment="", ratings=tuple(rows))


def style(scores: Scores) -> dict:
    return {one.condition: one for one in scores.scores if one.question == "style"}


def test_means_and_counts_are_those_of_the_ratings() -> None:
    a = listener("a", reference=[100, 90], one=[10, 30], two=[60, 60], anchor=[0, 4])
    b = listener("b", reference=[90, 100], one=[20, 40], two=[80, 80], anchor=[2, 2])
    found = score([a, b])
    assert (found.listeners, found.pairs) == (2, 2)
    assert {name: one.interval.mean for name, one in style(found).items()} == {
        REFERENCE: 95,
        "two": 70,
        "one": 25,
        ANCHOR: 2,
    }
    assert list(style(found)) == [REFERENCE, "two", "one", ANCHOR]  # best method first
    assert {one.count for one in found.scores} == {4}
    assert all(one.interval == (50, 50, 50) for one in found.scores if one.question == "content")


def test_one_listener_has_the_interval_of_the_pairs() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 100, 40).tolist()
    interval = style(score([listener("a", one=values)]))["one"].interval
    half = 1.96 * np.std(values) / np.sqrt(40)
    assert interval.low == pytest.approx(np.mean(values) - half, abs=1)
    assert interval.high == pytest.approx(np.mean(values) + half, abs=1)


def test_listeners_who_disagree_widen_the_interval_however_many_pairs_they_hear() -> None:
    low, high = listener("a", one=[20.0] * 50), listener("b", one=[80.0] * 50)
    interval = style(score([low, high]))["one"].interval
    assert (interval.low, interval.mean, interval.high) == (20, 50, 80)  # either of them may be drawn twice


def test_methods_are_tested_in_pairs_and_corrected() -> None:
    one, two, three = [40, 50, 60, 45, 55], [50, 61, 69, 56, 64], [50, 61, 69, 56, 65]
    found = [d for d in score([listener("a", one=one, two=two, three=three)]).differences if d.question == "style"]
    p = {(d.first, d.second): d for d in found}
    assert set(p) == {("one", "three"), ("one", "two"), ("three", "two")}
    assert p["one", "two"].p == p["one", "three"].p == 2 / 32  # all signs alike
    assert p["three", "two"].p == 1.0  # a single pair differs
    assert p["one", "two"].p_holm == p["one", "three"].p_holm == 3 * 2 / 32
    assert p["three", "two"].p_holm == 1.0
    assert p["one", "two"].difference == pytest.approx(-10)
    assert (p["one", "two"].unit, p["one", "two"].count) == ("pair", 5)


def test_many_listeners_of_few_pairs_are_the_units() -> None:
    crowd = [listener(f"l{k}", one=[40 + k, 50], two=[60, 60 + k]) for k in range(6)]
    [_, found] = score(crowd).differences
    assert (found.question, found.unit, found.count, found.p) == ("style", "listener", 6, 2 / 64)
    assert found.difference == pytest.approx(-15)


def test_what_not_all_have_heard_is_compared_where_it_can_be() -> None:
    a, b = listener("a", one=[10, 20]), listener("b", two=[30, 40])
    found = score([a, b])
    assert found.differences == ()  # nobody has rated both
    assert style(found)["one"].count == 2
    assert style(found)["two"].interval.mean == 35


def test_a_listener_who_misses_the_reference_is_flagged_and_kept() -> None:
    good = listener("good", reference=[89] + [95.0] * 6, one=[50.0] * 7)  # one of seven: 14 %
    bad = listener("bad", reference=[89] + [95.0] * 5, one=[50.0] * 6)  # one of six: 17 %
    found = score([good, bad])
    assert [(f.name, f.low, f.trials) for f in found.flags if f.question == "style"] == [("bad.json", 1, 6)]
    assert style(found)["one"].count == 13


def test_scores_go_to_json_and_rows() -> None:
    found = score([listener("a", reference=[80], one=[10], two=[60])])
    data = json.loads(found.to_json())
    assert data["scores"] == found.rows()
    assert data["scores"][-1] == {
        "question": "style",
        "condition": "one",
        "role": "method",
        "mean": 10,
        "low": 10,
        "high": 10,
        "count": 1,
    }
    assert data["differences"][1]["p_holm"] == 1.0
    assert data["flags"][0]["listener"] == "a"


def test_no_ratings_and_the_same_ratings_twice_are_refused() -> None:
    one = listener("a", one=[1])
    with pytest.raises(RestyleError, match="no ratings"):
        score([])
    with pytest.raises(RestyleError, match=r"a.json and a.json"):
        score([one, one])
