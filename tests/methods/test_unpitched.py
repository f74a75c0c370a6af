"""What is kept of a content beside its notes: drums, but not the attacks of the notes themselves."""

import numpy as np

from restyle.audio import Audio
from restyle.methods.notewise import unpitched
from restyle.notes import Notes

RATE = 22050
ONSETS = np.arange(0.25, 7.75, 0.5)
NOTES = Notes.of([(onset, onset + 0.4, 60 + 2 * i % 12, 0.8, 0) for i, onset in enumerate(ONSETS)])


def tune():
    """Steady notes with eight partials, [T]."""
    time = np.arange(8 * RATE) / RATE
    made = np.zeros(len(time))
    for onset, offset, pitch in zip(NOTES.onset, NOTES.offset, NOTES.pitch, strict=True):
        since = time - onset
        held = np.clip(since / 0.005, 0, 1) * np.clip((offset - time) / 0.02, 0, 1)
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        made += 0.1 * held * sum(np.sin(2 * np.pi * k * f0 * since) / k for k in range(1, 9))
    return made


def strikes(times):
    """Short bursts of noise, [T]."""
    rng, made = np.random.default_rng(0), np.zeros(8 * RATE)
    for time in times:
        at = round(time * RATE)
        made[at : at + RATE // 20] += 0.5 * rng.standard_normal(RATE // 20) * np.linspace(1, 0, RATE // 20)
    return made


def kept(sound, notes=NOTES, doubt=0.0):
    """The power of what is kept, in dB of the strikes."""
    content = Audio(sound[None].astype(np.float32), RATE)
    profile = unpitched.fit([content])
    made = unpitched.keep(content, notes, profile, 1.0, doubt, lambda _: None)
    return 10 * np.log10(np.mean(np.square(made.samples)) / np.mean(np.square(strikes(ONSETS))) + 1e-12)


def test_strikes_between_notes_are_kept():
    assert kept(tune() + strikes(ONSETS - 0.2)) > -6


def test_strikes_with_which_the_notes_begin_are_theirs():
    assert kept(tune() + strikes(ONSETS)) < -60


def test_drums_that_also_strike_with_notes_are_kept_there_too():
    both = np.concatenate([ONSETS, ONSETS + 0.25])
    assert kept(tune() + strikes(both)) > -6


def test_with_doubt_and_without_notes_all_is_kept():
    whole = tune() + strikes(ONSETS)
    assert kept(whole, doubt=1.0) > 0
    assert kept(strikes(ONSETS), Notes.of([])) > -6


def test_where_notes_begin_all_the_time_nothing_is_taken_for_their_attacks():
    notes = Notes.of([(onset, onset + 0.05, 60, 0.8, 0) for onset in np.arange(0, 8, 0.05)])
    assert kept(strikes(ONSETS), notes) > -6
