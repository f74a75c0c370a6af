"""The transcription network: constant-Q spectrogram in; onsets, frames, velocities ... of 88 pitches out. Floor 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

PITCHES = 88
LOWEST = 21  # MIDI pitch of the first row
# mean probabilities of onsets and frames in clear recordings, and in those whose notes cannot be relied on
DOUBT = {"onset": (0.82, 0.76), "frame": (0.75, 0.65)}
DRUM_CLASSES = 3  # kick, snare, hats and all other


class HarmonicStack(nn.Module):
    """Shift a log-frequency spectrogram so that the harmonics of a pitch come to lie in the channels of one bin.

    Args:
        bins_per_octave: bins in an octave of the input.
        harmonics: multiples of the pitch's frequency.

    Source: Bittner et al., "Deep salience representations for f0 estimation in polyphonic music", ISMIR 2017.
    """

    def __init__(self, bins_per_octave: int, harmonics: Sequence[float]) -> None:
        super().__init__()
        logs = torch.log2(torch.tensor(list(harmonics), dtype=torch.float64))
        self.shifts = [round(float(x) * bins_per_octave) for x in logs]

    def forward(self, x: Tensor, bins: int) -> Tensor:
        """``[B, L, F]`` to ``[B, H, L, bins]``; what lies outside the spectrogram is zero."""
        low, high = max(0, -min(self.shifts)), max(0, max(self.shifts) + bins - x.shape[-1])
        x = nn.functional.pad(x, (low, high))
        return torch.stack([x[..., low + s : low + s + bins] for s in self.shifts], dim=1)


class Residual(nn.Module):
    """A 3 x 3 convolution, dilated in time and pitch, added to its input."""

    def __init__(self, channels: int, time: int, pitch: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, padding=(time, pitch), dilation=(time, pitch), bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, L, P]`` to the same shape."""
        y = nn.functional.relu(self.norm(self.convolution(x)), inplace=True)
        return x + y if torch.is_grad_enabled() else y.add_(x)  # in place: memory is what such a sum waits for


class Surroundings(nn.Module):
    """Tells every frame what the seconds around it sound like, as a bias of each channel.

    Whether an octave or a fifth above a note is a note of its own or belongs to its sound, as in organs and bells, can
    be heard from the other notes only.

    Args:
        channels: C.
        frames: over which is averaged.
    """

    def __init__(self, channels: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.inner = nn.Conv1d(2 * channels, 2 * channels, 1)
        self.outer = nn.Conv1d(2 * channels, channels, 1)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, L, P]`` to the same shape."""
        pooled = torch.stack([x.mean(-1), x.amax(-1)], dim=2).flatten(1, 2)
        mean = nn.functional.avg_pool1d(pooled, self.frames, 1, self.frames // 2, count_include_pad=False)
        bias = self.outer(nn.functional.relu(self.inner(mean[..., : x.shape[2]])))
        return x + bias[..., None]


class Activations(NamedTuple):
    """What the network finds, each ``[B, L, 88]``; drums ``[B, L, 3]``, of which a network may know none ``[B, L, 0]``.

    Args:
        onset: logit that a note begins.
        frame: logit that a note sounds.
        velocity: 0..1, where one begins.
        offset: logit that a note ends.
        bend: semitones from the pitch, where a note sounds.
        drums: logit that a kick, a snare, or another drum or cymbal is hit.
    """

    onset: Tensor
    frame: Tensor
    velocity: Tensor
    offset: Tensor
    bend: Tensor
    drums: Tensor


ROLLS = ("onset", "frame", "velocity", "offset", "bend")  # the activations by pitch


class DrumHead(nn.Module):
    """Hits by class, from the mean and the maximum of all pitches and what is just before and after.

    Args:
        channels: C.
        hidden: width.
    """

    def __init__(self, channels: int, hidden: int = 48) -> None:
        super().__init__()
        self.inner = nn.Conv1d(4 * channels, hidden, 5, padding=2)
        self.outer = nn.Conv1d(hidden, 2 * DRUM_CLASSES, 3, padding=1)

    @staticmethod
    def pool(x: Tensor) -> Tensor:
        """``[B, C, L / 2, P]`` to ``[B, 2 C, L / 2]``."""
        return torch.cat([x.mean(-1), x.amax(-1)], dim=1)

    def forward(self, before: Tensor, after: Tensor) -> Tensor:
        """What went into the blocks and what came out, both pooled, to logits ``[B, L, 3]``."""
        found = self.outer(nn.functional.relu(self.inner(torch.cat([before, after], dim=1))))  # [B, 3 x 2, L / 2]
        return found.unflatten(1, (DRUM_CLASSES, 2)).permute(0, 3, 2, 1).flatten(1, 2)


class Transcriber(nn.Module):
    """Polyphonic transcription of any instrument.

    The blocks work on every second frame, which halves their cost; the heads then answer for both frames.

    Args:
        bins_per_octave: of the constant-Q input, a multiple of 12, whose first bin is A0 (27.5 Hz).
        channels: width of the network.
        harmonics: what :class:`HarmonicStack` stacks.
        dilations: (time, pitch) dilation of each residual block.
        informed: numbers of the blocks before which :class:`Surroundings` tell of the seconds around.
        around: frames (of the input) that they average over.
        drums: whether drum hits are found, too.

    Example:
        >>> network = Transcriber(channels=8)
        >>> found = network(torch.zeros(1, 100, 294))
        >>> found.onset.shape
        torch.Size([1, 100, 88])
    """

    def __init__(
        self,
        *,
        bins_per_octave: int = 36,
        channels: int = 40,
        harmonics: Sequence[float] = (0.5, 1, 2, 3, 4, 5, 6, 7, 8),
        dilations: Sequence[Sequence[int]] = (
            *((1, 1), (1, 12), (2, 1), (4, 7), (8, 12)),
            *((1, 5), (1, 1), (16, 1), (1, 12)),
        ),
        informed: Sequence[int] = (2, 5, 8),
        around: int = 374,
        drums: bool = False,
    ) -> None:
        super().__init__()
        self.bins_per_octave, self.channels, self.around = bins_per_octave, channels, around
        self.harmonics, self.dilations = list(harmonics), [list(d) for d in dilations]
        self.informed = list(informed)
        self.step = bins_per_octave // 12
        self.stack = HarmonicStack(bins_per_octave, harmonics)
        kernel, stride = (6, 2 * self.step + 1), (2, self.step)
        self.entry = nn.Conv2d(len(harmonics), channels, kernel, stride=stride, padding=(2, 0), bias=False)
        self.register_parameter("pitch", nn.Parameter(torch.zeros(1, channels, 1, PITCHES)))
        self.norm = nn.BatchNorm2d(channels)
        self.blocks = nn.ModuleList(Residual(channels, time, pitch) for time, pitch in dilations)
        window = around // 2 + 1 - around // 2 % 2
        self.surroundings = nn.ModuleDict({str(i): Surroundings(channels, window) for i in informed})
        self.heads = nn.Conv2d(channels, 2 * len(ROLLS), 1)
        self.drums = DrumHead(channels) if drums else None

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        names = ("bins_per_octave", "channels", "harmonics", "dilations", "informed", "around")
        return {name: getattr(self, name) for name in names} | {"drums": self.drums is not None}

    def forward(self, x: Tensor) -> Activations:
        """Transcribe a spectrogram: log magnitudes ``[B, L, F]`` scaled to 0..1 (from 80 dB below the loudest)."""
        frames = x.shape[1]
        x = nn.functional.pad(x, (0, 0, 0, frames % 2))
        bins = self.step * (PITCHES + 1) + 1
        x = self.stack(nn.functional.pad(x, (self.step, 0)), bins)  # so that each window is centred on its pitch
        x = nn.functional.relu(self.norm(self.entry(x)) + self.pitch)
        before = self.drums.pool(x) if self.drums else x.new_zeros(0)
        for i, block in enumerate(self.blocks):
            x = block(self.surroundings[str(i)](x) if i in self.informed else x)
        drums = self.drums(before, self.drums.pool(x)) if self.drums else x.new_zeros(len(x), 2 * x.shape[2], 0)
        x = self.heads(x).unflatten(1, (-1, 2)).permute(1, 0, 3, 2, 4).flatten(2, 3)  # [5, B, L, P]
        onset, frame, velocity, offset, bend = x[:, :, :frames]
        return Activations(onset, frame, velocity, offset, bend, drums[:, :frames])
