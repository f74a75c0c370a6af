"""Sounds between those of several styles. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from restyle.errors import RestyleError
from restyle.methods.base import Profile
from restyle.methods.notewise import attack
from restyle.methods.notewise.timbre import Instrument, Tone

PARTS = "timbre"  # names of what was learnt of a style's notes begin so; of the second of a mixture with timbre1


class Mixture:
    """An instrument between others: levels in dB are averaged, partial by partial and band by band.

    Args:
        instruments: two or more.
        shares: of each; they add up to 1.
    """

    def __init__(self, instruments: Sequence[Instrument], shares: Sequence[float]) -> None:
        self.instruments, self.shares = list(instruments), list(shares)
        self.rate = max(instrument.rate for instrument in instruments)

    def tone(self, pitch: float, frames: int, rate: int, touch: float = 0.0) -> Tone:
        """Return a pitch as all would play it together; see `methods.notewise.timbre.Instrument`."""
        tones = [instrument.tone(pitch, frames, rate, touch) for instrument in self.instruments]

        def mean(values: Sequence[float]) -> float:
            return float(np.dot(self.shares, values))

        amplitude, noise = (
            _mean([getattr(tone, name) for tone in tones], self.shares) for name in ("amplitude", "noise")
        )
        level, stiffness, release = (
            mean([getattr(tone, name) for tone in tones]) for name in ("level", "stiffness", "release")
        )
        return Tone(amplitude, noise, level, stiffness, release)


def _mean(curves: Sequence[np.ndarray], shares: Sequence[float]) -> np.ndarray:
    """Weighted mean of dB ``[K, L]``; rows that some do not have are as in those that have them."""
    total = np.zeros((max(len(curve) for curve in curves), curves[0].shape[1]), np.float32)
    weight = np.zeros((len(total), 1), np.float32)
    for curve, share in zip(curves, shares, strict=True):
        total[: len(curve)] += share * curve
        weight[: len(curve)] += share
    return total / np.maximum(weight, 1e-9)


def mixture(profiles: Sequence[Profile], shares: Sequence[float]) -> Profile:
    """Join what methods that play notes learnt of several styles to a style between them.

    Args:
        profiles: of single styles.
        shares: how much of each there is, above 0 in sum; they are made to add up to 1.

    Raises:
        RestyleError: if shares are negative or all 0, or a style has no pitched notes.
    """
    given = np.asarray(shares, np.float64)
    if len(given) != len(profiles) or (given < 0).any() or not given.sum() > 0:
        raise RestyleError(
            f"a mixture of {len(profiles)} styles needs as many shares from 0 up, as .3,.7; not {shares}"
        )
    given = given / given.sum()
    result: Profile = {"mix": given, "channels": np.max([profile["channels"] for profile in profiles], axis=0)}
    result["unpitched"] = np.tensordot(given, np.stack([profile["unpitched"] for profile in profiles]), 1).astype("f4")
    result["attack"] = np.tensordot(given, np.stack([attack.of(profile) for profile in profiles]), 1).astype("f4")
    for i, profile in enumerate(profiles):
        own = {name: array for name, array in profile.items() if name.startswith(f"{PARTS}/")}
        if not own:
            raise RestyleError(f"style {i + 1} of the mixture has no pitched notes; choose another one")
        result |= {f"{PARTS}{i}/{name.removeprefix(f'{PARTS}/')}": array for name, array in own.items()}
    return result


def parts(profile: Profile) -> list[dict[str, np.ndarray]]:
    """Return what was learnt of the notes of each style of a profile: none, one, or those of a mixture."""
    names = [f"{PARTS}{i}/" for i in range(len(profile["mix"]))] if "mix" in profile else [f"{PARTS}/"]
    found = [{key.removeprefix(n): array for key, array in profile.items() if key.startswith(n)} for n in names]
    return [part for part in found if part]
