"""Unusual input that has to work, with the fastest method; all methods in the slow tests."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from commanded import FAST, chord, quick
from restyle.methods import METHODS

ROUNDING = 1 / 2**15


@pytest.fixture
def transferred(restyle, clips, tmp_path):
    """Transfer a content (samples and rate, or a path); return the samples [T, C], the rate and the run."""

    def run(content, rate=16000, style=clips[1], options=FAST):
        path = content
        if isinstance(content, np.ndarray):
            path = tmp_path / "odd.wav"
            soundfile.write(path, content, rate, subtype="FLOAT")
        ran = restyle("transfer", path, style, "-o", tmp_path / "out.wav", *options)
        assert ran.code == 0, ran.err
        samples, made_rate = soundfile.read(tmp_path / "out.wav", always_2d=True)
        assert np.isfinite(samples).all()
        return samples, made_rate, ran

    return run


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_rates(rate, transferred):
    content = chord(rate=rate)
    samples, made_rate, ran = transferred(content, rate)
    assert (samples.shape, made_rate, ran.err) == (content.shape, rate, "")
    assert np.abs(samples).max() > 0.01


@pytest.mark.parametrize("channels", range(1, 9))
def test_channels(channels, transferred):
    content = chord(channels=channels)
    samples, _, ran = transferred(content)
    assert (samples.shape, ran.err) == (content.shape, "")
    assert (np.abs(samples).max(axis=0) > 0.01).all()


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_a_style_of_another_rate_and_channels(channels, transferred, tmp_path):
    soundfile.write(tmp_path / "other.wav", chord(1.3, 32000, channels), 32000)
    samples, rate, _ = transferred(chord(rate=11025, channels=2), 11025, tmp_path / "other.wav")
    assert (samples.shape, rate) == ((11025, 2), 11025)


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac"])
def test_a_truncated_file(kind, restyle, clips, tmp_path):
    path = tmp_path / f"whole.{kind}"
    soundfile.write(path, chord(3), 16000)
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    ran = restyle("transfer", cut, clips[1], "-o", tmp_path / "out.wav", *FAST)
    assert ran.code == 0, ran.err
    assert ran.err.startswith("warning: ") and f"cut.{kind}" in ran.err and ran.err.count("\n") == 1
    assert 1 < soundfile.info(tmp_path / "out.wav").duration < 2.5


def test_silent_content_gives_silence_and_a_warning(transferred):
    samples, _, ran = transferred(np.zeros((16000, 2)))
    assert samples.shape == (16000, 2) and not samples.any()
    assert ran.err == "warning: the content is silent, so the result is silence\n"


def test_content_that_is_only_an_offset_is_silent(transferred):
    samples, _, ran = transferred(np.full((16000, 1), 0.3))
    assert not samples.any() and "silent" in ran.err


def test_an_offset(transferred):
    samples, _, _ = transferred(chord() + 0.3)
    assert samples.shape == (16000, 1) and samples.std() > 0.01


def test_clipped_content(transferred):
    samples, _, _ = transferred(np.clip(20 * chord(), -1, 1))
    assert np.abs(samples).max() <= 1 and samples.std() > 0.01


def test_content_beyond_full_scale_is_never_clipped_silently(transferred):
    samples, _, ran = transferred(20 * chord(), options=(*FAST, "--strength", "0"))
    assert np.abs(samples).max() <= 1 and "full scale" in ran.err
    content = (20 * chord()).astype(np.float32)
    windows = [slice(at, at + 320) for at in range(1600, len(content) - 320, 320)]
    assert min(np.corrcoef(samples[here, 0], content[here, 0])[0, 1] for here in windows) > 0.95  # cut off: .85


def test_very_quiet_content_stays_music(transferred):
    samples, _, ran = transferred(1e-3 * chord(), options=(*FAST, "--bits", "32f"))
    assert "silent" not in ran.err and samples.std() > 1e-7


@pytest.mark.parametrize("name", ["a song.wav", "Übung 歌 🎵.wav", "quo'te\"s.wav", "[x] {y} %s.wav"])
def test_names(name, restyle, clips, tmp_path):
    content = tmp_path / name
    content.write_bytes(clips[0].read_bytes())
    out = tmp_path / ("out " + name)
    ran = restyle("transfer", content, clips[1], "-o", out, *FAST)
    assert ran.code == 0, ran.err
    assert out.is_file() and out.with_suffix(".json").is_file()


def test_a_name_that_begins_with_a_dash(restyle, clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-song.wav").write_bytes(clips[0].read_bytes())
    assert restyle("transfer", "-o", "out.wav", *FAST, "--", "-song.wav", "style.wav").code == 0


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("rate", "channels", "change"),
    [
        (8000, 1, None),
        (192000, 1, None),
        (16000, 8, None),
        (44100, 2, "offset"),
        (16000, 2, "clipped"),
        (16000, 1, "quiet"),
    ],
)
def test_every_method_takes_odd_content(method, rate, channels, change, transferred):
    plain = chord(1, rate, channels)
    content = {None: plain, "offset": plain + 0.3, "clipped": np.clip(20 * plain, -1, 1), "quiet": 1e-3 * plain}[change]
    samples, made_rate, _ = transferred(content, rate, options=quick(method))
    assert (samples.shape, made_rate) == (content.shape, rate)
    assert samples.any()
