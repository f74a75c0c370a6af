"""A network that writes the notes of a band, bar by bar, from a draft and the beats of a piece. Floor 4."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from restyle.arrangement.layers import Choice, Distances, Layer, LookingLayer, absent

MOVES, PITCHES, DURATIONS, FAMILIES = 114, 268, 27, 18  # of the columns of events
BEATS = 30  # columns of beats
BEAT_BAR = 29  # that of the bar
ONSET = 18  # the move that is a note at the first step of a bar
NEAR = 13  # steps beside which notes of a bar are further ones
RELATIONS = 2 * (2 * NEAR + 1) + 3  # of an event of the draft to one that is written


class Arranger(nn.Module):
    """An encoder of a draft and of a piece's beats, and a decoder of events that attends to both.

    The draft is a style's bars, each note moved to the piece's chords: what it plays is known, how it would play it
    here is not.

    An event is one position: the decoder's state gives its move, state and move its pitch, state, move and pitch its
    duration; pitch and duration see the beat at which the note begins. Positions within a sequence are told by
    distances between events alone, and what of the draft is near to what is written by bar, instrument and step.

    Args:
        width: of all layers.
        heads: of attention.
        encoders: layers that read, the same for draft and beats.
        decoders: layers that write.
        hidden: width of the layers between.
        dropout: part of what is left out in training.

    Sources: Vaswani et al., "Attention is all you need", NeurIPS 2017; a style given as bars of an accompaniment, Cífka
    et al., "Groove2Groove: one-shot music style transfer with supervision from synthetic data", IEEE/ACM TASLP 28,
    2020; biases by distance, Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text
    transformer", JMLR 21, 2020.

    Example:
        >>> network = Arranger(width=8, heads=2, encoders=1, decoders=1, hidden=8)
        >>> events = torch.zeros(1, 4, 5, dtype=torch.long)
        >>> found = network(events, torch.zeros(1, 3, 30), events)
        >>> [tuple(logits.shape) for logits in found]
        [(1, 3, 114), (1, 3, 268), (1, 3, 27)]
    """

    def __init__(
        self,
        *,
        width: int = 192,
        heads: int = 4,
        encoders: int = 3,
        decoders: int = 2,
        hidden: int = 880,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self._settings = {"width": width, "heads": heads, "encoders": encoders, "decoders": decoders, "hidden": hidden}
        self.moves, self.pitches = nn.Embedding(MOVES, width), nn.Embedding(PITCHES, width)
        self.durations, self.families = nn.Embedding(DURATIONS, width), nn.Embedding(FAMILIES, width)
        self.kinds, self.beat = nn.Embedding(2, width), nn.Linear(61, width)
        self.relations = nn.Embedding(RELATIONS, heads)
        self.encoder = nn.ModuleList([Layer(width, heads, hidden, dropout) for _ in range(encoders)])
        self.decoder = nn.ModuleList([LookingLayer(width, heads, hidden, dropout) for _ in range(decoders)])
        self.in_draft, self.in_beats, self.in_written = (Distances(heads, both) for both in (True, True, False))
        self.read, self.wrote, self.drop = nn.LayerNorm(width), nn.LayerNorm(width), nn.Dropout(dropout)
        self.move = nn.Linear(width, MOVES)
        self.pitch, self.duration = Choice(width, PITCHES), Choice(width, DURATIONS)
        for table in (self.moves, self.pitches, self.durations, self.families, self.kinds):
            nn.init.normal_(table.weight, std=0.5)
        nn.init.normal_(self.relations.weight, std=0.1)

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments, without those of training alone."""
        return dict(self._settings)

    def forward(self, draft: Tensor, beats: Tensor, events: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits of all events but the first, each after those before it.

        Args:
            draft: move, pitch, duration, family, and row of the beat at which each event begins, int64 ``[B, S, 5]``;
                moves of -1 are none.
            beats: rows of `arrangement.tokens.beats`, ``[B, L, 30]``; roots of -1 are none.
            events: likewise, int64 ``[B, N + 1, 5]``.

        Returns:
            Logits of move ``[B, N, 114]``, pitch ``[B, N, 268]`` and duration ``[B, N, 27]``.
        """
        known = self.read_beats(beats)
        read = self.read_draft(draft, known)
        there = torch.cat([draft[..., 0] >= 0, beats[..., 0] >= 0], 1)
        at = _rows(known, events)
        x = self.drop(self.embedded(events[:, :-1]) + at[:, :-1])
        count = x.shape[1]
        near = self.in_written(count) + torch.full((count, count), -math.inf, device=x.device).triu(1)
        bars = beats[..., BEAT_BAR:].long()
        close = relation(events[:, :-1], _rows(bars, events)[:, :-1, 0], draft, _rows(bars, draft)[..., 0])
        bias = nn.functional.pad(self.relations(close).permute(0, 3, 1, 2), (0, beats.shape[1])) + absent(there)
        memory = torch.cat([read, known], 1)
        for layer in self.decoder:
            x = layer(x, near, memory, bias)
        x, events = self.wrote(x), events.clamp_min(0)
        moves, pitches = self.moves(events[:, 1:, 0]) + at[:, 1:], self.pitches(events[:, 1:, 1])
        return self.move(x), self.pitch(x, moves), self.duration(x, moves + pitches)

    def read_draft(self, draft: Tensor, known: Tensor) -> Tensor:
        """Encode a draft's events ``[B, S, 5]`` over encoded beats."""
        x = self.embedded(draft) + _rows(known, draft) + self.kinds.weight[0]
        return self._read(x, draft[..., 0] >= 0, self.in_draft)

    def read_beats(self, beats: Tensor) -> Tensor:
        """Encode a piece's beats ``[B, L, 30]``."""
        there, beats = beats[..., 0] >= 0, beats.clamp_min(0)
        codes = beats[..., [0, 26, 27, 28]].long()
        parts = [one_hot(codes[..., k], size) for k, size in enumerate((12, 12, 8, 4))]
        x = self.beat(torch.cat([*parts, beats[..., 1:26]], -1).float()) + self.kinds.weight[1]
        return self._read(x, there, self.in_beats)

    def _read(self, x: Tensor, there: Tensor, near: Distances) -> Tensor:
        bias = near(x.shape[1]) + absent(there)
        x = self.drop(x)
        for layer in self.encoder:
            x = layer(x, bias)
        encoded: Tensor = self.read(x)
        return encoded

    def embedded(self, events: Tensor) -> Tensor:
        """Return the sum of the embeddings of events' first four columns."""
        codes = events.clamp_min(0)
        tables = (self.moves, self.pitches, self.durations, self.families)
        return torch.stack([table(codes[..., k]) for k, table in enumerate(tables)]).sum(0)


def relation(events: Tensor, bars: Tensor, draft: Tensor, draft_bars: Tensor) -> Tensor:
    """Return how each event of a draft stands to each that is written: by bar, instrument and step.

    Args:
        events: move, pitch, duration and family of what is written, ``[B, N, 4]`` or more columns.
        bars: of them, ``[B, N]``.
        draft: likewise, ``[B, S, 4]``.
        draft_bars: of them, ``[B, S]``.

    Returns:
        Numbers below `RELATIONS`, ``[B, N, S]``.
    """
    bar = draft_bars[:, None] - bars[..., None]
    place, other = ((rows[..., 0] - ONSET).clamp_min(0) for rows in (events, draft))
    step = (other[:, None] - place[..., None]).clamp(-NEAR, NEAR) + NEAR
    mine = draft[:, None, :, 3] == events[..., None, 3]
    here = step + (2 * NEAR + 1) * (~mine).long()
    last = RELATIONS - 3
    return torch.where(bar == 0, here, torch.where(bar.abs() == 1, last + (bar > 0).long(), last + 2))


def _rows(table: Tensor, events: Tensor) -> Tensor:
    """The rows of a table ``[B, L, C]`` that the last column of events names."""
    return table.gather(1, events[..., 4:].clamp_min(0).expand(-1, -1, table.shape[2]))
