"""Notes to audio with a SoundFont, through FluidSynth (extra ``render``). Floor 3."""

from __future__ import annotations

import contextlib
import ctypes
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from restyle.audio import Audio
from restyle.errors import RestyleError, require
from restyle.notes import DRUMS, Notes, assign_channels

CHANNELS = 256  # of FluidSynth's synthesiser: all programmes of General MIDI may sound at once
PERIOD = 64  # samples that FluidSynth makes at once
BEND_STEP = 0.010  # s between two values of a pitch bend
BEND_RANGE = 2.0  # semitones that the pitch wheel reaches to either side
BEND_STEPS = 8192  # of the pitch wheel, to either side
OFF, PROGRAM, BEND, ON = range(4)  # events of one time in their order


class SoundFont:
    """A FluidSynth instance with one SoundFont loaded, rendering notes offline.

    Args:
        path: an ``.sf2`` or ``.sf3`` file.
        rate: sampling rate in Hz.
        reverb: whether FluidSynth's reverb and chorus are on.

    Raises:
        RestyleError: if FluidSynth is not installed or the SoundFont cannot be loaded.
    """

    def __init__(self, path: str | Path, *, rate: int = 44100, reverb: bool = False) -> None:
        require("render", "fluidsynth", what="rendering")
        try:
            with contextlib.redirect_stdout(io.StringIO()):  # it prints where CI is set
                import fluidsynth
        except ImportError as error:
            raise RestyleError("rendering needs FluidSynth's library; install the system package fluidsynth") from error
        self.rate, self._given, self._write = rate, 0, _writer(fluidsynth)
        room = {"synth.reverb.active": int(reverb), "synth.chorus.active": int(reverb)}
        self._synth = fluidsynth.Synth(gain=0.4, samplerate=float(rate), channels=CHANNELS, **room)
        self._font = self._synth.sfload(str(path))
        if self._font < 0:
            self._synth.delete()
            raise RestyleError(f"{path} is no SoundFont that FluidSynth can load; give an .sf2 or .sf3 file")

    def programmes(self) -> list[int]:
        """Return the General MIDI programmes that the SoundFont has; for others FluidSynth would play another one."""
        return [p for p in range(DRUMS) if self._synth.sfpreset_name(self._font, 0, p) is not None]

    def keys(self, programme: int) -> list[int]:
        """Return the MIDI numbers at which a programme (or `DRUMS`) sounds at all; what was playing is cut off."""
        self._synth.system_reset()
        if self._synth.program_select(0, self._font, *_preset(programme)) < 0:
            return []
        block, sounding = np.zeros((2, PERIOD), np.float32), []
        for key in range(128):
            self._synth.noteon(0, key, 100)
            if self._synth.get_active_voice_count():
                sounding.append(key)
            self._synth.all_sounds_off(0)
            self._play(block)
        return sounding

    def render(
        self,
        notes: Notes,
        *,
        duration: float | None = None,
        tail: float = 1.0,
        bends: Mapping[int, np.ndarray] | None = None,
    ) -> Audio:
        """Play notes, each programme on a channel of its own; silent ones are given on where there are more than 15.

        Args:
            notes: the notes; fractional pitches are rounded.
            duration: seconds of sound to make, so that a note that never ends cannot make it endless; by default
                up to the last note's end and ``tail`` seconds more.
            tail: seconds of sound after the last note's end.
            bends: programme -> semitones (-2..2) every 10 ms, by which all its notes are bent.

        Returns:
            Stereo audio of exactly ``duration``, full scale not exceeded.
        """
        duration = notes.duration + tail if duration is None else duration
        total = round(duration * self.rate)
        self._silence()
        out, done = np.zeros((2, total), np.float32), 0
        for time, kind, channel, value, velocity in self._events(notes, bends or {}):
            at = min(total, max(done, round(time * self.rate)))
            if at > done:
                self._play(out[:, done:at])
                done = at
            if at >= total:
                break
            if kind == ON:
                self._synth.noteon(channel, value, velocity)
            elif kind == OFF:
                self._synth.noteoff(channel, value)
            elif kind == PROGRAM:
                self._synth.program_select(channel, self._font, *_preset(value))
            else:
                self._synth.pitch_bend(channel, value)
        if done < total:
            self._play(out[:, done:])
        return Audio(np.clip(out, -1, 1, out=out), self.rate)

    def _silence(self) -> None:
        """Let what still sounds from the notes before fade away: a reset alone leaves releases and the room."""
        self._synth.system_reset()
        for _ in range(30):
            # notes start on a grid of periods: the next one begins with the sound
            block = np.zeros((2, self.rate // 10 - (self._given + self.rate // 10) % PERIOD), np.float32)
            self._play(block)
            if np.abs(block).max() < 1e-4:
                break

    def _play(self, out: np.ndarray) -> None:
        """Fill ``[2, T]``, rows of one array, with what sounds next."""
        left, right = (channel.ctypes.data_as(ctypes.c_void_p) for channel in out)
        self._write(self._synth.synth, out.shape[1], left, 0, 1, right, 0, 1)
        self._given += out.shape[1]

    def _events(self, notes: Notes, bends: Mapping[int, np.ndarray]) -> list[tuple[float, int, int, int, int]]:
        """(time, kind, channel, key or bend, velocity) in the order of time; of one time offs come first."""
        channels = assign_channels(notes, CHANNELS)
        timed = {p: np.stack([np.arange(len(curve)) * BEND_STEP, curve]) for p, curve in bends.items()}
        events = [(span.start, PROGRAM, span.channel, span.programme, 0) for span in channels.spans]
        for time, span, semitones in channels.moves(timed):
            value = min(BEND_STEPS - 1, max(-BEND_STEPS, round(semitones / BEND_RANGE * BEND_STEPS)))
            events.append((time, BEND, span.channel, value, 0))
        for i in range(len(notes)):
            channel, key = int(channels.of[i]), min(127, max(0, round(float(notes.pitch[i]))))
            velocity = min(127, max(1, round(float(notes.velocity[i]) * 127)))
            events.append((float(notes.onset[i]), ON, channel, key, velocity))
            events.append((float(notes.offset[i]), OFF, channel, key, 0))
        return sorted(events)

    def close(self) -> None:
        """Free the synthesiser."""
        self._synth.delete()


def _preset(programme: int) -> tuple[int, int]:
    """Bank and number of a programme."""
    return (128, 0) if programme == DRUMS else (0, programme)


def _writer(fluidsynth: Any) -> Any:
    """FluidSynth's output as floats: unlike 16 bits it has no dither, so that the same notes give the same samples."""
    names = ("synth", "len", "left", "left_offset", "left_step", "right", "right_offset", "right_step")
    pointers = {"synth", "left", "right"}
    arguments = ((name, ctypes.c_void_p if name in pointers else ctypes.c_int, 1) for name in names)
    return fluidsynth.cfunc("fluid_synth_write_float", ctypes.c_int, *arguments)
