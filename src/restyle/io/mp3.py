"""`Audio` to MP3 in memory, for pages that hold their sounds. Floor 2."""

from __future__ import annotations

import io

import numpy as np

from restyle.audio import Audio, resample

RATE = 44100  # every decoder knows it, and sounds of one rate have the same delay in all of them
LOWEST, HIGHEST = 32, 320  # kb/s at that rate


def encode_mp3(audio: Audio, *, kbps: int = 128) -> bytes:
    """Encode a sound as MP3 at 44.1 kHz and a constant bit rate.

    Args:
        audio: full scale at -1..1 (more is clipped); more than two channels are mixed to one.
        kbps: bit rate in kb/s, 32..320; the nearest one that MP3 has is taken.

    Returns:
        The bytes of an MP3 file, which tells its exact length: decoders that read that (all browsers' do) give as many
        samples as were encoded.

    Raises:
        ValueError: if the sound is empty or the bit rate out of range.

    Example:
        >>> second = Audio(np.zeros((2, 44100)), 44100)
        >>> 16000 < len(encode_mp3(second, kbps=128)) < 18000
        True
    """
    import soundfile

    if not audio.length or not LOWEST <= kbps <= HIGHEST:
        raise ValueError(f"a sound that is not empty and {LOWEST}..{HIGHEST} kb/s are needed, not {kbps}")
    audio = audio if audio.channels <= 2 else Audio(audio.mono(), audio.rate)
    samples = at_rate(audio, RATE).samples
    level = min(0.9999, (HIGHEST - kbps) / (HIGHEST - LOWEST))  # libsndfile's way to name a bit rate; it refuses 1
    sink = io.BytesIO()
    with soundfile.SoundFile(
        sink,
        "w",
        RATE,
        len(samples),
        "MPEG_LAYER_III",
        format="MP3",
        compression_level=level,
        bitrate_mode="CONSTANT",
    ) as file:
        file.write(np.clip(samples.T, -1, 1))
    return sink.getvalue()


def at_rate(audio: Audio, rate: int) -> Audio:
    """Return the sound at another rate; the same object where it has that already."""
    return audio if audio.rate == rate else Audio(resample(audio.samples, audio.rate, rate), rate)
