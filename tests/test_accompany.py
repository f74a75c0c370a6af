"""Contents accompanied anew: which parts stay, how they are played, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from tests.methods.test_drum_strokes import RATE
from tests.stages.test_patterns import chord

from restyle import accompany, pipeline
from restyle.accompany import BELOW, LEAD, Accompanied
from restyle.arrangement import Arrangement
from restyle.arrangement.hearing import Heard, heard
from restyle.audio import Audio
from restyle.errors import RestyleError, collect
from restyle.methods import method
from restyle.notes import DRUMS, Notes
from restyle.pipeline import transfer
from restyle.score import Score, joined
from restyle.settings import Settings
from restyle.stages.parts import Parts
from restyle.style import Style, learn

LATE = 0.02  # s after the beat at which the tune is played
TUNE = [(0.5 * k + LATE, 0.5 * k + 0.45, (72, 76, 79, 74)[k % 4], 0.9, 73) for k in range(16)]
OWN = [(2.0 * k, 2.0 * k + 1.9, pitch, 0.5, 33 if pitch < 48 else 0) for k in range(4) for pitch in (36, 52, 55)]
BAND = [(0.5 * k, 0.5 * k + 0.2, p, 0.6, 0) for k in range(16) for p in (76, 79, 84)]
BAND += [(1.0 * k, 1.0 * k + 0.9, 40, 0.7, 33) for k in range(8)]
BAND += [(0.5 * k, 0.5 * k + 0.1, 42, 0.6, DRUMS) for k in range(16)]
CONTENT, STYLE = Notes.of(TUNE + OWN), Notes.of(BAND)
RECORDING = Audio(np.concatenate([chord([p], 0.5) for p in (60, 64, 67, 72) * 4]), RATE)


@pytest.fixture
def written(monkeypatch):
    """Whatever a recording plays is the style."""
    monkeypatch.setattr(
        accompany, "heard", lambda music, name: heard(STYLE if isinstance(music, Audio) else music, name)
    )
    return lambda amount, content=CONTENT: accompany.accompanied(content, RECORDING, Settings(arrange=amount))


def test_the_tune_stays_as_it_is_played(written):
    for amount in (0.01, 0.5, 1.0):
        tune = written(amount).tune
        assert tune.onset.tolist() == pytest.approx([row[0] for row in TUNE])
        assert tune.pitch.tolist() == [row[2] for row in TUNE]


@pytest.mark.parametrize(("amount", "kept"), [(0.2, {36, 52, 55}), (0.5, {36}), (1.0, set())])
def test_the_more_the_notes_may_change_the_fewer_parts_stay(written, amount, kept):
    with collect() as collected:
        band = written(amount).band
    own = {(row[0], row[2]) for row in OWN if row[2] in kept}
    assert own <= set(zip(band.onset.tolist(), band.pitch.tolist(), strict=True))
    found = collected.facts["arrangement"]
    assert found["notes"]["kept"] == len(own) and found["notes"]["drums"] == 16 == int(np.sum(band.programme == DRUMS))
    assert found["new"] == [part for part in ("bass", "chords", "drums") if part in _new(amount)]
    assert len(found["bars"]) == 4 and len(found["chords"]) == 16


def _new(amount):
    return {"drums"} | ({"chords"} if amount >= 1 / 3 else set()) | ({"bass"} if amount >= 2 / 3 else set())


def test_a_new_accompaniment_stays_below_the_tune(written):
    made = written(1.0)
    chords = made.band.select(made.band.programme == 0)
    assert len(chords) and chords.pitch.max() <= made.tune.pitch.max() - BELOW < min(row[2] for row in BAND[:48])
    low = Notes.of([(0, 1, 36, 0.5, 0), (0, 1, 50, 0.5, 0)])
    octaves = Notes.of([(0, 1, 60, 0.5, 0), (0, 1, 72, 0.5, 0)])
    assert accompany.below(octaves, Notes.of([(0, 1, 70, 0.5, 0)])).pitch.tolist() == [60]  # no note twice
    assert accompany.below(low, Notes.of([(0, 1, 45, 0.5, 0)])).pitch.tolist() == [36, 50]  # no deeper than music goes


def test_what_cannot_be_accompanied_is_refused(written, monkeypatch):
    drums = Notes.of([row for row in BAND if row[4] == DRUMS])
    with pytest.raises(RestyleError, match="the content has no tune"):
        written(1.0, drums)
    with pytest.raises(RestyleError, match="the style has no part"):
        monkeypatch.setattr(accompany, "heard", lambda music, name: heard(CONTENT, name))
        accompany.accompanied(CONTENT, RECORDING, Settings(arrange=0.2))
    nothing = Notes.of([])
    monkeypatch.setattr(
        accompany,
        "heard",
        lambda music, name: (
            Heard(nothing, heard(CONTENT, name).score.select(np.array([], int)))
            if isinstance(music, Audio)
            else heard(music, name)
        ),
    )
    with pytest.raises(RestyleError, match="the style has no notes"):
        accompany.accompanied(CONTENT, RECORDING, Settings(arrange=1.0))


def test_arguments_are_checked_before_any_work():
    for wrong in (
        {"arrange": 1.1},
        {"arrange": True},
        {"arrange": 0.5, "strength": 0.5},
        {"arrange": 1, "add": "bass"},
        {"arrange": 1, "parts": "drums"},
    ):
        with pytest.raises(RestyleError, match="arrange"):
            Settings(**wrong)
    with pytest.raises(RestyleError, match="plays no notes"):
        transfer(RECORDING, RECORDING, method="spectral", arrange=1.0)
    with pytest.raises(RestyleError, match="plays all parts"):
        transfer(RECORDING, RECORDING, method="notes", arrange=1.0, keep_parts=True)
    learnt = learn(RECORDING.slice(0, RATE), method="spectral")
    with pytest.raises(RestyleError, match="does not tell how it accompanies"):
        transfer(RECORDING, learnt, arrange=1.0)


class Player:
    """Plays each note as a sine; what it performs, a fifth above."""

    name, plays_notes = "sines", True

    def apply(self, notes, profile, *, strength=1.0, seed=0, progress=None):
        return self.sines(notes, round((notes.duration + 1) * RATE), 0)

    def perform(self, content, notes, profile, *, seed=0):
        return self.sines(notes, content.length, 7)

    def sines(self, notes, length, above):
        time = np.arange(length) / RATE
        hertz = 440 * 2 ** ((notes.pitch + above - 69) / 12)
        return Audio(0.01 * sum(np.sin(2 * np.pi * f * time) for f in hertz), RATE)


LEARNT = Style("sines", {"method/x": np.zeros(1)})
WHAT = Accompanied(Notes.of([(0, 2, 69, 0.8, 73)]), Notes.of([(0, 2, 73, 0.8, 0)]), Notes.of([]))


def level(sound, pitch):
    spectrum = np.abs(np.fft.rfft(sound.samples[0] * np.hanning(sound.length)))
    near = np.abs(np.fft.rfftfreq(sound.length, 1 / RATE) - 440 * 2 ** ((pitch - 69) / 12)) < 4
    return 10 * np.log10(np.sum(spectrum[near] ** 2) + 1e-9)


def played(content, vocals="keep"):
    return accompany.play(WHAT, content, LEARNT, Player(), method("drums"), Settings(arrange=1, vocals=vocals))


def test_a_tune_is_performed_and_stands_out():
    content = Audio(np.full((2, 2 * RATE), 0.01), RATE)
    sound, voice = played(content)
    assert sound.samples.shape == content.samples.shape and voice is None
    assert (
        level(sound, 76) - level(sound, 73) == pytest.approx(LEAD, abs=0.5) and level(sound, 69) < level(sound, 73) - 30
    )
    of_notes, _ = played(CONTENT)
    assert of_notes.length == 3 * RATE and level(of_notes, 69) - level(of_notes, 73) == pytest.approx(LEAD, abs=0.5)


@pytest.mark.parametrize(
    ("vocals", "tune", "sings"), [("keep", False, True), ("play", True, False), ("drop", False, False)]
)
def test_a_voice_sings_the_tune_or_gives_it_to_an_instrument(monkeypatch, vocals, tune, sings):
    content = Audio(0.01 * np.sin(np.arange(2 * RATE)), RATE)
    apart = Parts({"vocals": content, "other": content}, False)
    monkeypatch.setattr(accompany, "take_apart", lambda audio, stems: apart)
    sound, voice = played(content, vocals)
    assert (voice is content) == sings and (level(sound, 76) > level(sound, 73)) == tune


def test_a_voice_stands_out_and_the_whole_is_no_louder():
    time = np.arange(2 * RATE) / RATE
    band, voice = (Audio(level * np.sin(2 * np.pi * hertz * time), RATE) for level, hertz in ((0.2, 220), (0.05, 440)))
    made = accompany.with_voice(band, voice)
    assert np.sqrt(np.mean(made.samples**2)) == pytest.approx(np.sqrt(np.mean(band.samples**2)), rel=1e-4)
    spectrum = np.abs(np.fft.rfft(made.samples[0]))
    assert 20 * np.log10(spectrum[880] / spectrum[440]) == pytest.approx(LEAD, abs=1.0)
    assert accompany.with_voice(band, None) is band


def test_a_learnt_style_plays_an_arrangement_and_the_tune_stands_out():
    learnt = learn(RECORDING, method="notes")
    made, again = (pipeline.play(WHAT, learnt, seed=1) for _ in range(2))
    assert np.array_equal(made.samples, again.samples) and made.notes is made.content
    bins = np.abs(np.fft.rfft(made.samples.mean(axis=0), made.rate))  # 1 Hz each
    tune, band = (bins[round(hertz) - 8 : round(hertz) + 8].max() for hertz in (440.0, 554.4))
    assert tune > 1.4 * band > 0


def test_drums_alone_are_left_out_where_the_style_has_none():
    hits = Notes.of([(0.5 * k, 0.5 * k + 0.1, 36, 0.8, DRUMS) for k in range(4)])
    made = pipeline.play(Accompanied(Notes.of([]), Notes.of([]), hits), learn(RECORDING, method="notes"))
    assert "no strokes" in " ".join(made.warnings) and not made.samples.any()


def test_what_stays_of_the_content_is_not_moved():
    high, tune = Notes.of([(0, 1, 90, 0.5, 0)]), Score.of([(0, 24, 60, 0.9, 73, 0)], bars=[0, 48])
    score = joined([tune, Score.of([(0, 24, 90, 0.5, 0, 1), (0, 24, 88, 0.5, 0, 2)], bars=[0, 48])])
    what = Accompanied.of(Arrangement(score, (0, 1), (0,), (0,), ("C:maj",) * 4))
    assert what.kept.pitch.tolist() == high.pitch.tolist() and what.new.pitch.tolist() == [52]
    assert what.tune.pitch.tolist() == [60]


def test_a_tune_without_a_track_of_its_own_stays_once(written):
    """A piano in one track: no note is both in the tune and in what stays beside it."""
    rows = [(12 * k, 12, 72 + k % 3, 0.9, 0, 0) for k in range(16)]
    rows += [(48 * bar, 48, pitch, 0.5, 0, 0) for bar in range(4) for pitch in (36, 52, 55)]
    content = Score.of(rows, bars=48 * np.arange(5)).notes()
    what = written(0.2, content)
    both = [list(zip(notes.onset.tolist(), notes.pitch.tolist(), strict=True)) for notes in (what.tune, what.kept)]
    assert len(what.tune) and len(what.kept) and not set(both[0]) & set(both[1])
    assert len(both[0] + both[1]) == len(content)
