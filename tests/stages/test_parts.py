"""Parts: taken apart, played each by its counterpart, and mixed at the style's balance."""

import numpy as np
import pytest

import restyle
from restyle.audio import Audio
from restyle.dsp.follow import rms
from restyle.dsp.loudness import loudness
from restyle.errors import RestyleError, collect, collect_warnings
from restyle.pipeline import Given, Settings, transfer
from restyle.stages import parts
from restyle.stages.parts import BASS, DRUMS, OTHER, VOCALS, Parts

RATE = 22050
T = np.arange(3 * RATE) / RATE


def tone(frequency, level=0.1):
    return Audio((level * np.sin(2 * np.pi * frequency * T)).astype(np.float32), RATE)


def hits(every, level=0.2, seed=0):
    noise = np.random.default_rng(seed).standard_normal(len(T))
    return Audio((level * noise * np.exp(-40 * (T % every))).astype(np.float32), RATE)


def total(sounds):
    return Audio(np.sum([sound.samples for sound in sounds], axis=0), RATE)


STEMS = {VOCALS: tone(700, 0.1), DRUMS: hits(0.5), BASS: tone(60, 0.15), OTHER: tone(330, 0.1)}
MIX = total(STEMS.values())


class Player:
    """Plays noise as loud as the content, and notes what it was given."""

    def __init__(self):
        self.learnt, self.played = [], []

    def fit(self, style):
        self.learnt.append(style)
        return {"level": np.array([rms(style[0])])}

    def apply(self, content, profile, *, strength, seed, progress):
        self.played.append((content, float(profile["level"][0]), strength))
        wave = np.sqrt(2) * np.sin(2 * np.pi * 1000 * np.arange(content.length) / content.rate)
        return Audio(np.broadcast_to(rms(content) * wave, content.samples.shape).astype(np.float32), content.rate)


def test_known_stems_are_taken_and_soft_ones_join_the_rest():
    apart = parts.take_apart(MIX, STEMS)
    assert apart.struck and list(apart.sounds) == [VOCALS, DRUMS, BASS, OTHER]
    soft = STEMS | {VOCALS: tone(700, 0.001)}
    apart = parts.take_apart(total(soft.values()), soft)
    assert list(apart.sounds) == [DRUMS, BASS, OTHER]
    assert np.allclose(apart.sounds[OTHER].samples, soft[VOCALS].samples + soft[OTHER].samples, atol=1e-6)


def test_what_strikes_counts_as_drums_where_there_are_none():
    stems = {OTHER: total([tone(330), hits(0.5, 0.05)])}
    apart = parts.take_apart(stems[OTHER], stems)
    assert not apart.struck and set(apart.sounds) == {DRUMS, OTHER}
    assert np.allclose(apart.sounds[DRUMS].samples + apart.sounds[OTHER].samples, stems[OTHER].samples, atol=1e-5)
    envelope = np.abs(apart.sounds[DRUMS].samples[0])
    assert envelope[T % 0.5 < 0.05].mean() > 3 * envelope[T % 0.5 > 0.3].mean()


def test_each_part_is_played_by_its_counterpart_at_the_styles_balance():
    style = {DRUMS: hits(0.25, 0.4, seed=1), BASS: tone(50, 0.1), OTHER: tone(500, 0.1)}
    player, drums = Player(), Player()
    profile = parts.fit([total(style.values())], player, drums, stems=style)
    content = {DRUMS: hits(0.5, 0.2), BASS: tone(60, 0.1), OTHER: tone(330, 0.1)}
    whole = total(content.values())
    with collect() as collected:
        made = parts.apply(parts.take_apart(whole, content), profile, player, drums, strengths={})
    assert list(made) == [DRUMS, BASS, OTHER]
    assert [level for _, level, _ in player.played] == pytest.approx([rms(style[BASS]), rms(style[OTHER])], rel=0.01)
    rest = 10 ** (loudness(style[BASS]) / 10) + 10 ** (loudness(style[OTHER]) / 10)
    wanted = loudness(style[DRUMS]) - 10 * np.log10(rest)
    rest = 10 ** (loudness(made[BASS]) / 10) + 10 ** (loudness(made[OTHER]) / 10)
    assert loudness(made[DRUMS]) - 10 * np.log10(rest) == pytest.approx(wanted, abs=0.2)
    power = sum(10 ** (loudness(sound) / 10) for sound in made.values())
    assert power == pytest.approx(sum(10 ** (loudness(sound) / 10) for sound in content.values()), rel=0.02)
    assert collected.facts["parts"]["style"] == {DRUMS: DRUMS, BASS: BASS, OTHER: OTHER}


def test_balance_changes_within_limits_and_not_at_all_at_strength_0():
    style = {DRUMS: hits(0.25, 0.9), OTHER: tone(500, 0.005)}  # far more drums than 15 dB more
    player = Player()
    profile = parts.fit([total(style.values())], player, player, stems=style)
    content = {DRUMS: hits(0.5, 0.2), OTHER: tone(330, 0.1)}
    apart = parts.take_apart(total(content.values()), content)
    made = parts.apply(apart, profile, player, player, strengths={})
    before = loudness(content[DRUMS]) - loudness(content[OTHER])
    assert loudness(made[DRUMS]) - loudness(made[OTHER]) - before == pytest.approx(parts.LOUDER, abs=0.2)
    kept = parts.apply(apart, profile, player, player, strengths={DRUMS: 0.0, OTHER: 0.0})
    assert all(np.array_equal(kept[name].samples, content[name].samples) for name in content)


def test_a_part_that_the_style_lacks_is_played_by_the_nearest_and_drums_by_none():
    player = Player()
    profile = {f"{OTHER}/level": np.array([0.5]), "levels": np.array([-200, -200, 0], np.float32)}
    content = {DRUMS: hits(0.5), BASS: tone(60), OTHER: tone(330)}
    with collect() as collected:
        made = parts.apply(parts.take_apart(total(content.values()), content), profile, player, player, strengths={})
    assert collected.facts["parts"]["style"] == {BASS: OTHER, OTHER: OTHER}
    shape = made[DRUMS].samples / rms(made[DRUMS])
    assert np.allclose(shape, content[DRUMS].samples / rms(content[DRUMS]), atol=1e-4)


@pytest.mark.parametrize(
    ("how", "beside", "played"),
    [("keep", True, False), ("tone", True, False), ("play", False, True), ("drop", False, False)],
)
def test_what_becomes_of_a_voice(how, beside, played):
    with collect_warnings() as warnings:
        apart, voice = parts.voice_of(parts.take_apart(MIX, STEMS), how, {})
    assert (voice is not None) == beside and VOCALS not in apart.sounds
    added = apart.sounds[OTHER].samples - STEMS[OTHER].samples
    assert np.allclose(added, STEMS[VOCALS].samples if played else 0, atol=1e-6)
    assert warnings == (["the style has no voice, so that of the content keeps its own tone"] if how == "tone" else [])


def test_a_voice_takes_the_tone_of_the_styles_voice():
    rng = np.random.default_rng(0)
    bright, dull = rng.normal(0, 0.1, (2, len(T)))
    dull = np.convolve(dull, np.ones(16) / 16, "same")
    style = {VOCALS: Audio(dull, RATE), DRUMS: hits(0.5), OTHER: tone(330)}
    player = Player()
    profile = parts.fit([total(style.values())], player, player, stems=style)
    content = STEMS | {VOCALS: Audio(bright, RATE)}
    _, voice = parts.voice_of(parts.take_apart(total(content.values()), content), "tone", profile)
    highs = [
        np.square(np.abs(np.fft.rfft(sound)))[len(T) // 4 :].sum()
        for sound in (voice.samples[0] / rms(voice), bright / bright.std())
    ]
    assert highs[0] < 0.3 * highs[1]


def test_stems_of_another_form_are_brought_to_the_recordings():
    stems = {DRUMS: Audio(np.ones((2, 16000)), 16000), OTHER: Audio(np.ones((1, RATE)), RATE)}
    made = parts.check_stems(stems, tone(330), "the content")
    assert {stem.rate for stem in made.values()} == {RATE}
    for given, said in (({"guitar": MIX}, "not guitar"), ({OTHER: tone(1, 0.0)}, "all stems are silent")):
        with pytest.raises(RestyleError, match=said):
            parts.check_stems(given, MIX, "the content")


def test_a_transfer_of_known_stems_adds_up_and_keeps_the_voice():
    style = {DRUMS: hits(0.25, 0.3, seed=2), OTHER: tone(500, 0.1)}
    given = Given(content=STEMS, style=style)
    settings = {"method": "spectral", "tone": False, "given": given, "keep_parts": True}
    result = transfer(MIX, total(style.values()), **settings)
    assert list(result.parts) == [DRUMS, BASS, OTHER, VOCALS]
    assert np.allclose(np.sum([sound.samples for sound in result.parts.values()], axis=0), result.samples, atol=1e-5)
    voice = result.parts[VOCALS].samples[0]
    assert np.corrcoef(voice, STEMS[VOCALS].samples[0])[0, 1] > 0.999
    assert result.record["facts"]["vocals"] == "keep"
    toned = transfer(MIX, total(style.values()), **settings | {"tone": True})
    assert np.allclose(np.sum([sound.samples for sound in toned.parts.values()], axis=0), toned.samples, atol=1e-4)
    dropped = transfer(MIX, total(style.values()), vocals="drop", **settings)
    assert VOCALS not in dropped.parts


def test_a_learnt_style_gives_what_its_recordings_give(tmp_path):
    style = total([hits(0.25, 0.3, seed=2), tone(60), tone(500, 0.1)])
    learnt = restyle.learn(style, method="spectral", names=["s.wav"])
    restyle.style.save(tmp_path / "s.style", learnt)
    for parts_setting in ("on", "off"):
        results = [
            transfer(MIX, one, method="spectral", parts=parts_setting).samples
            for one in (style, learnt, restyle.style.load(tmp_path / "s.style"))
        ]
        assert np.array_equal(results[0], results[1]) and np.array_equal(results[1], results[2])


def test_notes_are_played_whole_whatever_is_asked_of_parts():
    notes = restyle.Notes.of([(0.1, 0.6, 60, 0.8, 0), (0.7, 1.4, 64, 0.8, 0)])
    t = np.arange(2 * RATE) / RATE
    style = Audio(sum(np.sin(2 * np.pi * 220 * k * t) / k for k in range(1, 8)) * 0.1 * np.exp(-t % 1), RATE)
    one, other = (transfer(notes, style, method="notes", parts=setting) for setting in ("on", "off"))
    assert other.samples.any() and np.array_equal(one.samples, other.samples)


def test_another_recording_for_a_part():
    style, other = total([hits(0.25), tone(500)]), hits(0.125, 0.3, seed=5)
    settings = {"method": "spectral", "tone": False, "keep_parts": True, "parts": "on"}
    plain = transfer(MIX, style, given=Given(content=STEMS), **settings).parts
    changed = transfer(MIX, style, given=Given(content=STEMS, others={DRUMS: other}), **settings).parts
    assert not np.allclose(plain[DRUMS].samples, changed[DRUMS].samples, atol=1e-3)
    same = [sounds[OTHER].samples / rms(sounds[OTHER]) for sounds in (plain, changed)]
    assert np.allclose(*same, atol=1e-3)
    with pytest.raises(RestyleError, match="a part must be one of drums, bass, other, not 'guitar'"):
        transfer(MIX, style, given=Given(others={"guitar": other}), **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"parts": "some"}, "parts must be auto, on, off, or drums, bass, other, not 'some'"),
        ({"vocals": "mute"}, "vocals must be one of keep, tone, play, drop, not 'mute'"),
        ({"strength": {"guitar": 1.0}}, "a strength must be of drums, bass, other, not 'guitar'"),
        ({"strength": {"drums": 2.0}}, "the strength of drums must be a number between 0 and 1, not 2.0"),
    ],
)
def test_settings_that_are_none_are_refused(settings, said):
    with pytest.raises(RestyleError, match=said):
        Settings(**settings)


def test_parts_that_are_not_named_stay():
    assert Settings(parts="drums,bass").strengths == {DRUMS: 1.0, BASS: 1.0, OTHER: 0.0}
    assert Settings(strength={"drums": 0.5}).strengths == {DRUMS: 0.5, BASS: 1.0, OTHER: 1.0}
    assert Settings(strength=0.3).strengths == {DRUMS: 0.3, BASS: 0.3, OTHER: 0.3}
    assert isinstance(parts.take_apart(MIX, STEMS), Parts)
