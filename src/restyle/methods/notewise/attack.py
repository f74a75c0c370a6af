"""How sharply a style's notes begin: what windows blur is measured, and given to the notes played. Floor 4.

Envelopes that are read in windows of 64 ms rise over half of one; a hammer, a plectrum or a tongue is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from restyle.audio import Audio
from restyle.methods.base import Profile
from restyle.notes import Notes

STEP = 0.002  # seconds between two values of an attack
LENGTH = 0.1  # seconds of it
SETTLED = 0.06  # seconds after the onset from which on the level is that of the note
STEEP = 0.01  # seconds before and after an onset whose powers tell where exactly it is
NEAR = 0.04  # seconds between where it is and where it was found, at most
TOGETHER, ALONE = 0.03, 0.12  # seconds: notes that begin as one, and how long no other may before and after
FEWEST, MOST = 3, 24  # notes
RINGING = 0.1  # part of the power of an onset that other notes may have before it
SHARE = 0.6  # of the difference that is made up for: it lies in few bands, the change in all
SOFTEST, LOUDEST = -6.0, 12.0  # dB
STRUCK = 0.0  # dB of the first 10 ms above the settled level: what is struck or plucked, not blown or bowed

Play = Callable[[float, float, int], np.ndarray]


def learn(style: Sequence[Audio], notes: Sequence[Notes], play: Play) -> np.ndarray:
    """Measure by how much the attacks of a style are louder than those of the same notes as they are played.

    Args:
        style: recordings.
        notes: of each.
        play: plays a pitch for some seconds at a rate.

    Returns:
        dB every 2 ms from the onset on, ``[50]``; 0 where fewer than three notes begin alone, or none is
        struck or plucked: slower attacks are not blurred.

    Source: attacks beside partials and noise, as in Verma and Meng, "Extending spectral modeling synthesis with
    transient modeling synthesis", Computer Music Journal 2000.
    """
    heard: list[np.ndarray] = []
    changes: list[np.ndarray] = []
    late: list[int] = []
    for clip, found in zip(style, notes, strict=True):
        power = _power(clip.mono(), clip.rate)
        for i in _alone(found)[: MOST - len(changes)]:
            sound = play(float(found.pitch[i]), float(found.offset[i] - found.onset[i]), clip.rate)
            before = round(NEAR * clip.rate)
            sound = np.pad(sound, (before, before + round(LENGTH * clip.rate)))
            own, played = _attack(power, float(found.onset[i])), _attack(_power(sound, clip.rate), NEAR)
            if own is not None and played is not None:
                heard.append(own[0])
                changes.append(own[0] - played[0])
                late.append(played[1] - round(NEAR / STEP))
    if len(changes) < FEWEST or np.median(heard, axis=0)[: round(STEEP / STEP)].mean() < STRUCK:
        return np.zeros(round(LENGTH / STEP), np.float32)
    change = np.convolve(np.pad(np.median(changes, axis=0), 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    later = max(0, round(float(np.median(late))))  # a note as it is played begins before it rises
    change = SHARE * np.pad(change, (later, 0))[: len(change)]
    fading = np.minimum(1, (LENGTH - np.arange(len(change)) * STEP) / (LENGTH - SETTLED))
    return np.asarray(np.clip(change, SOFTEST, LOUDEST) * fading, np.float32)


def of(profile: Profile) -> np.ndarray:
    """Return what was learnt of a style's attacks; nothing of one that was learnt before they were."""
    return np.asarray(profile.get("attack", np.zeros(round(LENGTH / STEP), np.float32)))


def shaped(sound: np.ndarray, change: np.ndarray, rate: int) -> np.ndarray:
    """Return a note ``[T]`` whose attack is louder by what was learnt."""
    if not change.any():
        return sound
    count = min(len(sound), round(LENGTH * rate))
    at = np.arange(count) / (STEP * rate) - 0.5
    sound = sound.copy()
    sound[:count] *= (10 ** (np.interp(at, np.arange(len(change)), change, right=0) / 20)).astype(np.float32)
    return sound


def _power(sound: np.ndarray, rate: int) -> np.ndarray:
    """Mean power every 2 ms, ``[L]``."""
    edges = np.round(np.arange(int(len(sound) / (STEP * rate)) + 1) * STEP * rate).astype(int)
    total = np.concatenate([[0], np.cumsum(np.square(sound, dtype=np.float64))])
    return np.asarray(np.diff(total[edges]) / np.diff(edges))


def _attack(power: np.ndarray, onset: float) -> tuple[np.ndarray, int] | None:
    """Decibels above the settled level, every 2 ms from the steepest rise on, and where that is."""
    width, length, near, middle = (round(seconds / STEP) for seconds in (STEEP, LENGTH, NEAR, onset))
    places = np.arange(max(width, middle - near), min(len(power) - length, middle + near + 1))
    if not len(places):
        return None
    total = np.concatenate([[0], np.cumsum(power)])
    later, earlier = total[places + width] - total[places], total[places] - total[places - width]
    first = int(places[np.argmax(later / (earlier + RINGING * later.max() + 1e-12))])
    piece = power[first : first + length]
    settled = piece[round(SETTLED / STEP) :].mean() + 1e-12
    return np.asarray(10 * np.log10(piece / settled + 1e-3)), first


def _alone(notes: Notes) -> np.ndarray:
    """Numbers of the notes that begin alone, or as one with others, and are held as long as an attack."""
    order = np.unique(notes.onset)
    starts = order[np.diff(order, prepend=-np.inf) > TOGETHER]
    gap = np.diff(starts, prepend=-np.inf, append=np.inf)
    free = starts[np.minimum(gap[:-1], gap[1:]) > ALONE]
    return np.flatnonzero(np.isin(notes.onset, free) & (notes.offset - notes.onset > LENGTH))
