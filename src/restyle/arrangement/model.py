"""A network that writes the notes of a band, bar by bar, from bars of a style and the beats of a piece. Floor 4."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from restyle.arrangement.layers import Choice, Distances, Layer, LookingLayer, absent

MOVES, PITCHES, DURATIONS, FAMILIES = 114, 268, 27, 18  # of the columns of events
BARS = 8  # of a style
STYLE, BEATS = 18, 30  # columns of a style's events and of beats


class Arranger(nn.Module):
    """An encoder of a style's bars and of a piece's beats, and a decoder of events that attends to both.

    An event is one position: the decoder's state gives its move, state and move its pitch, state, move and pitch its
    duration; pitch and duration see the beat at which the note begins. Positions within a sequence are told by
    distances between events alone.

    Args:
        width: of all layers.
        heads: of attention.
        encoders: layers that read, the same for style and beats.
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
        >>> found = network(torch.zeros(1, 5, 18), torch.zeros(1, 3, 30), events)
        >>> [tuple(logits.shape) for logits in found]
        [(1, 3, 114), (1, 3, 268), (1, 3, 27)]
    """

    def __init__(
        self,
        *,
        width: int = 192,
        heads: int = 6,
        encoders: int = 3,
        decoders: int = 4,
        hidden: int = 720,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self._settings = {"width": width, "heads": heads, "encoders": encoders, "decoders": decoders, "hidden": hidden}
        self.moves, self.pitches = nn.Embedding(MOVES, width), nn.Embedding(PITCHES, width)
        self.durations, self.families = nn.Embedding(DURATIONS, width), nn.Embedding(FAMILIES, width)
        self.bars, self.kinds = nn.Embedding(BARS, width), nn.Embedding(2, width)
        self.chord, self.beat = nn.Linear(24, width), nn.Linear(61, width)
        self.encoder = nn.ModuleList([Layer(width, heads, hidden, dropout) for _ in range(encoders)])
        self.decoder = nn.ModuleList([LookingLayer(width, heads, hidden, dropout) for _ in range(decoders)])
        self.in_style, self.in_beats, self.in_written = (Distances(heads, both) for both in (True, True, False))
        self.read, self.wrote, self.drop = nn.LayerNorm(width), nn.LayerNorm(width), nn.Dropout(dropout)
        self.move = nn.Linear(width, MOVES)
        self.pitch, self.duration = Choice(width, PITCHES), Choice(width, DURATIONS)
        for table in (self.moves, self.pitches, self.durations, self.families, self.bars, self.kinds):
            nn.init.normal_(table.weight, std=0.5)

    def settings(self) -> dict[str, Any]:
        """Return the constructor's arguments, without those of training alone."""
        return dict(self._settings)

    def forward(self, style: Tensor, beats: Tensor, events: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the logits of all events but the first, each after those before it.

        Args:
            style: move, pitch, duration, family, bar 0..7, root and twelve flags of the chord, of each event of a
                style, ``[B, S, 18]``; moves of -1 are none.
            beats: rows of `arrangement.tokens.beats`, ``[B, L, 30]``; roots of -1 are none.
            events: move, pitch, duration, family, and row of the beat at which each begins, int64 ``[B, N + 1, 5]``.

        Returns:
            Logits of move ``[B, N, 114]``, pitch ``[B, N, 268]`` and duration ``[B, N, 27]``.
        """
        read, known = self.read_style(style), self.read_beats(beats)
        memory = torch.cat([read, known], 1)
        there = torch.cat([style[..., 0] >= 0, beats[..., 0] >= 0], 1)
        at = known.gather(1, events[..., 4:].clamp_min(0).expand(-1, -1, known.shape[2]))
        x = self.drop(self.embedded(events[:, :-1]) + at[:, :-1])
        count = x.shape[1]
        near = self.in_written(count) + torch.full((count, count), -math.inf, device=x.device).triu(1)
        for layer in self.decoder:
            x = layer(x, near, memory, absent(there))
        x, events = self.wrote(x), events.clamp_min(0)
        moves, pitches = self.moves(events[:, 1:, 0]) + at[:, 1:], self.pitches(events[:, 1:, 1])
        return self.move(x), self.pitch(x, moves), self.duration(x, moves + pitches)

    def read_style(self, style: Tensor) -> Tensor:
        """Encode a style's events ``[B, S, 18]``."""
        there, codes = style[..., 0] >= 0, style[..., :6].long().clamp_min(0)
        chord = torch.cat([one_hot(codes[..., 5], 12), style[..., 6:]], -1)
        x = self.embedded(codes) + self.bars(codes[..., 4]) + self.chord(chord.float()) + self.kinds.weight[0]
        return self._read(x, there, self.in_style)

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
