"""The page of an arrangement, and the plain tones that play its notes."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
import soundfile

from restyle.audio import Audio
from restyle.dsp.preview import RATE, preview
from restyle.notes import DRUMS, Notes
from restyle.pages import takes
from restyle.pages.takes import Piece, page
from restyle.score import Score

BARS = 48 * np.arange(5)


def score(rows, bars=BARS, tempo=120):
    return Score.of(rows, bars=bars, tempo=tempo)


TUNE = score([(12 * k, 12, (72, 76, 79, 74)[k % 4], 0.9, 73, 0) for k in range(16)])
BAND = score(
    [(12 * k, 6, p, 0.6, program, track) for k in range(16) for p, program, track in ((36, 33, 1), (60, 0, 2))]
    + [(12 * k, 3, key, 0.6, DRUMS, 3) for k in range(16) for key in (36, 38, 42)]
)


def both(tune=TUNE, band=BAND):
    rows = [list(zip(s.start, s.length, s.pitch, s.velocity, s.programme, s.track, strict=True)) for s in (tune, band)]
    return score([*rows[0], *rows[1]], bars=tune.bars)


@pytest.fixture(scope="module")
def made():
    shown = [Piece(name=f"take {k}", score=both(), facts=[f"out-{k}.mid", "a <b>"]) for k in (1, 2)]
    short = BAND.between(0, 1)
    return page(
        Piece(name="content", score=TUNE),
        Piece(name="style", score=short),
        shown,
        tune=TUNE,
        chords=["C:maj"] * 4 + ["A:min7", "A:min7", "D:hdim7", "G:7"] + ["N"] * 8,
        title="A & <b>",
        warnings=["something is so"],
    )


def heard(html):
    return [
        soundfile.read(io.BytesIO(base64.b64decode(data)))
        for data in re.findall(r'class="sound"[^>]*>([^<]*)</script>', html)
    ]


def lanes(html):
    return [re.findall(r'<rect class="(\w+)" x="([\d.]+)"', lane) for lane in html.split('<div class="lane')[2:]]


def test_content_style_and_takes_are_heard_equally_long(made):
    sounds = heard(made)
    assert len(sounds) == 4 and all(sound.ndim == 1 for sound, _ in sounds)
    seconds = [len(sound) / rate for sound, rate in sounds]
    assert seconds == pytest.approx([8, 2, 8, 8], abs=0.01)
    assert re.findall(r'data-loop="(\w+)"', made) == ["false", "true", "false", "false"]
    assert all(0.01 < np.abs(sound).max() < 1 for sound, _ in sounds)


def test_notes_are_drawn_by_their_parts(made):
    content, style, *shown = lanes(made)
    assert [kind for kind, _ in content] == ["tune"] * 16
    assert {kind for kind, _ in style} == {"bass", "chords", "drums"} and len(style) == 5 * 16  # it begins again
    for take in shown:
        kinds = [kind for kind, _ in take]
        assert [kinds.count(kind) for kind in ("tune", "bass", "chords", "drums")] == [16, 16, 16, 48]


def test_chords_stand_by_bar_and_figures_by_take(made):
    assert re.findall(r'title="(bar [^"]*)"', made) == ["bar 1: C", "bar 2: Am7 Dm7b5 G7", "bar 3: N", "bar 4: N"]
    row = re.search(r"melody F1.*?</tr>", made, re.S)[0]
    assert re.findall(r"<td>([^<]*)</td>", row) == ["1.00", "1.00"]
    assert made.count("<td>") % 2 == 0 and "structure" not in made


def test_text_is_escaped_and_nothing_is_loaded(made):
    assert "A &amp; &lt;b&gt;" in made and "a &lt;b&gt;" in made and "something is so" in made
    assert re.findall(r"(?:src|href)=[\"'](?!data:)", made) == []


@pytest.mark.slow
def test_sixteen_long_takes_fit():
    dense = [(3 * k, 3, 40 + k * 7 % 40, 0.8, k % 100, k % 9) for k in range(320)]
    long = score(dense, bars=48 * np.arange(21), tempo=60)
    piece = Piece(name="a", score=long)
    html = page(piece, piece, [piece] * 16, tune=TUNE, chords=["C"] * 80, title="long")
    assert len(html) < takes.LIMIT
    assert 3 < len(heard(html)[0][0]) / 44100 <= takes.SECONDS


def test_recordings_are_played_as_they_are():
    tone = Audio(0.1 * np.sin(2 * np.pi * 1000 * np.arange(5 * 8000) / 8000)[None], 8000)
    piece = Piece(name="a", score=TUNE, sound=tone)
    html = page(piece, piece, [Piece(name="b", score=TUNE)], tune=TUNE, chords=["C"], title="t")
    content, style, take = (sound for sound, _ in heard(html))
    assert [round(len(sound) / 44100) for sound in (content, style, take)] == [5, 5, 8]
    spectrum = np.abs(np.fft.rfft(content[:44100]))
    assert spectrum.argmax() == 1000


def peak(sound, first, last):
    part = sound.samples[0, round(first * RATE) : round(last * RATE)]
    return float(np.fft.rfftfreq(len(part), 1 / RATE)[np.abs(np.fft.rfft(part)).argmax()])


@pytest.mark.parametrize("programme", [0, 19, 33, 48])
def test_tones_have_their_pitch_and_time(programme):
    sound = preview(Notes.of([(0.5, 1.5, 57, 0.8, programme), (2.0, 2.5, 69, 0.4, programme)]), 3.0)
    assert sound.length == 3 * RATE and np.abs(sound.samples).max() == pytest.approx(0.8)
    assert not sound.samples[0, : RATE // 2].any() and not sound.samples[0, round(1.6 * RATE) : 2 * RATE].any()
    assert peak(sound, 0.5, 1.5) == pytest.approx(220, abs=2) and peak(sound, 2, 2.5) == pytest.approx(440, abs=3)


def test_a_held_tone_stays_and_a_struck_one_fades():
    levels = {}
    for programme in (0, 48):
        sound = preview(Notes.of([(0, 3, 60, 0.8, programme)]), 3.0).samples[0]
        early, late = (np.sqrt(np.mean(sound[round(a * RATE) : round((a + 0.5) * RATE)] ** 2)) for a in (0.1, 2.2))
        levels[programme] = late / early
    assert levels[0] < 0.2 and levels[48] > 0.9


def test_drums_are_low_or_high_and_the_same_each_time():
    middles = []
    for key in (36, 38, 42):
        sound = preview(Notes.of([(0, 0.1, key, 1, DRUMS)]), 0.3).samples[0]
        power = np.abs(np.fft.rfft(sound)) ** 2
        middles.append(float(np.sum(power * np.fft.rfftfreq(len(sound), 1 / RATE)) / power.sum()))
        assert np.array_equal(sound, preview(Notes.of([(0, 0.1, key, 1, DRUMS)]), 0.3).samples[0])
    assert middles[0] < 200 < middles[1] < middles[2]


def test_what_begins_later_or_is_not_there_is_silent():
    assert not preview(Notes.of([(5, 6, 60, 1, 0)]), 2.0).samples.any()
    assert not preview(Notes.of([]), 1.0).samples.any()
