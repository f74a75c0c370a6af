"""The arranger's decoder event by event, on arrays: for one event alone they take half the time of tensors. Floor 4."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from restyle.arrangement.layers import LookingLayer
from restyle.arrangement.model import Arranger, relation

Pair = tuple[np.ndarray, np.ndarray]  # weights, as they are multiplied from the right, and biases
ROOM = 1024  # events, at first


class Writer:
    """What `model.Arranger.forward` does, one event at a time, with the keys and values of those before kept.

    Args:
        network: whose decoder it is.

    Attributes:
        count: how many events are kept.
    """

    def __init__(self, network: Arranger) -> None:
        self.moves, self.pitches = _plain(network.moves.weight), _plain(network.pitches.weight)
        self._tables = [self.moves, self.pitches, _plain(network.durations.weight), _plain(network.families.weight)]
        self._looking = [layer for layer in network.decoder if isinstance(layer, LookingLayer)]
        self._layers = [_Layer(layer) for layer in self._looking]
        self._last, self._move = _norm(network.wrote), _linear(network.move)
        self._pitch, self._duration = ((_linear(c.first), _linear(c.last)) for c in (network.pitch, network.duration))
        self._back = network.in_written.back
        heads = self._looking[0].own.heads
        self._cache = np.zeros((len(self._layers), 2, heads, ROOM, self.moves.shape[1] // heads), np.float32)
        self._near = _plain(self._back(ROOM))
        self._relations = _plain(network.relations.weight.T)
        self.count = 0

    def look(self, draft: Tensor, bars: Tensor, memory: Tensor) -> None:
        """Look at a draft's events ``[1, S, 5]``, their bars ``[1, S]``, and both encoded with beats ``[1, M, C]``."""
        self._draft, self._bars = draft, bars
        self._memory = [_plain(torch.cat(layer.other.keys(memory))) for layer in self._looking]
        self._close = np.zeros((len(self._relations), memory.shape[1]), np.float32)

    def step(self, event: tuple[int, int, int, int], bar: int, at: np.ndarray) -> np.ndarray:
        """Go on with one event, and return the decoder's state ``[C]``.

        Args:
            event: move, pitch, duration and family.
            bar: in which it begins.
            at: the encoded beat at which it does, ``[C]``.
        """
        if self.count == self._cache.shape[3]:
            self._cache = np.concatenate([self._cache, np.zeros_like(self._cache)], axis=3)
            self._near = _plain(self._back(self._cache.shape[3]))
        self.count += 1
        x = sum((table[code] for table, code in zip(self._tables, event, strict=True)), at)
        near = self._near[:, -self.count :]
        close = relation(torch.tensor([[event]]), torch.tensor([[bar]]), self._draft, self._bars)[0, 0].numpy()
        self._close[:, : len(close)] = self._relations[:, close]
        for layer, cache, keys in zip(self._layers, self._cache, self._memory, strict=True):
            x = layer.step(x, cache[:, :, : self.count], near, keys, self._close)
        return _normed(x, self._last)

    def forget(self, count: int) -> None:
        """Drop the first events."""
        self._cache[..., : self.count - count, :] = self._cache[..., count : self.count, :].copy()
        self.count -= count

    def move(self, state: np.ndarray) -> np.ndarray:
        """Return the logits of the next move."""
        return _times(state, self._move)

    def pitch(self, state: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Return the logits of a pitch; ``chosen`` is the move's embedding and the beat at which the note begins."""
        return _chosen(state, chosen, self._pitch)

    def duration(self, state: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        """Return the logits of a duration; ``chosen`` is that of the pitch, and the pitch's embedding."""
        return _chosen(state, chosen, self._duration)


class _Layer:
    """The weights of a layer."""

    def __init__(self, layer: LookingLayer) -> None:
        self.first, self.second, self.third = (_norm(norm) for norm in (layer.first, layer.second, layer.third))
        self.own, self.out = _linear(layer.own.query, layer.own.key), _linear(layer.own.out)
        self.query, self.other = _linear(layer.other.query), _linear(layer.other.out)
        self.wide, self.narrow = _linear(layer.wide), _linear(layer.narrow)

    def step(
        self, x: np.ndarray, cache: np.ndarray, near: np.ndarray, keys: np.ndarray, close: np.ndarray
    ) -> np.ndarray:
        """Return the output ``[C]`` for the last of the events in a cache, which gets its keys and values."""
        found = _times(_normed(x, self.first), self.own).reshape(3, len(cache[0]), -1)
        query, cache[:, :, -1] = found[0], found[1:]
        x = x + _times(_seen(query, cache, near), self.out)
        query = _times(_normed(x, self.second), self.query).reshape(query.shape)
        x = x + _times(_seen(query, keys, close), self.other)
        return np.asarray(x + _times(_gelu(_times(_normed(x, self.third), self.wide)), self.narrow))


def _plain(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.detach().numpy())


def _linear(*layers: nn.Linear) -> Pair:
    """The weights of layers side by side."""
    weight, bias = (torch.cat([getattr(layer, name) for layer in layers]) for name in ("weight", "bias"))
    return _plain(weight.T), _plain(bias)


def _norm(layer: nn.LayerNorm) -> Pair:
    return _plain(layer.weight), _plain(layer.bias)


def _times(x: np.ndarray, pair: Pair) -> np.ndarray:
    return np.asarray(x @ pair[0] + pair[1])


def _normed(x: np.ndarray, pair: Pair) -> np.ndarray:
    x = x - x.mean()
    return np.asarray(x * np.float32(1 / np.sqrt(x.dot(x) / len(x) + 1e-5)) * pair[0] + pair[1])


def _gelu(x: np.ndarray) -> np.ndarray:
    inner = np.float32(np.sqrt(2 / np.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(np.float32(0.5) * x * (1 + np.tanh(inner)))


def _seen(query: np.ndarray, keys: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """What a query of each head ``[H, D]`` sees of keys and values ``[2, H, M, D]``."""
    logits = (keys[0] @ query[:, :, None])[..., 0] * np.float32(query.shape[1] ** -0.5) + bias
    part = np.exp(logits - logits.max(axis=1, keepdims=True))
    part /= part.sum(axis=1, keepdims=True)
    return np.asarray((part[:, None] @ keys[1]).reshape(-1))


def _chosen(state: np.ndarray, chosen: np.ndarray, layers: tuple[Pair, Pair]) -> np.ndarray:
    return _times(_gelu(_times(np.concatenate([state, chosen]), layers[0])), layers[1])
