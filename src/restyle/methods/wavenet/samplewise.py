"""The compiled loop of `methods/wavenet/generation.py`; importing it loads numba. Floor 4.

Matrices have a row for each input: a product adds up rows, which lie side by side in memory, four at a time. float32
throughout. The rational tanh differs from the true one by less than 1e-6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

OPTIONS: dict[str, Any] = {"cache": True, "fastmath": True, "nogil": True, "error_model": "numpy"}


@njit(inline="always", **OPTIONS)
def _add_product(x, matrix, out):  # type: ignore[no-untyped-def]  # numba infers them
    """Add the product of a vector and a matrix; the vector's length is a multiple of four."""
    for i in range(0, len(x), 4):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        one, two, three, four = matrix[i], matrix[i + 1], matrix[i + 2], matrix[i + 3]
        for j in range(len(out)):
            out[j] += a * one[j] + b * two[j] + c * three[j] + d * four[j]


@njit(inline="always", **OPTIONS)
def _tanh(x):  # type: ignore[no-untyped-def]
    """A quotient of polynomials, which unlike the library's function is computed for many values at once."""
    x = min(max(x, np.float32(-7.90531110763549805)), np.float32(7.90531110763549805))
    y = x * x
    top = np.float32(-2.76076847742355e-16)
    top = top * y + np.float32(2.00018790482477e-13)
    top = top * y + np.float32(-8.60467152213735e-11)
    top = top * y + np.float32(5.12229709037114e-08)
    top = top * y + np.float32(1.48572235717979e-05)
    top = top * y + np.float32(6.37261928875436e-04)
    top = top * y + np.float32(4.89352455891786e-03)
    bottom = np.float32(1.19825839466702e-06)
    bottom = bottom * y + np.float32(1.18534705686654e-04)
    bottom = bottom * y + np.float32(2.26843463243900e-03)
    bottom = bottom * y + np.float32(4.89352518554385e-03)
    return x * top / bottom


@njit(**OPTIONS)
def _draw(logits, temperature, chance, chances):  # type: ignore[no-untyped-def]
    """A class by its probability; the likeliest at temperature 0."""
    highest = 0
    for i in range(len(logits)):
        if logits[i] > logits[highest]:
            highest = i
    if temperature == 0:
        return highest
    total = np.float32(0)
    for i in range(len(logits)):
        chances[i] = np.exp((logits[i] - logits[highest]) / temperature)
        total += chances[i]
    left = chance * total
    for i in range(len(logits)):
        left -= chances[i]
        if left < 0:
            return i
    return highest


@njit(**OPTIONS)
def generate(  # type: ignore[no-untyped-def]
    entry, dilated, mix, bias, inner, inner_bias, outer, outer_bias, delays, kept, state, shifts, tuned, hop,
    temperature, given, draws, logits, result,
):  # fmt: skip
    """Make samples, or follow given ones.

    Args:
        entry: ``[256, C]``, what a class is to the first layer.
        dilated: ``[layers, 2 C, 2 C]``, rows are the earlier and the present input.
        mix: ``[layers, C, C + S]``, to residual and skip connections.
        bias: of these, ``[layers, C + S]``.
        inner: ``[S, S]``, on the sum of the skip connections.
        inner_bias: ``[S]``.
        outer: ``[S, 256]``, to the logits.
        outer_bias: ``[256]``.
        delays: dilation of each layer.
        kept: ``[sum of delays, C]``, the earlier inputs of all layers, in rings; changed.
        state: the last class, and the number of samples generated; changed.
        shifts: ``[L, layers, 2 C]``, what each layer adds in each frame.
        tuned: ``[T, C]``, what the first layer takes beside the last sample; empty for nothing.
        hop: samples of a frame.
        temperature: 0 takes the likeliest.
        given: classes to follow; empty to draw them.
        draws: a chance 0..1 for each sample.
        logits: ``[T, 256]``, filled; empty where they are not needed.
        result: classes ``[T]``, filled.
    """
    layers, channels, skips = len(delays), entry.shape[1], inner.shape[0]
    x, both = np.zeros(channels, np.float32), np.zeros(2 * channels, np.float32)
    gated, mixed = np.zeros(2 * channels, np.float32), np.zeros(channels + skips, np.float32)
    wave, skip = np.zeros(channels, np.float32), np.zeros(skips, np.float32)
    hidden, found = np.zeros(skips, np.float32), np.zeros(outer.shape[1], np.float32)
    chances = np.zeros_like(found)
    half, zero = np.float32(0.5), np.float32(0)
    for t in range(len(result)):
        x[:] = entry[state[0]]
        if len(tuned):
            for i in range(channels):
                x[i] += tuned[t, i]
        skip[:] = 0
        base = 0
        for k in range(layers):
            row = base + state[1] % delays[k]
            base += delays[k]
            for i in range(channels):
                both[i] = kept[row, i]
                both[channels + i] = x[i]
                kept[row, i] = x[i]
            gated[:] = shifts[t // hop, k]
            _add_product(both, dilated[k], gated)
            for i in range(channels):
                wave[i] = _tanh(gated[i]) * (half + half * _tanh(half * gated[channels + i]))
            mixed[:] = bias[k]
            _add_product(wave, mix[k], mixed)
            for i in range(channels):
                x[i] += mixed[i]
            for i in range(skips):
                skip[i] += mixed[channels + i]
        for i in range(skips):
            skip[i] = max(skip[i], zero)
        hidden[:] = inner_bias
        _add_product(skip, inner, hidden)
        for i in range(skips):
            hidden[i] = max(hidden[i], zero)
        found[:] = outer_bias
        _add_product(hidden, outer, found)
        if len(logits):
            logits[t] = found
        state[0] = given[t] if len(given) else _draw(found, temperature, draws[t], chances)
        state[1] += 1
        result[t] = state[0]
