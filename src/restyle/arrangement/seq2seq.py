"""Arrangement by a network: it reads a draft of a style's bars, and writes what the style would play. Floor 4."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from restyle.analysis.melody import melody_of
from restyle.arrangement import tokens
from restyle.arrangement.drafts import located
from restyle.arrangement.harmony import Harmony
from restyle.arrangement.model import Arranger
from restyle.arrangement.pairs import AROUND, DRAFTED, KIND
from restyle.arrangement.stepping import Writer
from restyle.arrangement.tokens import BAR, BEAT_BAR, DURATIONS, ONSET, ROOT, Grammar
from restyle.errors import RestyleError
from restyle.io import hub
from restyle.io import networks as trained
from restyle.score import STEPS, Score
from restyle.threads import single

WINDOW = 1  # bar that the decoder sees beside the one that it writes
NUCLEUS = 0.95  # part of the probability from which is drawn
EIGHTH = STEPS // 2  # steps of a place in the bar that has a velocity of its own


@single()
def write(
    content: Score,
    harmony: Harmony,
    draft: Score,
    *,
    weights: str | Path,
    seed: int = 0,
    temperature: float = 0.4,
) -> Score:
    """Write an accompaniment from a draft.

    Args:
        content: the piece whose bars and tempo are kept, with its melody.
        harmony: its chords.
        draft: bars of a style on the content's, moved to its chords (`arrangement.retrieval.laid`).
        weights: of an arranger that ``restyle train arranger`` trained: a name, its run, or a path.
        seed: the same seed writes the same notes; 0 and up.
        temperature: 0 for what is likeliest each time, 1 for what is as likely as in training; above it is bolder.

    Returns:
        The accompaniment on the content's bars, a track each family of instruments that the draft has, without a
        pickup. Of a bar, the first 96 steps are accompanied.

    Raises:
        RestyleError: if there is no such file, it holds no arranger, or the temperature is negative.

    Example:
        >>> made = write(tune, harmony, draft, weights="run", seed=1)  # doctest: +SKIP

    Source: Holtzman et al., "The curious case of neural text degeneration", ICLR 2020, for what is drawn from.
    """
    if temperature < 0:
        raise RestyleError(f"the temperature must be 0 or more, not {temperature:g}")
    path = hub.find(weights)
    network = _network(path, path.stat().st_mtime_ns if path.is_file() else 0)
    table = tokens.beats(content.bars, harmony, melody_of(content))
    return _played(events_written(network, draft, table, seed=seed, temperature=temperature), table, content, draft)


def events_written(
    network: Arranger, draft: Score, table: np.ndarray, *, seed: int = 0, temperature: float = 0.4
) -> np.ndarray:
    """Return the events that a network writes from a draft, on its bars.

    Args:
        network: for use, on the CPU.
        draft: see `write`.
        table: beats of the piece (`tokens.beats`).
        seed: see `write`.
        temperature: see `write`.

    Returns:
        Rows as of `tokens.events_of`, ``[N, 5]``.
    """
    laid = located(tokens.events_of(draft, table), table)
    allowed = set(tokens.families(draft).tolist())
    with torch.inference_mode():
        rows = list(_bars(network, laid, table, draft.bars, allowed, np.random.default_rng(seed), temperature))
    return np.array(rows, np.int64).reshape(-1, 5)


def _bars(
    network: Arranger,
    draft: np.ndarray,
    table: np.ndarray,
    bars: np.ndarray,
    allowed: Collection[int],
    rng: np.random.Generator,
    temperature: float,
) -> Iterator[tuple[int, ...]]:
    """Write the events of all bars but a pickup."""
    writer = Writer(network)
    choices = _Choices(writer, rng, temperature)
    counts: list[int] = []
    for bar in range(tokens.pickup(bars), len(bars) - 1):
        if len(counts) == WINDOW:
            writer.forget(counts.pop(0))
        near = np.flatnonzero(np.abs(table[:, BEAT_BAR] - bar) <= AROUND)
        laid = draft[np.abs(table[draft[:, 4], BEAT_BAR] - bar) <= DRAFTED]
        encoded = network.read_beats(torch.from_numpy(table[near])[None].float())
        laid, of_bar = laid - [0, 0, 0, 0, near[0]], table[laid[:, 4], BEAT_BAR]
        events = torch.from_numpy(laid)[None]
        memory = torch.cat([network.read_draft(events, encoded), encoded], 1)
        writer.look(events, torch.from_numpy(of_bar)[None], memory)
        here = np.flatnonzero(table[near, BEAT_BAR] == bar)
        grammar = Grammar(int(bars[bar + 1] - bars[bar]), table[near][here, ROOT].tolist(), allowed)
        before = writer.count
        for row in choices.bar(grammar, bar, encoded[0, here].numpy()):
            yield (*row, bar)
        counts.append(writer.count - before)


class _Choices:
    """What is chosen event by event in a bar."""

    def __init__(self, writer: Writer, rng: np.random.Generator, temperature: float) -> None:
        self.writer, self.rng, self.temperature = writer, rng, temperature

    def bar(self, grammar: Grammar, number: int, beats: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
        """Yield move, pitch, duration and family of the events of a bar over its encoded beats ``[L, C]``."""
        event, at = (BAR, 0, 0, 0), beats[0]
        while True:
            yield event
            state = self.writer.step(event, number, at)
            move = self.draw(self.writer.move(state), grammar.moves())
            if move == BAR:
                return
            at = beats[max(0, move - ONSET) // STEPS]
            pitch, duration = self._note(state, move, at, grammar) if move >= ONSET else (0, 0)
            grammar.take(move, pitch)
            event = (move, pitch, duration, 1 + grammar.family)

    def _note(self, state: np.ndarray, move: int, at: np.ndarray, grammar: Grammar) -> tuple[int, int]:
        chosen = self.writer.moves[move] + at
        pitch = self.draw(self.writer.pitch(state, chosen), grammar.pitches(move))
        chosen = chosen + self.writer.pitches[pitch]
        return pitch, self.draw(self.writer.duration(state, chosen), np.arange(DURATIONS) > 0)

    def draw(self, logits: np.ndarray, mask: np.ndarray) -> int:
        """Draw one of those that may be, from the likeliest that have `NUCLEUS` of the probability."""
        values = np.where(mask, logits.astype(np.float64), -np.inf)
        if not self.temperature:
            return int(values.argmax())
        part = np.exp((values - values.max()) / self.temperature)
        order = np.argsort(-part, kind="stable")
        total = np.cumsum(part[order])
        count = int(np.searchsorted(total, NUCLEUS * total[-1])) + 1
        return int(order[np.searchsorted(total[:count], self.rng.random() * total[count - 1], side="right")])


def _played(events: np.ndarray, table: np.ndarray, content: Score, style: Score) -> Score:
    """The notes of events with the draft's programmes and velocities, a track each family."""
    start, length, pitch, family = tokens.notes_of(events, table, content.bars).T
    names, track = np.unique(family, return_inverse=True)
    usual = tokens.families(style)
    programme = np.array([np.bincount(style.programme[usual == name]).argmax() for name in names], np.int64)
    velocity = np.zeros(len(start))
    place = start - content.bars[content.bar_of(start)]
    theirs = style.start - style.bars[style.bar_of(style.start)]
    for k, name in enumerate(names):
        own = style.velocity[usual == name]
        for eighth in np.unique(place[track == k] // EIGHTH):
            alike = own[theirs[usual == name] // EIGHTH == eighth]
            velocity[(track == k) & (place // EIGHTH == eighth)] = (alike if len(alike) else own).mean()
    columns = {"start": start, "length": length, "pitch": pitch, "velocity": velocity}
    return replace(content, **columns, programme=programme[track], track=track)


@lru_cache(maxsize=1)
def _network(path: Path, _changed: int) -> Arranger:
    network, _ = trained.network(path, "arranger", KIND)
    if not isinstance(network, Arranger):
        raise RestyleError(trained.refusal(path, "arranger"))
    return network
