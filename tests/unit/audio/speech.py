"""Speech with known words, and how good what is left of it sounds."""

import functools
import io
import subprocess
import wave
from pathlib import Path

import numpy as np
from pesq import pesq

from mcu.media import SAMPLE_RATE_HZ, Samples

SENTENCES = (
    "The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background. "
    "It is easy to tell the depth of a well. These days a chicken leg is a rare dish. "
    "Rice is often served in round bowls. The juice of lemons makes fine punch."
)  # Harvard sentences, IEEE 297-1969, list 1


def change_rate(sound: Samples, from_hz: int, to_hz: int) -> Samples:
    """By its spectrum, shape (samples,)."""
    count = len(sound) * to_hz // from_hz
    spectrum = np.fft.rfft(sound)[: count // 2 + 1]
    spectrum = np.pad(spectrum, (0, count // 2 + 1 - len(spectrum)))
    return np.asarray(np.fft.irfft(spectrum, count) * (count / len(sound)), np.float32)


@functools.cache
def speech(text: str = SENTENCES, *, voice: str = "en-us", rms_dbfs: float = -26.0) -> Samples:
    """``text`` spoken by espeak-ng at 48 kHz, shape (samples,), whole blocks of 20 ms."""
    spoken = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdout", text], check=True, capture_output=True, timeout=30
    ).stdout
    with wave.open(io.BytesIO(spoken)) as file:
        rate_hz = file.getframerate()
        pcm = np.frombuffer(file.readframes(len(spoken)), "<i2")  # a pipe's header does not tell the length
    sound = change_rate(np.asarray(pcm / 32768, np.float32), rate_hz, SAMPLE_RATE_HZ)
    return _level(sound, rms_dbfs)


def quality(spoken: Samples, heard: Samples) -> float:
    """Wide-band PESQ (P.862.2) of ``heard`` against ``spoken``, both at 48 kHz and mono; 1.0 to 4.64."""
    return float(pesq(16_000, change_rate(spoken, 48_000, 16_000), change_rate(heard, 48_000, 16_000), "wb"))


@functools.cache
def human_speech(*, rms_dbfs: float = -26.0) -> Samples:
    """Eight short announcements by a human voice, from Debian's alsa-utils, as ``speech``."""
    parts = []
    for path in sorted(Path("/usr/share/sounds/alsa").glob("*_*.wav")):
        with wave.open(str(path)) as file:
            assert (file.getframerate(), file.getnchannels()) == (SAMPLE_RATE_HZ, 1)
            parts.append(np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768)
    assert parts, "install the package alsa-utils"
    return _level(np.concatenate(parts), rms_dbfs)


def _level(sound: Samples, rms_dbfs: float) -> Samples:
    sound = sound[: len(sound) // 960 * 960]
    return np.asarray(sound * (10 ** (rms_dbfs / 20) / np.sqrt(np.mean(sound**2))), np.float32)
