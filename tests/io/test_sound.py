"""Sound files: every format there and back, what damaged and odd files give, what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.errors import RestyleError
from restyle.io import sound

av = pytest.importorskip("av")

RATE = 44100


def tones(channels: int = 2, rate: int = RATE, seconds: float = 1.0, level: float = 0.4) -> Audio:
    """A sine of its own pitch in each channel: 440 Hz, 660 Hz, ..."""
    time = np.arange(round(rate * seconds)) / rate
    pitches = 440 + 220 * np.arange(channels)
    return Audio(level * np.sin(2 * np.pi * pitches[:, None] * time), rate)


def noise(seconds: float, channels: int = 2, rate: int = RATE) -> Audio:
    samples = 0.1 * np.random.default_rng(0).standard_normal((channels, round(rate * seconds)))
    return Audio(np.clip(samples, -0.9, 0.9), rate)


def encode_with_ffmpeg(path: Path, codec: str, audio: Audio, *, video: bool = False) -> Path:
    """Write a container that libsndfile does not know; optionally with a black picture before the sound."""
    try:
        with av.open(str(path), "w") as file:
            stream = file.add_stream(codec, rate=audio.rate, layout={1: "mono", 2: "stereo"}[audio.channels])
            stream.bit_rate = 128000
            if video:
                _mux_black(file)
            frame = av.AudioFrame.from_ndarray(audio.samples, format="fltp", layout=stream.layout.name)
            frame.sample_rate, frame.pts = audio.rate, 0
            even = av.AudioResampler(stream.format, stream.layout, audio.rate, stream.codec_context.frame_size or 1024)
            for part in [*even.resample(frame), *even.resample(None), None]:
                file.mux(stream.encode(part))
    except (av.FFmpegError, av.codec.codec.UnknownCodecError) as error:
        pytest.skip(f"this FFmpeg cannot encode {codec}: {error}")
    return path


def _mux_black(file) -> None:
    picture = file.add_stream("mpeg4", rate=10)
    picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
    for _ in range(10):
        file.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
    file.mux(picture.encode())


def cut(path: Path, part: float) -> Path:
    """Keep the first part of a file's bytes."""
    short = path.with_stem(path.stem + "-cut")
    data = path.read_bytes()
    short.write_bytes(data[: int(len(data) * part)])
    return short


def error_db(made: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(((made - wanted) ** 2).sum() / (wanted**2).sum()))


def one_sentence(error: pytest.ExceptionInfo[RestyleError]) -> str:
    text = str(error.value)
    assert "\n" not in text and len(text) < 400 and not text.endswith(".")
    return text


# --- formats ---------------------------------------------------------------------------------------------------------

SUBTYPES = [  # format, subtype, largest error of a sample
    ("wav", "PCM_U8", 2**-7),
    ("wav", "PCM_16", 2**-15),
    ("wav", "PCM_24", 2**-22),
    ("wav", "PCM_32", 2**-22),
    ("wav", "FLOAT", 0),
    ("wav", "DOUBLE", 0),
    ("aiff", "PCM_16", 2**-15),
    ("au", "PCM_16", 2**-15),
    ("flac", "PCM_16", 2**-15),
    ("flac", "PCM_24", 2**-22),
]


@pytest.mark.parametrize(("kind", "subtype", "step"), SUBTYPES)
def test_reads_uncompressed(tmp_path: Path, kind: str, subtype: str, step: float) -> None:
    audio = tones()
    soundfile.write(tmp_path / f"a.{kind}", audio.samples.T, RATE, subtype=subtype)
    back = sound.read(tmp_path / f"a.{kind}")
    assert back.rate == RATE and back.samples.dtype == np.float32 and back.samples.shape == audio.samples.shape
    assert np.abs(back.samples - audio.samples).max() <= step


@pytest.mark.parametrize(("name", "limit"), [("a.ogg", -25), ("a.opus", -25), ("a.mp3", -25)])
def test_lossy_round_trip_keeps_length_and_waveform(tmp_path: Path, name: str, limit: float) -> None:
    audio = tones(rate=48000, seconds=2.0)
    sound.write(tmp_path / name, audio)
    back = sound.read(tmp_path / name)
    assert back.rate == 48000 and back.samples.shape == audio.samples.shape
    assert error_db(back.samples[:, 4800:-4800], audio.samples[:, 4800:-4800]) < limit


FFMPEG = [("a.m4a", "aac", 44100), ("a.aac", "aac", 44100), ("a.wma", "wmav2", 44100), ("a.webm", "libopus", 48000)]


@pytest.mark.parametrize(("name", "codec", "rate"), [*FFMPEG, ("lossless.m4a", "alac", 44100)])
def test_reads_ffmpeg_formats(tmp_path: Path, name: str, codec: str, rate: int) -> None:
    audio = tones(rate=rate, seconds=2.0)
    back = sound.read(encode_with_ffmpeg(tmp_path / name, codec, audio))
    assert back.rate == rate and back.channels == 2
    assert abs(back.length - audio.length) < 0.1 * rate  # raw aac and wma do not tell their padding
    spectrum = np.abs(np.fft.rfft(back.samples[:, 4096 : 4096 + rate] * np.hanning(rate)))
    assert spectrum.argmax(axis=1).tolist() == [440, 660]
    if codec in ("alac", "aac") and name.endswith("m4a"):
        assert back.length == audio.length
        assert error_db(back.samples[:, 4096:-4096], audio.samples[:, 4096:-4096]) < -30


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_reads_sound_of_video(tmp_path: Path, name: str) -> None:
    audio = tones(seconds=1.0)
    back = sound.read(encode_with_ffmpeg(tmp_path / name, "aac", audio, video=True))
    assert back.rate == RATE and back.channels == 2 and abs(back.length - audio.length) < 2048
    assert error_db(back.samples[:, 4096:40000], audio.samples[:, 4096:40000]) < -25


def test_info_tells_without_decoding(tmp_path: Path) -> None:
    sound.write(tmp_path / "a.wav", tones(seconds=1.5), bits="24")
    assert sound.info(tmp_path / "a.wav") == sound.SoundInfo(RATE, 2, 66150, 1.5, "WAV", "PCM_24")
    told = sound.info(encode_with_ffmpeg(tmp_path / "a.m4a", "aac", tones(seconds=1.5)))
    assert (told.rate, told.channels, told.length, told.subtype) == (RATE, 2, 66150, "aac")


# --- parts -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.opus", "a.mp3", "a.m4a"])
def test_part_is_part_of_whole(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    audio = noise(4.0, rate=48000)
    path = tmp_path / name
    encode_with_ffmpeg(path, "aac", audio) if name.endswith("m4a") else sound.write(path, audio)
    whole = sound.read(path)
    part = sound.read(path, start=1.25, duration=1.5)
    assert part.length == 72000
    assert np.abs(part.samples - whole.samples[:, 60000:132000]).max() < 1e-4
    tail = sound.read(path, start=3.0, duration=100.0)
    assert tail.length == whole.length - 144000


@pytest.mark.parametrize("codec", [None, "aac"])
def test_start_beyond_the_end(tmp_path: Path, codec: str | None) -> None:
    path = tmp_path / ("a.m4a" if codec else "a.wav")
    encode_with_ffmpeg(path, codec, tones()) if codec else sound.write(path, tones())
    with pytest.raises(RestyleError, match=r"ends before 5 s") as error:
        sound.read(path, start=5)
    one_sentence(error)


@pytest.mark.parametrize(("start", "duration"), [(-1, None), (np.nan, None), (0, -1), (0, 0), (0, np.nan), (np.inf, 1)])
def test_refuses_impossible_parts(tmp_path: Path, start: float, duration: float | None) -> None:
    sound.write(tmp_path / "a.wav", tones())
    with pytest.raises(RestyleError, match=r"cannot be") as error:
        sound.read(tmp_path / "a.wav", start=start, duration=duration)
    one_sentence(error)


# --- writing ---------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    samples=arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 300)), elements=st.floats(-1, 1, width=32)),
    rate=st.integers(8000, 65535),
    form=st.sampled_from([("wav", "16", 2**-15), ("wav", "24", 2**-23), ("wav", "32f", 0), ("flac", "24", 2**-23)]),
)
def test_round_trip_within_a_step(tmp_path: Path, samples: np.ndarray, rate: int, form: tuple[str, str, float]) -> None:
    kind, bits, step = form
    path = tmp_path / f"a.{kind}"
    sound.write(path, Audio(samples, rate), bits=bits)
    back = sound.read(path)
    assert back.rate == rate and back.samples.shape == samples.shape
    assert np.abs(back.samples.astype(float) - samples).max() <= step


@pytest.mark.parametrize(("bits", "dtype", "shift"), [("16", np.int16, 0), ("24", np.int32, 8)])
def test_every_step_comes_back_to_the_bit(tmp_path: Path, bits: str, dtype: type, shift: int) -> None:
    top = 2 ** (int(bits) - 1)
    steps = np.unique(np.linspace(-top, top - 1, 65536).round().astype(np.int64))
    whole = (steps << shift).astype(dtype)
    soundfile.write(tmp_path / "a.wav", whole, RATE, subtype=f"PCM_{bits}")
    sound.write(tmp_path / "b.wav", sound.read(tmp_path / "a.wav"), bits=bits)
    back, _ = soundfile.read(tmp_path / "b.wav", dtype="int16" if bits == "16" else "int32")
    assert np.array_equal(back, whole)


def test_wav_is_read_alike_by_another_reader(tmp_path: Path) -> None:
    audio = tones()
    sound.write(tmp_path / "a.wav", audio)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, RATE, 2)
        other = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2).T / 2**15
    assert np.abs(other - audio.samples).max() <= 2**-16 + 1e-7


@pytest.mark.parametrize(("name", "bits"), [("a.wav", "16"), ("a.wav", "24"), ("a.flac", "16"), ("a.ogg", "16")])
def test_a_peak_is_limited_and_told(tmp_path: Path, name: str, bits: str, caplog: pytest.LogCaptureFixture) -> None:
    loud = tones(level=0.5)
    loud.samples[:, 2000] = 5.4
    sound.write(tmp_path / name, loud, bits=bits)
    assert "14.8 dB at most" in caplog.text
    back = sound.read(tmp_path / name)
    assert np.abs(back.samples).max() < (1.1 if name == "a.ogg" else 1.0)
    before, after = slice(0, 1000), slice(-8000, None)
    for part in before, after:
        assert error_db(back.samples[:, part], loud.samples[:, part]) < (-20 if name == "a.ogg" else -80)


def test_full_scale_is_not_turned_down(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    square = Audio(np.sign(np.sin(np.arange(5000) / 9)) + 0.0, RATE)
    sound.write(tmp_path / "a.wav", square)
    assert not caplog.records
    assert np.abs(sound.read(tmp_path / "a.wav").samples - square.samples).max() <= 2**-15


def test_float_wav_above_full_scale_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    loud = tones(level=3.0)
    sound.write(tmp_path / "a.wav", loud, bits="32f")
    assert np.array_equal(sound.read(tmp_path / "a.wav").samples, loud.samples)
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "rate", "made"),
    [("a.opus", 44100, 48000), ("a.opus", 11025, 12000), ("a.mp3", 96000, 48000), ("a.mp3", 37800, 44100)],
)
def test_unknown_rates_are_resampled_and_told(
    tmp_path: Path, name: str, rate: int, made: int, caplog: pytest.LogCaptureFixture
) -> None:
    for channels in (1, 2):
        caplog.clear()
        sound.write(tmp_path / name, tones(channels, rate, 2.0))
        assert f"no {rate} Hz" in caplog.text and f"to {made} Hz" in caplog.text
        back, wanted = sound.read(tmp_path / name), tones(channels, made, 2.0)
        assert back.rate == made and abs(back.length - wanted.length) <= 1
        middle = slice(made // 10, -made // 10)
        assert error_db(back.samples[:, middle], wanted.samples[:, middle][:, : back.length]) < -20


def test_many_channels_by_format(tmp_path: Path) -> None:
    eight = tones(8, 22050)
    for name in ("a.wav", "a.flac", "a.ogg"):
        sound.write(tmp_path / name, eight)
        assert error_db(sound.read(tmp_path / name).samples[:, 2000:-2000], eight.samples[:, 2000:-2000]) < -15
    with pytest.raises(RestyleError, match=r"mp3 files hold 2 channels, not 8") as error:
        sound.write(tmp_path / "a.mp3", eight)
    one_sentence(error)
    with pytest.raises(RestyleError, match=r"flac files hold 8 channels, not 9"):
        sound.write(tmp_path / "b.flac", tones(9, 22050))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.flac", "a.ogg", "a.wav"]


def test_a_rate_that_a_format_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(RestyleError, match=r"cannot hold 1 channels at 700001 Hz") as error:
        sound.write(tmp_path / "a.flac", Audio(np.zeros(1000), 700001))
    assert ".restyle" not in one_sentence(error)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "bits"), [("a.txt", "16"), ("a", "16"), ("a.m4a", "16"), ("a.wav", "12"), ("a.flac", "32f")]
)
def test_outputs_refused_before_work(tmp_path: Path, name: str, bits: str) -> None:
    with pytest.raises(RestyleError) as error:
        sound.check_output(tmp_path / name, bits)
    assert name in one_sentence(error)
    with pytest.raises(RestyleError):
        sound.write(tmp_path / name, tones(), bits=bits)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_not_finite_samples_are_neither_written_nor_read(tmp_path: Path, value: float) -> None:
    samples = np.zeros((1, 50000), np.float32)
    samples[0, 40000] = value
    with pytest.raises(RestyleError, match=r"NaN or infinite"):
        sound.write(tmp_path / "a.wav", Audio(samples, RATE), bits="32f")
    assert not list(tmp_path.iterdir())
    soundfile.write(tmp_path / "a.wav", samples.T, RATE, subtype="FLOAT")
    with pytest.raises(RestyleError, match=r"NaN or infinite") as error:
        sound.read(tmp_path / "a.wav")
    one_sentence(error)


def test_nothing_to_write(tmp_path: Path) -> None:
    with pytest.raises(RestyleError, match=r"no samples"):
        sound.write(tmp_path / "a.wav", Audio(np.zeros((2, 0)), RATE))
    assert not list(tmp_path.iterdir())


FULL_DISK = """
import resource, sys
import numpy as np
from restyle.audio import Audio
from restyle.errors import RestyleError
from restyle.io import sound
audio = Audio(0.1 * np.random.default_rng(0).standard_normal((2, 500000)), 48000)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    sound.write(sys.argv[1], audio)
except RestyleError as error:
    print(error)
    sys.exit(2)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.opus", "a.mp3"])
def test_full_disk_leaves_nothing(tmp_path: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / name)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stdout.count("\n") == 1 and name in done.stdout and "could not be written" in done.stdout
    assert not list(tmp_path.iterdir())


def test_full_disk_keeps_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("before")
    subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path / "a.wav")], capture_output=True, check=False)
    assert (tmp_path / "a.wav").read_text() == "before"


# --- bad input -------------------------------------------------------------------------------------------------------


def _bad_files(folder: Path) -> dict[str, str]:
    (folder / "folder").mkdir()
    (folder / "text.wav").write_text("this is no sound\n" * 100)
    (folder / "nothing.mp3").write_bytes(b"")
    (folder / "random.m4a").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "headerless.raw").write_bytes(np.random.default_rng(0).bytes(5000))
    (folder / "list.wav").write_text(f"#EXTM3U\n#EXTINF:1,\n{folder}/folder/a.ts\n")
    soundfile.write(folder / "empty.wav", np.zeros((0, 2)), RATE)
    return {
        "missing.wav": "no such file",
        "folder": "is a folder",
        "text.wav": "no sound file",
        "nothing.mp3": "no sound file",
        "random.m4a": "no sound",
        "headerless.raw": "no sound",
        "list.wav": "no sound",
        "empty.wav": "no samples",
    }


def test_bad_input_ends_in_one_sentence(tmp_path: Path) -> None:
    for name, why in _bad_files(tmp_path).items():
        with pytest.raises(RestyleError, match=why) as error:
            sound.read(tmp_path / name)
        assert name in one_sentence(error)


def test_video_without_sound(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "mute.mp4"), "w") as file:
        _mux_black(file)
    for function in (sound.read, sound.info):
        with pytest.raises(RestyleError, match=r"holds no sound") as error:
            function(tmp_path / "mute.mp4")
        one_sentence(error)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path: Path) -> None:
    sound.write(tmp_path / "a.wav", tones())
    (tmp_path / "a.wav").chmod(0)
    with pytest.raises(RestyleError, match=r"permissions"):
        sound.read(tmp_path / "a.wav")


# --- odd input that works --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.wav", "a.aiff", "a.au", "a.flac", "a.ogg", "a.opus", "a.mp3", "a.mkv"])
def test_truncated_gives_what_can_be_decoded(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture) -> None:
    audio, path = noise(3.0, rate=48000), tmp_path / name
    if name in ("a.aiff", "a.au"):
        soundfile.write(path, audio.samples.T, audio.rate, subtype="PCM_16")
    elif name == "a.mkv":
        encode_with_ffmpeg(path, "aac", audio)
    else:
        sound.write(path, audio)
    whole = sound.read(path)
    assert not caplog.records
    part = sound.read(cut(path, 0.6))
    least = 0.3 if name == "a.opus" else 0.45  # an opus page, here a second, is decoded whole or not at all
    assert least * whole.length < part.length < 0.65 * whole.length
    assert np.abs(part.samples[:, :-5000] - whole.samples[:, : part.length - 5000]).max() < 1e-4
    if name != "a.mkv":  # Matroska does not tell how long it should be
        assert "cut off" in caplog.text


def test_part_before_the_damage_is_read_without_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.wav", "a.flac", "a.mp3"):
        sound.write(tmp_path / name, noise(3.0, rate=48000))
        assert sound.read(cut(tmp_path / name, 0.6), start=0.2, duration=0.5).length == 24000
        assert not caplog.records


def test_truncated_flac_beyond_the_cut(tmp_path: Path) -> None:
    sound.write(tmp_path / "a.flac", noise(3.0))
    with pytest.raises(RestyleError, match=r"ends before 2.5 s"):
        sound.read(cut(tmp_path / "a.flac", 0.5), start=2.5)


def test_mp3_without_a_length_in_its_header(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    audio = tones(seconds=4.0)
    sound.write(tmp_path / "a.mp3", audio)
    data = (tmp_path / "a.mp3").read_bytes()
    at = max(data.find(b"Xing"), data.find(b"Info"))
    assert at > 0
    silenced = data[:at] + b"\0" * 120 + data[at + 120 :]
    tag = b"ID3\x04\0\0\0\0\x4e\x10" + b"\0" * (0x4E * 128 + 0x10)
    for whole in (silenced, tag + silenced):
        (tmp_path / "b.mp3").write_bytes(whole)
        assert abs(sound.read(tmp_path / "b.mp3").length - audio.length) < 4 * 1152
    assert not caplog.records


def test_streamed_wav_of_unknown_length(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    sound.write(tmp_path / "a.wav", tones())
    data = bytearray((tmp_path / "a.wav").read_bytes())
    at = data.find(b"data")
    data[4:8] = data[at + 4 : at + 8] = b"\xff\xff\xff\xff"  # as programs that write to a pipe do
    (tmp_path / "b.wav").write_bytes(data)
    assert np.array_equal(sound.read(tmp_path / "b.wav").samples, sound.read(tmp_path / "a.wav").samples)
    assert not caplog.records


def test_streamed_flac_of_unknown_length(tmp_path: Path) -> None:
    sound.write(tmp_path / "a.flac", noise(4.0))
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0  # the 36 bits of the number of samples in STREAMINFO
    data[22:26] = b"\0\0\0\0"
    (tmp_path / "b.flac").write_bytes(data)
    assert np.array_equal(sound.read(tmp_path / "b.flac").samples, sound.read(tmp_path / "a.flac").samples)


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 32000, 88200, 96000, 192000])
def test_rates(tmp_path: Path, rate: int) -> None:
    for name in ("a.wav", "a.flac", "a.ogg"):
        audio = tones(1, rate)
        sound.write(tmp_path / name, audio)
        back = sound.read(tmp_path / name)
        assert back.rate == rate and back.length == rate
        assert error_db(back.samples[:, rate // 10 : -rate // 10], audio.samples[:, rate // 10 : -rate // 10]) < -20


@pytest.mark.parametrize("channels", range(1, 9))
def test_channels(tmp_path: Path, channels: int) -> None:
    audio = tones(channels)
    sound.write(tmp_path / "a.wav", audio)
    assert np.abs(sound.read(tmp_path / "a.wav").samples - audio.samples).max() <= 2**-16 + 1e-7


def test_offset_clipped_and_very_quiet(tmp_path: Path) -> None:
    plain = tones().samples
    for samples in (plain * 0.5 + 0.4, np.clip(plain * 10, -1, 1), plain * 1e-4):
        sound.write(tmp_path / "a.wav", Audio(samples, RATE), bits="24")
        assert np.abs(sound.read(tmp_path / "a.wav").samples - samples).max() <= 2**-23


@pytest.mark.parametrize("name", ["two words", "Für Élise, 月光 🎹", "-dash", "what:ever?50%", "n" * 240])
def test_names(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "a folder, ü"
    folder.mkdir()
    sound.write(folder / f"{name}.wav", tones())
    assert sound.read(folder / f"{name}.wav").length == RATE
    assert sound.read(encode_with_ffmpeg(folder / f"{name}.m4a", "aac", tones())).length == RATE
    assert sound.read(str(folder / f"{name}.m4a")).length == RATE


def test_relative_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sound.write("A.WAV", tones())
    assert sound.read("A.WAV").length == RATE
    encode_with_ffmpeg(tmp_path / "a:b.m4a", "aac", tones())
    assert sound.read("a:b.m4a").length == RATE


def test_wrong_extension_is_read_by_content(tmp_path: Path) -> None:
    sound.write(tmp_path / "a.flac", tones())
    (tmp_path / "a.flac").rename(tmp_path / "a.mp3")
    assert sound.info(tmp_path / "a.mp3").format == "FLAC"
    encode_with_ffmpeg(tmp_path / "a.m4a", "aac", tones())
    (tmp_path / "a.m4a").rename(tmp_path / "b.mp3")
    assert sound.read(tmp_path / "b.mp3").length == RATE


# --- blocks and memory -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a", "a.mkv"])
def test_one_block_or_many(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from restyle.io import container, libsndfile

    audio, path = noise(1.0), tmp_path / name
    encode_with_ffmpeg(path, "aac", audio) if name in ("a.m4a", "a.mkv") else sound.write(path, audio)
    whole = sound.read(path)
    for module in (container, libsndfile, sound):
        monkeypatch.setattr(module, "BLOCK", 1000)
    monkeypatch.setattr(blocks, "IN_MEMORY", 1000)  # and in a file instead of memory
    pieces = sound.read(path)
    assert np.abs(pieces.samples - whole.samples).max() < 1e-6
    if name == "a.wav":
        sound.write(tmp_path / "b.wav", pieces)
        assert (tmp_path / "b.wav").read_bytes() == path.read_bytes()


HOUR = """
import sys
from pathlib import Path
import numpy as np
from restyle.dsp import blocks
from restyle.audio import Audio
from restyle.io import sound
folder, minutes = Path(sys.argv[1]), float(sys.argv[2])
rng = np.random.default_rng(0)
samples = blocks.empty(2, round(minutes * 60 * 44100))
for at in range(0, samples.shape[1], 441000):
    part = samples[:, at : at + 441000]
    part[:] = 0.1 * rng.standard_normal(part.shape, dtype=np.float32)
    blocks.release(samples)
sound.write(folder / "a.wav", Audio(samples, 44100))
back = sound.read(folder / "a.wav")
sound.write(folder / "b.wav", back)
with open(folder / "a.wav", "rb") as a, open(folder / "b.wav", "rb") as b:
    while one := a.read(2**20):
        assert one == b.read(2**20)
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(back.length, int(peak.split()[1]) // 1024)  # unlike ru_maxrss, not inherited from the process that started this
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_an_hour_needs_little_memory(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", HOUR, str(tmp_path), "60"], capture_output=True, text=True, check=True)
    length, mebibytes = map(int, done.stdout.split())
    assert length == 60 * 60 * 44100
    assert mebibytes < 300
