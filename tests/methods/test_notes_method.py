import logging

import numpy as np
import pytest

from restyle.analysis.partials import measure
from restyle.analysis.transcriber.infer import transcribe
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.errors import RestyleError, collect
from restyle.methods.notewise.note_synth import NoteSynthMethod
from restyle.methods.notewise.notes import NotesMethod
from restyle.notes import DRUMS, Notes

RATE = 22050
MELODY = [(0.2 + 0.5 * i, 0.45, pitch) for i, pitch in enumerate((60, 64, 67, 72, 65, 62))]


def tones(rows, seconds, weight, rate=RATE, *, vibrato=0.0, decay=1.0):
    """Harmonic notes, [T]: rows of (onset s, length s, pitch[, level]); ``weight`` gives partial k's amplitude."""
    sound = np.zeros(round(seconds * rate))
    for onset, length, pitch, *level in rows:
        first = round(onset * rate)
        t = np.arange(min(round(length * rate), len(sound) - first)) / rate
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        cycles = np.cumsum(f0 * 2 ** (vibrato * np.sin(2 * np.pi * 5.5 * t) / 12)) / rate
        tone = sum(weight(k) * np.sin(2 * np.pi * k * cycles) for k in range(1, 30) if f0 * k < 0.45 * rate)
        fade = np.minimum(1, np.minimum(t / 0.02, (length - t) / 0.03))
        sound[first : first + len(t)] += 0.15 * (level[0] if level else 1) * tone * np.exp(-decay * t) * fade
    return sound


def flute(k):
    return 0.25 ** (k - 1)


def sawtooth(k):
    return 1 / k


CONTENT = tones(MELODY, 3.4, flute)
STYLE = tones([(0.1 + 0.6 * i, 0.55, p) for i, p in enumerate((55, 59, 62, 67, 71))], 3.2, sawtooth)


@pytest.fixture(scope="module", params=[NotesMethod, NoteSynthMethod])
def method(request):
    return request.param()


@pytest.fixture(scope="module")
def profile(method):
    return method.fit([Audio(STYLE, RATE)])


@pytest.fixture(scope="module")
def made(method, profile):
    return method.apply(Audio(CONTENT, RATE), profile)


def partials(samples, onset, pitch, count=6, rate=RATE):
    """Amplitudes of a note's partials in the middle of a note of 0.45 s."""
    piece = samples[round((onset + 0.1) * rate) : round((onset + 0.3) * rate)]
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece)), 2**16))
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    at = [round(f0 * k * 2**16 / rate) for k in range(1, count + 1)]
    return np.array([spectrum[a - 12 : a + 13].max() for a in at])


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def test_plays_the_contents_pitches(made):
    notes = transcribe(made).notes
    for onset, _, pitch in MELODY:
        assert np.any((notes.pitch == pitch) & (np.abs(notes.onset - onset) < 0.06)), pitch
    assert len(notes) <= len(MELODY) + 1


def test_sounds_like_the_style(made):
    """Second to fifth partials against the first: -12 to -48 dB in the content, -6 to -14 dB in the style."""
    for onset, _, pitch in MELODY:
        heard = [20 * np.log10(partials(x, onset, pitch)) for x in (CONTENT, made.samples[0])]
        before, after = (x[1:5] - x[0] for x in heard)
        wanted = 20 * np.log10(1 / np.arange(2, 6))
        assert np.abs(before - wanted).mean() > 12
        assert np.abs(after - wanted).mean() < 3


def test_strength_is_continuous(method, profile, made):
    content = Audio(CONTENT, RATE)
    near, half = (method.apply(content, profile, strength=s).samples for s in (0.01, 0.5))
    assert rms(near - content.samples) < 0.03 * rms(content.samples)
    assert half == pytest.approx((content.samples + made.samples) / 2, abs=1e-5)


def test_a_seed_repeats_and_another_does_not(method, profile, made):
    content = Audio(CONTENT, RATE)
    assert np.array_equal(method.apply(content, profile).samples, made.samples)
    assert rms(method.apply(content, profile, seed=1).samples - made.samples) > 0.05 * rms(made.samples)


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
@pytest.mark.parametrize("channels", [1, 2, 4])
def test_keeps_rate_channels_and_length(method, profile, rate, channels):
    sound = tones(MELODY[:3], 1.7, flute, rate)[: round(1.7 * rate) - 7]
    made = method.apply(Audio(np.stack([sound] * channels), rate), profile)
    assert (made.rate, made.samples.shape) == (rate, (channels, len(sound)))
    assert np.isfinite(made.samples).all()
    onset, _, pitch = MELODY[1]
    wanted, other = (partials(made.samples[-1], onset, p, 1, rate)[0] for p in (pitch, pitch + 2))
    assert wanted > 5 * other


@pytest.mark.parametrize("length", [1, 100, 3000])
def test_next_to_nothing_stays_that_long(method, profile, length):
    made = method.apply(Audio(CONTENT[8000 : 8000 + length], RATE), profile)
    assert made.length == length and np.isfinite(made.samples).all()


def test_a_content_without_notes_is_kept_in_the_styles_tone(method, profile):
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE) * np.exp(-8 * (np.arange(2 * RATE) / RATE % 0.5))
    made = method.apply(Audio(noise, RATE), profile)
    assert 0.3 * rms(noise) < rms(made.samples) < 3 * rms(noise)


def test_plays_notes_without_a_recording(method, profile):
    rows = [(onset, onset + length, pitch, 0.8, 0) for onset, length, pitch in MELODY]
    made = method.apply(Notes.of(rows), profile)
    assert made.rate == RATE
    assert made.length == round((MELODY[-1][0] + MELODY[-1][1] + 1.0) * RATE)
    found = transcribe(made).notes
    for onset, _, pitch in MELODY:
        assert np.any((found.pitch == pitch) & (np.abs(found.onset - onset) < 0.06)), pitch
    again = method.apply(Notes.of(rows), profile)
    assert np.array_equal(made.samples, again.samples)


def test_midi_and_a_recording_of_it_are_played_alike(method, profile, made):
    """The same notes sound at the same times, whether they come as MIDI or are found in a recording."""
    notes = Notes.of([(onset, onset + length, pitch, 0.8, 0) for onset, length, pitch in MELODY])
    written = method.apply(notes, profile)
    found = [transcribe(sound).notes for sound in (made, written)]
    assert found[0].pitch.tolist() == found[1].pitch.tolist() == [pitch for _, _, pitch in MELODY]
    assert found[0].onset == pytest.approx(found[1].onset, abs=0.04)
    for onset, _, pitch in MELODY:
        one, other = (partials(sound.mono(), onset, pitch) for sound in (made, Audio(written.samples, written.rate)))
        assert 20 * np.log10(one[1:4] / one[0]) == pytest.approx(20 * np.log10(other[1:4] / other[0]), abs=4)


def test_a_style_of_one_note_plays_a_melody(method):
    one = method.fit([Audio(tones([(0.2, 0.8, 60)], 1.4, sawtooth), RATE)])
    made = method.apply(Audio(CONTENT, RATE), one)
    assert transcribe(made).notes.pitch.tolist() == [pitch for _, _, pitch in MELODY]
    onset, _, pitch = MELODY[0]
    heard = partials(made.mono(), onset, pitch, count=3)
    assert 20 * np.log10(heard[1] / heard[0]) > -12  # a flute's is 12 dB down, a sawtooth's 6


def test_drums_alone_stay(method, profile, clicks):
    content = Audio(clicks, RATE)
    made = method.apply(content, profile)
    assert made.length == content.length and 0.1 < rms(made.samples) / rms(content.samples) < 3
    struck = np.convolve(np.abs(content.mono()), np.ones(200), "same") > 1
    level = np.abs(made.mono())
    assert level[struck].mean() > 3 * level[~struck].mean()


def test_velocity_is_loudness(method, profile):
    made = method.apply(Notes.of([(0, 0.5, 60, 0.3, 0), (1.5, 2, 60, 0.9, 0)]), profile).samples[0]
    soft, loud = made[: RATE // 2], made[round(1.5 * RATE) :][: RATE // 2]
    assert 20 * np.log10(rms(loud) / rms(soft)) == pytest.approx(30 * np.log10(3), abs=1.5)


def test_drums_of_notes_are_left_out_with_a_warning(method, profile, caplog):
    with caplog.at_level(logging.WARNING, "restyle"):
        made = method.apply(Notes.of([(0, 0.5, 60, 0.8, 0), (0, 0.1, 36, 0.8, DRUMS)]), profile)
    assert "drums" in caplog.text and made.samples.any()


@pytest.fixture(scope="module")
def clicks():
    t = np.arange(3 * RATE) / RATE
    return np.random.default_rng(0).normal(0, 0.3, len(t)) * np.exp(-40 * (t % 0.5))


def test_a_style_without_pitch_keeps_the_content_and_says_so(method, clicks, caplog):
    with caplog.at_level(logging.WARNING, "restyle"):
        profile = method.fit([Audio(clicks, RATE)])
    assert "no pitched notes" in caplog.text
    made = method.apply(Audio(CONTENT, RATE), profile)
    found = transcribe(made).notes
    assert all(np.any((found.pitch == p) & (np.abs(found.onset - t) < 0.06)) for t, _, p in MELODY)
    assert not np.array_equal(made.samples[0], CONTENT.astype(np.float32))
    with pytest.raises(RestyleError, match="no pitched notes"):
        method.apply(Notes.of([(0, 1, 60, 0.8, 0)]), profile)


def test_clips_of_several_rates_and_channels(method):
    low = tones([(0.1, 0.8, 60)], 1.2, sawtooth, 8000)
    high = tones([(0.1, 0.8, 67)], 1.2, sawtooth, 48000)
    profile = method.fit([Audio(low, 8000), Audio(np.stack([high, high]), 48000)])
    made = method.apply(Audio(CONTENT, RATE), profile)
    assert np.isfinite(made.samples).all() and rms(made.samples) > 0.2 * rms(CONTENT)


def test_a_crescendo_is_followed(method, profile):
    levels = np.linspace(-20, 0, 6)
    rows = [(*row, 10 ** (db / 20)) for row, db in zip(MELODY, levels, strict=True)]
    made = method.apply(Audio(tones(rows, 3.4, flute), RATE), profile).samples[0]
    heard = [20 * np.log10(rms(made[round((t + 0.05) * RATE) :][: round(0.35 * RATE)])) for t, _, _ in MELODY]
    assert np.all(np.diff(heard) > 0)
    assert np.ptp(heard) == pytest.approx(20, abs=5)


def bend_of(samples):
    (note,) = measure(Audio(samples, RATE), Notes.of([(0.2, 1.8, 69, 0.8, 0)]))
    return note.bend[20:140]


def test_a_vibrato_is_followed(method, profile):
    content = tones([(0.2, 1.6, 69)], 2.0, lambda k: 1 / k**2, vibrato=0.4)
    made = method.apply(Audio(content, RATE), profile).samples[0]
    before, after = bend_of(content), bend_of(made)
    assert np.ptp(before) > 0.5
    assert np.corrcoef(before, after)[0, 1] > 0.9
    assert np.ptp(after) == pytest.approx(np.ptp(before), rel=0.35)


def test_stereo_places_are_kept(method, profile):
    left, right = tones(MELODY[::2], 3.4, flute), tones(MELODY[1::2], 3.4, flute)
    made = method.apply(Audio(np.stack([left, 0.2 * left + right]), RATE), profile).samples
    for i, (onset, _, _) in enumerate(MELODY):
        power = np.sqrt(np.square(made[:, round((onset + 0.1) * RATE) :][:, : round(0.25 * RATE)]).mean(axis=1))
        decibels = 20 * np.log10((power[0] + 1e-9) / (power[1] + 1e-9))
        assert decibels > 8 if i % 2 == 0 else decibels < -15


def test_what_is_unpitched_can_be_left_out(method, profile, clicks):
    content = Audio(CONTENT + np.resize(clicks, len(CONTENT)), RATE)
    with_it, without = (type(method)(unpitched=db).apply(content, profile).samples[0] for db in (0.0, -120.0))
    gap = slice(0, round(0.1 * RATE))  # the first click, before the first note
    assert rms(with_it[gap]) > 0.2 * rms(content.samples[0][gap])
    assert rms(without[gap]) < 0.05 * rms(with_it[gap])


def test_blocks_do_not_cut_notes(method, profile, monkeypatch):
    """Measured in blocks of a second, the same notes are played as in one block."""
    from restyle.methods.notewise import performance

    whole = method.apply(Audio(CONTENT, RATE), profile)
    monkeypatch.setattr(performance, "BLOCK", 1.0)
    monkeypatch.setattr(performance, "CONTEXT", 1.0)
    parts = method.apply(Audio(CONTENT, RATE), profile)
    assert rms(whole.samples - parts.samples) < 0.1 * rms(whole.samples)


def test_file_backed_results_are_the_same(method, profile, made, monkeypatch):
    monkeypatch.setattr(blocks, "IN_MEMORY", 0)
    again = method.apply(Audio(CONTENT, RATE), profile)
    assert np.array_equal(again.samples, made.samples)


def test_where_notes_are_in_doubt_the_content_stands_in_as_the_record_says_and_only_where_it_may():
    rng = np.random.default_rng(0)
    rows = [(0.05 * i, 0.3, int(rng.integers(40, 90)), rng.uniform(0.3, 1)) for i in range(60)]
    dense = Audio(tones(rows, 3.4, sawtooth) + 0.02 * rng.normal(size=round(3.4 * RATE)), RATE)
    facts, results = {}, {}
    for fallback in (True, False):
        method = NotesMethod(fallback=fallback)
        with collect() as collected:
            results[fallback] = method.apply(dense, method.fit([Audio(STYLE, RATE)]))
        facts[fallback] = collected.facts["notes"]
    assert facts[True]["doubt"] == facts[True]["fallback"] > 0.2
    assert facts[False] == facts[True] | {"fallback": 0.0}
    alike = [float(np.corrcoef(results[f].samples[0], dense.samples[0])[0, 1]) for f in (True, False)]
    assert alike[0] > alike[1] + 0.1
