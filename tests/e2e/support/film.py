"""What is in a recording, told by FFmpeg: the file as a whole by its programs, its content through PyAV."""

import itertools
import json
import struct
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from tests.e2e.support.media import SAMPLE_RATE_HZ

Pixels = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]
"""x, y, width, height."""


def probe(path: Path) -> dict[str, Any]:
    """What ffprobe says of the file and its streams, by ``video``, ``audio`` and ``format``."""
    command = ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    told = json.loads(done.stdout)
    return {"format": told["format"]} | {stream["codec_type"]: stream for stream in told["streams"]}


def decode_errors(path: Path) -> str:
    """What ffmpeg complains of when it decodes the file to its end; empty when all is well."""
    own_times = ["-fps_mode", "passthrough", "-enc_time_base", "-1"]  # else rounded to the rate that the beginning has
    command = ["ffmpeg", "-v", "warning", "-nostdin", "-i", str(path), *own_times, "-f", "null", "-"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stderr + ("" if done.returncode == 0 else f"exit status {done.returncode}")


def boxes(path: Path) -> list[str]:
    """The types of an MP4's top-level boxes, in order."""
    data, at, types = path.read_bytes(), 0, []
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        types.append(kind.decode())
        at += size if size > 1 else struct.unpack(">Q", data[at + 8 : at + 16])[0]
    return types


@dataclass(frozen=True)
class Spacing:
    """Distances between neighbouring pictures, in frame periods."""

    periods: list[Fraction]

    @property
    def all_whole(self) -> bool:
        """Whether every distance is a positive multiple of the period."""
        return all(period.denominator == 1 and period > 0 for period in self.periods)

    @property
    def missing(self) -> int:
        """How many pictures would have to be added to make every distance one period."""
        return int(sum(self.periods)) - len(self.periods)


def spacing(path: Path, fps: int) -> Spacing:
    """The spacing of the pictures in ``path``."""
    times = sorted(time for time, _ in packets(path, "video"))
    return Spacing([(later - time) * fps for time, later in itertools.pairwise(times)])


def packets(path: Path, kind: str) -> list[tuple[Fraction, bool]]:
    """Presentation time and whether it is a keyframe, of each packet of the ``video`` or ``audio``."""
    with av.open(str(path)) as file:
        stream = next(stream for stream in file.streams if stream.type == kind)
        return [
            (packet.pts * stream.time_base, packet.is_keyframe)
            for packet in file.demux(stream)
            if packet.pts is not None and stream.time_base is not None
        ]


def picture(path: Path, at_s: float) -> Pixels:
    """The picture shown at ``at_s``, RGB."""
    with av.open(str(path)) as file:
        shown = None
        for frame in file.decode(video=0):
            if shown is not None and frame.time > at_s:
                break
            shown = frame
        assert shown is not None, "there are no pictures"
        return np.asarray(shown.to_ndarray(format="rgb24"), np.uint8)


def sound(path: Path) -> tuple[float, Samples]:
    """When the sound begins, and all of it as 48 kHz mono."""
    blocks: list[Samples] = []
    begins: float | None = None
    resampler = av.AudioResampler("fltp", "mono", SAMPLE_RATE_HZ)
    with av.open(str(path)) as file:
        for frame in file.decode(audio=0):
            begins = frame.time if begins is None else begins
            blocks += [np.asarray(block.to_ndarray()[0], np.float32) for block in resampler.resample(frame)]
    assert begins is not None, "there is no sound"
    return begins, np.concatenate(blocks)


@dataclass(frozen=True)
class Flash:
    """A flash's first picture, and when it could have been shown at the earliest.

    The two differ where the pictures before it were never made: no picture, no flash.
    """

    earliest_s: float
    shown_s: float

    def distance_s(self, beep_s: float) -> float:
        """How much later a beep comes; 0 while the picture was missing."""
        return beep_s - min(max(beep_s, self.earliest_s), self.shown_s)


def flashes(path: Path, box: Box, fps: int) -> list[Flash]:
    """When the part ``box`` of the picture turns white."""
    x, y, width, height = box
    onsets: list[Flash] = []
    was_lit, before_s = True, 0.0
    with av.open(str(path)) as file:
        for frame in file.decode(video=0):
            luma = frame.to_ndarray(format="gray")[y : y + height, x : x + width].mean()
            if luma > 180 and not was_lit:
                onsets.append(Flash(min(before_s + 1 / fps, frame.time), frame.time))
            was_lit, before_s = bool(luma > 180), frame.time
    return onsets


def beeps(path: Path, hz: float) -> list[float]:
    """When a tone of ``hz`` begins: the instant its amplitude rises through half of what it reaches around there."""
    begins, samples = sound(path)
    window, block = SAMPLE_RATE_HZ // 100, SAMPLE_RATE_HZ // 10
    samples = samples[: len(samples) // block * block]
    turned = samples * np.exp(-2j * np.pi * hz * np.arange(len(samples)) / SAMPLE_RATE_HZ)
    amplitude = 2 * np.abs(np.convolve(turned, np.ones(window) / window, "same"))
    peaks = np.pad(amplitude.reshape(-1, block).max(axis=1), 7)
    nearby = np.lib.stride_tricks.sliding_window_view(peaks, 15).max(axis=1)  # 0.7 s to either side
    loud = amplitude > np.maximum(np.repeat(nearby, block) / 2, 0.01)
    rises = np.flatnonzero(loud[1:] & ~loud[:-1])
    firsts = [rise for n, rise in enumerate(rises) if n == 0 or rise - rises[n - 1] > SAMPLE_RATE_HZ // 2]
    return [begins + float(rise) / SAMPLE_RATE_HZ for rise in firsts]


def offsets_ms(seen: list[Flash], beep_times: list[float]) -> list[float]:
    """For each flash, how much later its beep comes (the nearest one within half a second)."""
    nearest = [min((flash.distance_s(beep) for beep in beep_times), key=abs) for flash in seen]
    return [1000 * distance for distance in nearest if abs(distance) < 0.5]
