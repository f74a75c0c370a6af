"""Bars, a grid and the pedal: what a transcription says of them is what was played."""

from __future__ import annotations

import numpy as np
import pytest

from restyle.analysis.beats import Beats, onset_curves, track
from restyle.analysis.meter import Meter, estimate_meter, pedalled, quantised
from restyle.audio import Audio
from restyle.io.midi import read_midi, write_midi
from restyle.notes import Notes


def played(rng: np.random.Generator, count: int = 40) -> Notes:
    onset = np.sort(rng.uniform(0, 10, count))
    return Notes(onset, onset + rng.uniform(0.1, 1.0, count), 40 + np.arange(count), np.ones(count), np.zeros(count))


def beaten(bpm: float, start: float, count: int = 24) -> Beats:
    drift = 0.01 * np.sin(np.arange(count))
    return Beats(bpm, start + 60 / bpm * np.arange(count) + drift - drift[0], 0.9)


@pytest.mark.parametrize(("beats", "first"), [(4, 0), (4, 1), (4, 3), (3, 0), (3, 2)])
@pytest.mark.parametrize("start", [0.0, 0.31, 1.7])
def test_bars_begin_where_the_bass_plays(beats, first, start):
    found = beaten(110, start)
    rows = [(t, t + 0.3, 62, 0.5, 0) for t in found.times]
    rows += [(t, t + 0.5, 38, 0.8, 0) for t in found.times[first::beats]]
    meter = estimate_meter(found, Notes.of(rows))
    assert meter is not None and meter.beats == beats and meter.times[0] == 0
    downbeats = meter.times[meter.first :: beats]
    distance = np.abs(found.times[first::beats][:, None] - downbeats).min(axis=1)
    assert distance[1:].max() < 1e-9


def struck(pulse: float, clicks: tuple[float, ...], bass: tuple[int, ...]) -> tuple[Audio, Notes]:
    """Pulses from 0.2 s on: how loud the clicks of a bar are, and on which of its pulses a bass plays."""
    rate, t = 22050, np.arange(7000) / 22050
    click = 0.3 * np.random.default_rng(0).standard_normal(len(t)) * np.exp(-60 * t)
    low = 0.4 * sum(np.sin(2 * np.pi * 65.4 * k * t) / k for k in (1, 2, 3)) * np.exp(-5 * t)
    times = np.arange(0.2, 13.5, pulse)
    mix, rows = np.zeros(14 * rate), []
    for i, time in enumerate(times):
        sound = clicks[i % len(clicks)] * click
        if i % len(clicks) in bass:
            sound = sound + low
            rows.append((time, time + 0.3, 36, 0.8, 0))
        mix[round(time * rate) :][: len(sound)] += sound
    return Audio(mix, rate), Notes.of(rows)


@pytest.mark.parametrize(
    ("pulse", "clicks", "bass", "beats", "bar"),
    [
        (0.5, (1, 0.6, 0.6), (0,), 3, 1.5),
        (0.66, (1, 0.6, 0.6), (0,), 3, 1.98),
        (0.5, (1, 0.6, 0.8, 0.6), (0,), 4, 2.0),
        (0.2, (1, 0.4, 0.4, 0.8, 0.4, 0.4), (0,), 4, 2.4),  # 6/8: two bars of two beats count as one
        (0.2, (1, 0.4, 0.4, 0.8, 0.4, 0.4), (0, 3), 4, 2.4),
        (0.3, (1, 0.4, 0.4, 0.8, 0.4, 0.4), (0,), 3, 1.8),  # slow 6/8 passes for 3/4
    ],
    ids=["3/4", "slow 3/4", "4/4", "6/8", "6/8 with two basses", "slow 6/8"],
)
def test_bars_of_clicks_and_a_bass(pulse, clicks, bass, beats, bar):
    audio, notes = struck(pulse, clicks, bass)
    meter = estimate_meter(track(*onset_curves(audio)), notes)
    assert meter is not None and meter.beats == beats
    downbeats = meter.times[meter.first :: beats]
    assert np.abs(np.diff(downbeats) - bar).max() < 0.03
    assert np.abs(downbeats[1:, None] - notes.onset).min(axis=1).max() < 0.03


def test_without_a_steady_beat_there_are_no_bars():
    assert estimate_meter(Beats(0.0, np.zeros(0), 0.0), Notes.of([])) is None


@pytest.mark.parametrize("pickup", [0, 2])
def test_the_tempo_map_does_not_move_the_notes(tmp_path, pickup):
    notes = played(np.random.default_rng(0))
    times = np.concatenate([[0.0], beaten(97, 0.4).times])
    write_midi(tmp_path / "a.mid", notes, beats=times, bar=3, pickup=pickup)
    read = read_midi(tmp_path / "a.mid")
    assert np.abs(read.onset - notes.onset).max() < 1e-3 and np.abs(read.offset - notes.offset).max() < 1e-3
    data = (tmp_path / "a.mid").read_bytes()
    signature = bytes([0xFF, 0x58, 4])
    assert data.count(signature) == (2 if pickup else 1) and signature + bytes([3, 2, 24, 8]) in data


def test_beats_lie_on_whole_quarter_notes(tmp_path):
    times = np.concatenate([[0.0], beaten(97, 0.4).times])
    write_midi(tmp_path / "a.mid", Notes.of([(t, t + 0.2, 60, 1, 0) for t in times[1:9]]), beats=times)
    data, ticks, at = (tmp_path / "a.mid").read_bytes(), 0, []
    track = data[data.rindex(b"MTrk") + 8 :]
    place = 0
    while place < len(track) - 4:
        delta = 0
        while True:
            byte, place = track[place], place + 1
            delta = delta << 7 | byte & 0x7F
            if byte < 0x80:
                break
        ticks += delta
        if track[place] >> 4 == 9:
            at.append(ticks)
        place += 2 if track[place] >> 4 == 0xC else 3
    assert at == [960 * k for k in range(1, 9)]


def test_quantised_notes_lie_on_the_grid_and_keep_their_order():
    times = np.concatenate([[0.0], beaten(97, 0.4).times])
    meter = Meter(times, 4, 0)
    moved = quantised(played(np.random.default_rng(1)), meter, 16)
    for time in (moved.onset, moved.offset):
        steps = 4 * meter.place(time)
        assert np.abs(steps - np.round(steps)).max() < 1e-6
    assert np.all(moved.offset > moved.onset)


def test_with_the_pedal_it_sounds_the_same(tmp_path):
    rng, rows = np.random.default_rng(2), []
    for bar in range(4):
        end = 2 * bar + 1.9
        rows += [(2 * bar + 0.3 * k, end + 0.02 * rng.random(), 48 + 5 * k, 0.7, 0) for k in range(5)]
    notes = Notes.of(rows)
    keys, pedal = pedalled(notes)
    assert len(pedal) == 4 and keys.offset.sum() < notes.offset.sum() - 5
    write_midi(tmp_path / "a.mid", keys, pedal=pedal)
    read = read_midi(tmp_path / "a.mid")
    assert np.abs(np.sort(read.offset) - np.sort(notes.offset)).max() < 0.07


def test_no_pedal_where_another_note_ends_meanwhile():
    notes = Notes.of([(0, 2, 48, 1, 0), (0.5, 2, 60, 1, 0), (1.0, 2, 64, 1, 0), (0.6, 0.9, 72, 1, 0)])
    keys, pedal = pedalled(notes)
    assert pedal == [] and keys.offset.tolist() == notes.offset.tolist()
    assert pedalled(Notes.of([]))[1] == []
