"""Ratings of a listening test, read from what its page saves. Floor 6."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from restyle.errors import RestyleError

VERSION = 1  # of the ratings file
QUESTIONS = {  # name in files -> what is asked
    "content": "Is what is played kept?",
    "style": "Does it sound like the style?",
}
REFERENCE, ANCHOR = "hidden reference", "hidden anchor"
FILE = {"version": int, "session": str, "listener": str, "comment": str, "key": str, "ratings": list}
ROW = {"trial": int, "sound": str, "question": str, "rating": (int, float)}

Key = list[tuple[str, dict[str, tuple[str, str]]]]  # a trial's pair, and by letter the role and the condition


@dataclass(frozen=True, kw_only=True)
class Rating:
    """One move of one slider.

    Args:
        pair: name of the pair that was rated.
        role: ``method``, `REFERENCE` or `ANCHOR`.
        condition: the method's name, or the role's.
        question: one of `QUESTIONS`.
        rating: 0 (bad) to 100 (excellent).
    """

    pair: str
    role: str
    condition: str
    question: str
    rating: float


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """What one listener said in one test.

    Args:
        name: of the file.
        listener: what the listener is called; may be empty.
        session: made up by the page when the test begins; tells two listeners of one name apart.
        comment: what the listener wrote.
        ratings: one a pair, condition and question.
    """

    name: str
    listener: str
    session: str
    comment: str
    ratings: tuple[Rating, ...]


def read_ratings(text: str, name: str) -> Ratings:
    """Read what the page of a listening test saves.

    Args:
        text: the file's text.
        name: the file's name, for errors.

    Raises:
        RestyleError: if something is broken, missing or out of range, with the name and the line.
    """
    text = text.removeprefix("\ufeff")  # some editors put it there
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        _refuse(name, error.lineno, f"this is no JSON ({error.msg})")
    except (RecursionError, ValueError):  # nested too deep, or a number of too many digits
        _refuse(name, 1, "this is no ratings file")
    if not isinstance(data, dict) or data.get("kind") != "restyle ratings":
        _refuse(name, 1, "this is no ratings file")
    lines = {key: _line(text, _place(text, key)) for key in FILE}
    _check_members(data, FILE, name, lines)
    if data["version"] != VERSION:
        _refuse(name, lines["version"], f"the version is {data['version']}, but this restyle reads {VERSION}")
    key = _key(data["key"], name, lines["key"])
    rows = [(_line(text, place), row) for place, row in _items(text, _place(text, "ratings"))]
    ratings = tuple(_ratings(rows, key, name, lines["ratings"]))
    known = {field: data[field] for field in ("listener", "session", "comment")}
    return Ratings(name=name, ratings=ratings, **known)


def _refuse(name: str, line: int, problem: str) -> NoReturn:
    raise RestyleError(f"{name}, line {line}: {problem}; use the file as the listening test saved it")


def _place(text: str, key: str) -> int:
    """Where the value of a key begins, 0 without it; in JSON a quoted name before a colon is a key."""
    found = re.search(rf'"{key}"\s*:', text)
    return found.end() if found else 0


def _items(text: str, place: int) -> Iterator[tuple[int, Any]]:
    """Yield the place and the value of each item of the JSON array at a place."""
    decoder = json.JSONDecoder()
    while True:
        while text[place] in " \t\r\n,[":
            place += 1
        if text[place] == "]":
            return
        value, end = decoder.raw_decode(text, place)
        yield place, value
        place = end


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _check_members(data: dict[str, Any], kinds: dict[str, Any], name: str, lines: dict[str, int]) -> None:
    """Refuse an object where a key is missing or its value is of another kind; True and False are no numbers."""
    for key, kind in kinds.items():
        if key not in data:
            _refuse(name, lines.get("", 1), f'"{key}" is missing')
        if not isinstance(data[key], kind) or isinstance(data[key], bool):
            _refuse(name, lines.get(key, lines.get("", 1)), f'"{key}" is {json.dumps(data[key])[:40]}')


def _key(packed: str, name: str, line: int) -> Key:
    try:
        rows = json.loads(base64.b64decode(packed, validate=True))
        key = [
            (str(row["pair"]), {letter: (str(role), str(name)) for letter, (role, name) in row["sounds"].items()})
            for row in rows
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        _refuse(name, line, "the key to the letters is broken")
    return key


def _ratings(rows: list[tuple[int, Any]], key: Key, name: str, first: int) -> Iterator[Rating]:
    """Yield the ratings of the file; ``first`` is the line where they begin."""
    expected = {
        (trial, letter, question)
        for trial, (_, sounds) in enumerate(key, 1)
        for letter, question in itertools.product(sounds, QUESTIONS)
    }
    seen: dict[tuple[int, str, str], int] = {}
    for line, row in rows:
        place = _check_row(row, key, name, line)
        if place in seen:
            _refuse(name, line, f"sound {row['sound']} of trial {row['trial']} was rated on line {seen[place]} already")
        seen[place] = line
        pair, sounds = key[row["trial"] - 1]
        role, condition = sounds[row["sound"]]
        yield Rating(pair=pair, role=role, condition=condition, question=row["question"], rating=float(row["rating"]))
    if missing := sorted(expected - set(seen)):
        trial, letter, question = missing[0]
        _refuse(name, first, f"sound {letter} of trial {trial} has no rating for the question '{question}'")


def _check_row(row: Any, key: Key, name: str, line: int) -> tuple[int, str, str]:
    if not isinstance(row, dict):
        _refuse(name, line, "this is no rating")
    _check_members(row, ROW, name, {"": line})
    if not 1 <= row["trial"] <= len(key):
        _refuse(name, line, f"there is no trial {row['trial']}, the test has {len(key)}")
    if row["sound"] not in key[row["trial"] - 1][1]:
        _refuse(name, line, f"trial {row['trial']} has no sound {row['sound']}")
    if row["question"] not in QUESTIONS:
        _refuse(name, line, f"the question '{row['question']}' is unknown")
    if not 0 <= row["rating"] <= 100:
        _refuse(name, line, f"the rating {str(row['rating'])[:20]} is not between 0 and 100")
    return row["trial"], row["sound"], row["question"]
