"""Files with several streams one after the other, without sizes, or whose sound begins late: all of it is read."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from restyle.errors import collect_warnings
from restyle.io import sound

RATE = 48000
FORMATS = {
    "a.ogg": ("OGG", "VORBIS"),
    "a.opus": ("OGG", "OPUS"),
    "a.mp3": ("MP3", "MPEG_LAYER_III"),
    "a.flac": ("FLAC", "PCM_16"),
    "a.wav": ("WAV", "PCM_16"),
}


def tone(hertz: float, seconds: float, rate: int = RATE, channels: int = 2) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return np.tile(0.3 * np.sin(2 * np.pi * hertz * t)[:, None], channels)


def encoded(place: Path, name: str, samples: np.ndarray, rate: int = RATE) -> bytes:
    form, subtype = FORMATS[name]
    soundfile.write(place / f"part-{name}", samples, rate, format=form, subtype=subtype)
    return (place / f"part-{name}").read_bytes()


def read(path: Path, **part: float) -> tuple[sound.Audio, list[str]]:
    with collect_warnings() as warnings:
        audio = sound.read(path, **part)
    return audio, warnings


def pitch(audio: sound.Audio, start: float, stop: float) -> float:
    part = audio.samples[0, round(start * audio.rate) : round(stop * audio.rate)]
    return float(np.abs(np.fft.rfft(part * np.hanning(len(part)))).argmax() * audio.rate / len(part))


@pytest.mark.parametrize("name", ["a.ogg", "a.opus", "a.mp3", "a.flac"])
def test_streams_one_after_the_other_are_all_read(tmp_path: Path, name: str) -> None:
    parts = [encoded(tmp_path, name, tone(hertz, seconds)) for hertz, seconds in ((440, 2), (880, 3))]
    (tmp_path / name).write_bytes(b"".join(parts))
    audio, warnings = read(tmp_path / name)
    assert audio.duration == pytest.approx(5.0, abs=0.08) and not warnings
    assert pitch(audio, 0.2, 1.8) == pytest.approx(440, abs=2) and pitch(audio, 2.4, 4.9) == pytest.approx(880, abs=2)
    part, _ = read(tmp_path / name, start=2.5, duration=1.0)
    assert np.allclose(part.samples, audio.samples[:, round(2.5 * RATE) : round(3.5 * RATE)], atol=1e-6)


@pytest.mark.parametrize("name", FORMATS)
def test_one_stream_is_still_read_by_libsndfile(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(encoded(tmp_path, name, tone(440, 3)))
    assert sound.info(tmp_path / name).format in ("OGG", "MP3", "FLAC", "WAV")
    assert sound.info(tmp_path / name).length == pytest.approx(3 * RATE, abs=1)


def test_a_tag_after_an_mp3_is_no_sound(tmp_path: Path) -> None:
    tag = b"APETAGEX" + bytes(20000)
    (tmp_path / "a.mp3").write_bytes(encoded(tmp_path, "a.mp3", tone(440, 3)) + tag)
    assert read(tmp_path / "a.mp3")[0].length == 3 * RATE


def test_parts_of_an_mp3_may_differ_in_rate_and_channels(tmp_path: Path) -> None:
    parts = encoded(tmp_path, "a.mp3", tone(440, 2)), encoded(tmp_path, "a.mp3", tone(880, 3, 44100, 1), 44100)
    (tmp_path / "a.mp3").write_bytes(b"".join(parts))
    audio, _ = read(tmp_path / "a.mp3")
    assert audio.channels == 2 and audio.duration == pytest.approx(5.0, abs=0.1)
    assert pitch(audio, 2.4, 4.9) == pytest.approx(880, abs=2)


def test_parts_of_an_ogg_that_differ_are_told(tmp_path: Path) -> None:
    parts = encoded(tmp_path, "a.ogg", tone(440, 2)), encoded(tmp_path, "a.ogg", tone(880, 3, 44100), 44100)
    (tmp_path / "a.ogg").write_bytes(b"".join(parts))
    audio, warnings = read(tmp_path / "a.ogg")
    assert audio.duration > 4.9 or "only 2.0 s" in warnings[0]


@pytest.mark.parametrize("told", [(0, 0), (None, 0), (0, None), (1000, 1000), (0, 40000), (2**32 - 1, 2**32 - 1)])
def test_a_wav_whose_sizes_are_not_true(tmp_path: Path, told: tuple[int | None, int | None]) -> None:
    samples = tone(440, 2)
    data = bytearray(encoded(tmp_path, "a.wav", samples))
    for at, size in zip((4, 40), told, strict=True):
        data[at : at + 4] = data[at : at + 4] if size is None else size.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    audio, _ = read(tmp_path / "a.wav")
    assert audio.length == 2 * RATE and np.allclose(audio.samples, samples.T, atol=2**-15)


def test_chunks_after_the_sound_are_no_sound(tmp_path: Path) -> None:
    data = encoded(tmp_path, "a.wav", tone(440, 2)) + b"LIST" + (9000).to_bytes(4, "little") + bytes(9000)
    (tmp_path / "a.wav").write_bytes(data)
    assert read(tmp_path / "a.wav")[0].length == 2 * RATE


def test_wav_files_one_after_the_other_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(2 * encoded(tmp_path, "a.wav", tone(440, 2)))
    audio, warnings = read(tmp_path / "a.wav")
    assert audio.length == 2 * RATE and "only the first is used" in warnings[0]


def video(path: Path, codec: str, *starts: float) -> None:
    """A picture of 4 s, and tones of 2 s that begin at some times."""
    import av

    with av.open(str(path), "w") as file:
        screen = file.add_stream("mpeg4" if codec == "aac" else "libvpx", rate=25)
        screen.width = screen.height = 64
        screen.pix_fmt = "yuv420p"
        tracks = [file.add_stream(codec, rate=RATE, layout="stereo") for _ in starts]
        for i in range(100):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            file.mux(screen.encode(frame))
        samples = tone(440, 2).T.astype(np.float32)
        for track, start in zip(tracks, starts, strict=True):
            size = track.codec_context.frame_size
            for at in range(0, samples.shape[1], size):
                part = np.ascontiguousarray(samples[:, at : at + size])
                sounding = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
                sounding.sample_rate, sounding.time_base = RATE, Fraction(1, RATE)
                sounding.pts = at + round(start * RATE)
                file.mux(track.encode(sounding))
            file.mux(track.encode(None))
        file.mux(screen.encode(None))


@pytest.mark.parametrize("name, codec", [("a.mp4", "aac"), ("a.mkv", "aac"), ("a.ts", "aac"), ("a.webm", "libopus")])
@pytest.mark.parametrize("start", [0.0, 1.5])
def test_sound_that_begins_after_the_picture_keeps_its_place(
    tmp_path: Path, name: str, codec: str, start: float
) -> None:
    video(tmp_path / name, codec, start)
    audio, warnings = read(tmp_path / name)
    sounding = np.flatnonzero(np.abs(audio.samples[0]) > 0.1) / audio.rate
    assert sounding[0] == pytest.approx(start, abs=0.025) and sounding[-1] == pytest.approx(start + 2, abs=0.025)
    assert audio.duration == pytest.approx(start + 2, abs=0.04) and not warnings
    part, _ = read(tmp_path / name, start=1.0, duration=0.75)
    assert np.array_equal(part.samples, audio.samples[:, RATE : RATE + round(0.75 * RATE)])


def test_other_sound_tracks_are_told(tmp_path: Path) -> None:
    video(tmp_path / "a.mkv", "aac", 0.0, 0.0)
    assert "2 sound tracks: only the first" in read(tmp_path / "a.mkv")[1][0]
