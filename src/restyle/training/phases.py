"""Where the partials of known notes are in their cycles, in a sound. Floor 4."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from restyle.models.excitation import DRUMS, frequency, usual_phases

SIZE, HOP = 1024, 128  # samples of a window, and between two
RINGING = 0.1  # seconds after its end in which a note is still looked at
AWAY = 0.03  # a partial's largest distance from its place, as a part of its frequency


def phases(notes: Tensor, sound: Tensor, *, rate: int) -> Tensor:
    """Measure phase and mistuning of the partials of each note.

    One phase and one frequency for each partial of a note: they tell nothing of a sound's noise.

    Args:
        notes: ``[B, N, 5]``, as in `models/excitation.py`.
        sound: ``[B, T]``, in which they are heard.
        rate: Hz.

    Returns:
        Turns at the onset, and Hz from the partial's place, ``[B, N, P, 2]``, as `tones` takes them.
    """
    usual = usual_phases().to(sound)
    found = torch.stack([usual, torch.zeros_like(usual)], dim=-1).repeat(*notes.shape[:2], 1, 1)
    spectrum = torch.stft(
        sound, SIZE, HOP, window=torch.hann_window(SIZE).to(sound), pad_mode="constant", return_complex=True
    )
    time = torch.arange(spectrum.shape[-1], device=sound.device, dtype=torch.float64) * (HOP / rate)
    for row, table in enumerate(notes.double()):
        for note, (onset, offset, pitch, _, programme) in enumerate(table):
            inside = ((time >= onset) & (time < offset + RINGING)).nonzero()[:, 0]
            if len(inside) < 2 or programme == DRUMS:
                continue
            f0 = frequency(pitch)
            place = f0 * torch.arange(1, min(len(usual), math.ceil(0.5 * rate / float(f0)) - 1) + 1, device=sound.device)
            bins = (place * SIZE / rate).round().long()
            turns = place[:, None] * (time[inside] - onset)
            # spectra tell phases where their windows begin: in the middle, every other bin is turned
            heard = spectrum[row][bins][:, inside] * (1 - 2 * (bins % 2))[:, None]
            still = heard * _turned(-turns)
            away = torch.zeros_like(place)
            for lag in (1, max(1, len(inside) // 2)):  # the second tells exactly what the first told roughly
                rest = still * _turned(-away[:, None] * (time[inside] - onset))
                step = (rest[:, lag:] * rest[:, :-lag].conj()).sum(1).angle() / (2 * math.pi * lag)
                away = (away + step * rate / HOP).clamp(-AWAY * place, AWAY * place)
            start = (still * _turned(-away[:, None] * (time[inside] - onset))).sum(1).angle() / (2 * math.pi)
            found[row, note, : len(place), 0] = start + 0.25  # of sines, not of cosines
            found[row, note, : len(place), 1] = away.to(found)
    return found


def _turned(turns: Tensor) -> Tensor:
    angle = (2 * math.pi * turns.frac()).float()
    return torch.complex(angle.cos(), angle.sin())
