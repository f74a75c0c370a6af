"""Layers of the arranger's network: attention that knows distances, and choices. Floor 4."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

BUCKETS, FURTHEST = 32, 512  # of distances between events


class Layer(nn.Module):
    """Attention within a sequence, and two linear layers; each after a norm."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.own, self.first = Attention(width, heads), nn.LayerNorm(width)
        self.wide, self.third = nn.Linear(width, hidden), nn.LayerNorm(width)
        self.narrow, self.drop = nn.Linear(hidden, width), nn.Dropout(dropout)

    def forward(self, x: Tensor, near: Tensor) -> Tensor:
        """Return the layer's output, with a bias on what positions see of each other."""
        seen = self.first(x)
        return self.through(x + self.drop(self.own(seen, *self.own.keys(seen), near)))

    def through(self, x: Tensor) -> Tensor:
        """Add what the linear layers make of each position alone."""
        return x + self.drop(self.narrow(gelu(self.wide(self.third(x)), approximate="tanh")))


class LookingLayer(Layer):
    """A layer that attends to another sequence, too."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__(width, heads, hidden, dropout)
        self.other, self.second = Attention(width, heads), nn.LayerNorm(width)

    def forward(self, x: Tensor, near: Tensor, memory: Tensor, there: Tensor) -> Tensor:  # type: ignore[override]
        """Return the layer's output; of the memory it sees what is there."""
        seen = self.first(x)
        x = x + self.drop(self.own(seen, *self.own.keys(seen), near))
        return self.through(x + self.drop(self.other(self.second(x), *self.other.keys(memory), there)))


class Attention(nn.Module):
    """Attention of several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.out = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)

    def keys(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return keys and values ``[B, H, M, D]`` of a sequence ``[B, M, C]``."""
        both = self.key(x).unflatten(-1, (2, self.heads, -1)).movedim(2, 0).transpose(2, 3)
        return both[0], both[1]

    def forward(self, x: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
        """Return what ``[B, N, C]`` sees, with a bias added to the logits of its attention."""
        query = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        seen = scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        output: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return output


class Distances(nn.Module):
    """What each head adds for the distance between two positions, learnt in buckets: near ones have one each."""

    def __init__(self, heads: int, both: bool) -> None:
        super().__init__()
        self.table, self.both = nn.Embedding(BUCKETS, heads), both
        nn.init.normal_(self.table.weight, std=0.1)

    def forward(self, count: int) -> Tensor:
        """Return the biases ``[1, H, N, N]`` of N positions: rows look at columns."""
        place = torch.arange(count, device=self.table.weight.device)
        biases: Tensor = self.table(buckets(place[:, None] - place, self.both)).permute(2, 0, 1)[None]
        return biases

    def back(self, count: int) -> Tensor:
        """Return the biases ``[H, N]`` with which the last of N positions looks at all of them."""
        biases: Tensor = self.table(buckets(torch.arange(count - 1, -1, -1), self.both)).T
        return biases


class Choice(nn.Module):
    """Logits from the decoder's state and what was chosen before."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(2 * width, width), nn.Linear(width, count)

    def forward(self, x: Tensor, chosen: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.last(gelu(self.first(torch.cat([x, chosen], -1)), approximate="tanh"))
        return logits


def absent(there: Tensor) -> Tensor:
    """Return the bias that hides what is not there: ``[B, M]`` to ``[B, 1, 1, M]``."""
    return torch.zeros(there.shape, device=there.device).masked_fill(~there, -math.inf)[:, None, None]


def buckets(distance: Tensor, both: bool) -> Tensor:
    """Return the bucket of each distance back: those ahead have half of them (``both``), or count as 0.

    Example:
        >>> buckets(torch.tensor([-3, 0, 1, 15, 16, 100, 9999]), both=False).tolist()
        [0, 0, 1, 15, 16, 24, 31]
    """
    count = BUCKETS // 2 if both else BUCKETS
    ahead = count * (distance < 0) if both else torch.zeros_like(distance)
    size = distance.abs() if both else distance.clamp_min(0)
    near = count // 2
    far = near + (size.clamp_min(near) / near).log() / math.log(FURTHEST / near) * (count - near)
    return ahead + torch.where(size < near, size, far.long().clamp_max(count - 1))
