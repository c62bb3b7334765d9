"""Pictures and sounds with known content, made on the spot."""

import subprocess
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

SAMPLE_RATE_HZ = 48_000
Rgb = tuple[int, int, int]

RED: Rgb = (200, 40, 40)
GREEN: Rgb = (40, 180, 60)
BLUE: Rgb = (40, 70, 210)


def yuv601(colour: Rgb) -> tuple[int, int, int]:
    """BT.601, limited range, by the coefficients of the Recommendation (section 2.5)."""
    r, g, b = (value / 255 for value in colour)
    y = 0.299 * r + 0.587 * g + 0.114 * b
    return round(16 + 219 * y), round(128 + 224 * (b - y) / 1.772), round(128 + 224 * (r - y) / 1.402)


def camera_y4m(path: Path, colour: Rgb, *, width: int = 640, height: int = 360, fps: int = 30) -> Path:
    """Two seconds of one colour, with a lighter bar that travels along the top so that no two frames are the same."""
    y, u, v = yuv601(colour)
    bar, frames = height // 10, 2 * fps
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode())
        for n in range(frames):
            luma = np.full((height, width), y, np.uint8)
            left = n * (width - bar) // frames
            luma[:bar, left : left + bar] = min(235, y + 60)
            chroma = np.repeat(np.array([u, v], np.uint8), width * height // 4)
            file.write(b"FRAME\n" + luma.tobytes() + chroma.tobytes())
    return path


def tone(hz: float, seconds: float, *, level: float = 0.25) -> npt.NDArray[np.float32]:
    """A sine; whole periods in a whole second, so that it loops without a click."""
    t = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return np.asarray(level * np.sin(2 * np.pi * hz * t), np.float32)


def write_wav(path: Path, samples: npt.NDArray[np.float32]) -> Path:
    """Mono, 16 bit, 48 kHz."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def speech_wav(path: Path, text: str) -> Path:
    """``text`` spoken by espeak-ng, at 48 kHz, followed by half a second of silence."""
    raw = path.with_suffix(".raw.wav")
    subprocess.run(["espeak-ng", "-w", str(raw), text], check=True, timeout=30)
    with wave.open(str(raw)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    ratio = Fraction(SAMPLE_RATE_HZ, rate)
    places = np.arange(int(len(samples) * ratio)) / float(ratio)
    resampled = np.interp(places, np.arange(len(samples)), samples).astype(np.float32)
    return write_wav(path, np.concatenate([resampled, np.zeros(SAMPLE_RATE_HZ // 2, np.float32)]))
