"""A blind listening test on one page, after MUSHRA: each sound is rated against the content and the style. Floor 6."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from restyle.audio import Audio
from restyle.comparison.ratings import ANCHOR, QUESTIONS, REFERENCE, VERSION
from restyle.errors import RestyleError
from restyle.pages.media import matched, mp3, plain
from restyle.pages.rendering import render

ANCHOR_CUTOFF = 3500.0  # Hz
KBPS = 128


@dataclass(frozen=True)
class Trial:
    """What is rated together: a content, a style, and the methods' results.

    Args:
        pair: the pair's name; the same in all tests whose ratings are scored together.
        content: excerpt of what should be played.
        style: excerpt of how it should sound.
        conditions: excerpt of the result by the method's name; cut as the content is.
        target: excerpt of what the result should be, where that is known.
    """

    pair: str
    content: Audio
    style: Audio
    conditions: dict[str, Audio]
    target: Audio | None = None


def page(trials: Sequence[Trial], *, title: str, seed: int) -> str:
    """Return a listening test as one HTML page that needs nothing else.

    In each trial the listener hears the content and the style openly. Blind, and in an order of their own, follow every
    method's result, the target as a hidden reference where there is one, and a hidden anchor (see `anchor`). Each is
    rated twice from 0 to 100: is what is played kept, does it sound like the style? All sounds are equally loud. The
    page saves the ratings as a file for `comparison.ratings.read_ratings`, with the key to its letters, which it does
    not show.

    Args:
        trials: each some seconds long.
        title: heading of the page.
        seed: of the order of the trials and of the sounds in each.

    Returns:
        The page's text, with its sounds as MP3 inside (about 20 kB a second and sound).

    Raises:
        RestyleError: if there is nothing to rate, or two trials are of one pair.

    Example:
        >>> tone = Audio(0.1 * np.sin(np.arange(16000) / 5), 16000)
        >>> html = page([Trial("pair", tone, tone, {"method": tone})], title="A test", seed=1)
        >>> html.startswith("<!doctype html>")
        True

    Source: ITU-R BS.1534-3, "Method for the subjective assessment of intermediate quality level of audio systems",
    2015; the two questions after Cífka, Ozerov, Şimşekli, Richard, "Self-supervised VQ-VAE for one-shot music style
    transfer", ICASSP 2021.
    """
    _check(trials)
    data, key = _shuffled(trials, np.random.default_rng(seed))
    digest = hashlib.sha256(json.dumps([data, key]).encode()).hexdigest()[:16]
    packed = base64.b64encode(json.dumps(key).encode()).decode()
    test = {"version": VERSION, "test": digest, "key": packed, "questions": QUESTIONS, "trials": data}
    return render("listen.html", title=title, test=test, questions=QUESTIONS)


def anchor(content: Audio) -> Audio:
    """Return the hidden anchor: the content, low-passed at 3.5 kHz.

    An anchor is a sound whose place on the scale is known beforehand. The low-pass at 3.5 kHz, telephone quality, is
    MUSHRA's low anchor: it gives every test the same bottom to compare with, and makes listeners use the whole scale.
    Made of the content, it keeps all that is played and has nothing of the style, so it should be rated high in the
    first question and low in the second; a method that is not above it in the second has not transferred a style.
    """
    from scipy.signal import butter, sosfiltfilt

    if content.rate <= 2.1 * ANCHOR_CUTOFF:
        return content
    sections = butter(10, ANCHOR_CUTOFF, fs=content.rate, output="sos")
    padding = min(content.length - 1, 300)
    return Audio(sosfiltfilt(sections, content.samples, padlen=padding).astype(np.float32), content.rate)


def _check(trials: Sequence[Trial]) -> None:
    if not trials:
        raise RestyleError("there is no trial to listen to: choose a comparison with at least one result")
    names = [trial.pair for trial in trials]
    for trial in trials:
        if names.count(trial.pair) > 1:
            raise RestyleError(f"two trials are of the pair {trial.pair}: give each pair once")
        if not trial.conditions:
            raise RestyleError(
                f"the pair {trial.pair} has no result to listen to: leave it out or choose other methods"
            )


def _shuffled(trials: Sequence[Trial], rng: np.random.Generator) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the trials as the page needs them, and the key: what each letter stands for."""
    data, key = [], []
    for index in rng.permutation(len(trials)):
        trial = trials[index]
        blind = [("method", name, audio) for name, audio in trial.conditions.items()]
        blind += [] if trial.target is None else [(REFERENCE, REFERENCE, trial.target)]
        blind += [(ANCHOR, ANCHOR, anchor(trial.content))]
        blind = [blind[i] for i in rng.permutation(len(blind))]
        letters = [_letter(i) for i in range(len(blind))]
        sounds = {letter: audio for letter, (_, _, audio) in zip(letters, blind, strict=True)}
        embedded = _embedded({"content": trial.content, "style": trial.style} | sounds, trial.content.duration)
        blindly = [{"letter": letter, "data": embedded[letter]} for letter in letters]
        row = {"content": embedded["content"], "style": embedded["style"], "sounds": blindly}
        data.append(row | {"duration": round(trial.content.duration, 3)})
        meaning = {letter: [role, name] for letter, (role, name, _) in zip(letters, blind, strict=True)}
        key.append({"pair": trial.pair, "sounds": meaning})
    return data, key


def _letter(index: int) -> str:
    """A to Z, then AA, AB and so on."""
    return (_letter(index // 26 - 1) if index >= 26 else "") + chr(ord("A") + index % 26)


def _embedded(sounds: dict[str, Audio], seconds: float) -> dict[str, str]:
    """Return the sounds, at most so long and equally loud, as base64 of MP3."""
    loud, _ = matched({name: plain(audio, seconds, KBPS) for name, audio in sounds.items()})
    return {name: mp3(audio, KBPS) for name, audio in loud.items()}
