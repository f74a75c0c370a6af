"""Notes as raw sound: harmonic tones, group of partials by group, and noise, to be shaped by a network. Floor 4.

Notes are tensors ``[B, N, 5]``: onset s, offset s, pitch (MIDI, fractions allowed), velocity 0..1, programme. Rows of
NaN are padding, drums (programme 128) are left out, and onsets may lie before time 0.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from restyle.dsp.pitch import midi_to_hz

DRUMS = 128
FIRST = (1, 2, 3, 4, 5, 7, 10, 15, 23, 35, 53, 81, 121)  # partial of each group; the last group goes up to 180
LAST = (*(partial - 1 for partial in FIRST[1:]), 180)
GROUPS = len(FIRST)
ATTACK = 0.003  # seconds in which a note is faded in
RELEASE = 0.4  # seconds that a note may go on after its end
EDGES = (0, 250, 500, 1000, 2000, 3500, 5500, 8000)  # Hz, of the bands of noise
BANDS = len(EDGES) - 1
PERIOD = 2**16  # samples after which the noise comes again


class Sounding(NamedTuple):
    """Every frame of every note, each ``[M]``.

    Args:
        row: of the batch.
        frame: of the sound.
        onset: seconds since the note began, at the start of the frame; float64, below 0 where it begins inside.
        offset: seconds since it ended, below 0 while it is held.
        pitch: MIDI.
        velocity: 0..1.
    """

    row: Tensor
    frame: Tensor
    onset: Tensor
    offset: Tensor
    pitch: Tensor
    velocity: Tensor


def sounding(notes: Tensor, frames: int, *, hop: int, rate: int) -> Sounding:
    """List the frames in which notes ``[B, N, 5]`` sound, until `RELEASE` after their end.

    Example:
        >>> notes = torch.tensor([[[0.016, 0.040, 60, 0.5, 0], [float("nan")] * 5]])
        >>> sounding(notes, 3, hop=160, rate=16000).frame.tolist()
        [1, 2]
    """
    onset, offset, pitch, velocity, programme = notes.double().unbind(-1)
    known = ~onset.isnan() & (programme != DRUMS)
    time = torch.arange(frames, device=notes.device, dtype=torch.float64) * (hop / rate)
    after = onset[..., None] < time + hop / rate
    here = known[..., None] & after & (offset[..., None] + RELEASE > time)
    row, note, frame = here.nonzero(as_tuple=True)
    since = time[frame] - onset[row, note]
    ended = time[frame] - offset[row, note]
    return Sounding(row, frame, since, ended.float(), pitch[row, note].float(), velocity[row, note].float())


def harmonics(notes: Sounding, *, hop: int, rate: int) -> Tensor:
    """Return the groups of partials of every frame of every note, ``[M, K, hop]``, each of root mean square 1.

    All partials start as sines at the onset and lie below half the rate. A group's sum has a closed form: it costs two
    sines, however many partials it has.
    """
    f0 = midi_to_hz(notes.pitch.double())
    sample = torch.arange(hop, device=f0.device) / rate
    cycles = (notes.onset * f0)[:, None] + f0[:, None] * sample
    # half the first partial's phase; a group's sum is the same a half turn later, and well behaved around 0
    phase = (math.pi * (cycles - cycles.round())).float()[:, None] + 1e-9
    first = torch.tensor(FIRST, device=f0.device)
    highest = (0.5 * rate / f0).ceil().long() - 1
    last = torch.minimum(torch.tensor(LAST, device=f0.device), highest[:, None])
    count = (last - first + 1).clamp_min(0)
    middle, many = (first + last)[..., None].float(), count[..., None].float()
    wave = (middle * phase).sin() * (many * phase).sin() / phase.sin()
    level = math.sqrt(2) / many.clamp_min(1).sqrt()
    since = notes.onset.float()[:, None] + sample
    fade = (since / ATTACK).clamp(0, 1) * ((RELEASE - notes.offset[:, None] - sample) / (RELEASE / 4)).clamp(0, 1)
    return wave * (level * (count[..., None] > 0)) * fade[:, None]


def tones(notes: Tensor, frames: int, *, hop: int, rate: int) -> Tensor:
    """Return the groups of partials of all notes together, as loud as their velocities, ``[B, K, frames * hop]``.

    Args:
        notes: ``[B, N, 5]``.
        frames: to make.
        hop: samples of a frame.
        rate: Hz.

    Example:
        >>> tones(torch.tensor([[[0.0, 1.0, 69, 0.5, 0]]]), 10, hop=160, rate=16000).shape
        torch.Size([1, 13, 1600])
    """
    played = sounding(notes, frames, hop=hop, rate=rate)
    result = harmonics(played, hop=hop, rate=rate) * played.velocity[:, None, None]
    total = result.new_zeros(len(notes) * frames, GROUPS, hop)
    total.index_add_(0, played.row * frames + played.frame, result)
    return total.view(len(notes), frames, GROUPS, hop).transpose(1, 2).flatten(2)


class Noise(nn.Module):
    """White noise cut into bands, the same samples at the same place, again after four seconds (at 16 kHz).

    Args:
        rate: Hz.
    """

    table: Tensor

    def __init__(self, rate: int = 16000) -> None:
        super().__init__()
        white = torch.randn(PERIOD, generator=torch.Generator().manual_seed(0))
        spectrum = torch.fft.rfft(white)
        place = torch.arange(len(spectrum)) * (rate / PERIOD)
        bands = [(place >= low) & (place < high) for low, high in pairwise(EDGES)]
        table = torch.fft.irfft(spectrum * torch.stack(bands))
        self.register_buffer("table", table / table.square().mean(1, keepdim=True).sqrt(), persistent=False)

    def forward(self, start: int, length: int) -> Tensor:
        """Return samples ``start`` to ``start + length`` of all bands, ``[bands, T]``, each of root mean square 1."""
        return self.table[:, torch.arange(start, start + length, device=self.table.device) % PERIOD]
