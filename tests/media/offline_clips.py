"""Small clips for the offline tests, made with PyAV and read back with it."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

RATE_HZ = 48_000
Rgb = tuple[int, int, int]
RED, GREEN, BLUE, GREY = (200, 40, 40), (40, 160, 60), (50, 60, 200), (120, 120, 120)


@dataclass(frozen=True)
class ClipPlan:
    """``flash_s``: white pictures and the tone only from here to a tenth of a second later."""

    colour: Rgb | None = RED
    tone_hz: float | None = 440
    seconds: float = 1.0
    width: int = 320
    height: int = 180
    fps: int = 25
    amplitude: float = 0.2
    flash_s: float | None = None
    sound_from_s: float = 0.0
    rotation: int = 0


def write_clip(path: Path, plan: ClipPlan = ClipPlan()) -> Path:
    """H.264 and AAC, or whatever the ending of ``path`` stands for."""
    with av.open(str(path), "w") as container:
        video = _video_stream(container, plan) if plan.colour is not None else None
        audio = None
        if plan.tone_hz is not None:
            audio = container.add_stream(_AUDIO.get(path.suffix, "aac"), rate=RATE_HZ, layout="mono")
        if video is not None:
            _write_pictures(container, video, plan)
        if audio is not None:
            assert isinstance(audio, AudioStream)
            _write_sound(container, audio, plan)
    return path


_AUDIO = {".wav": "pcm_s16le", ".mp3": "libmp3lame", ".webm": "libopus"}


def _video_stream(container: av.container.OutputContainer, plan: ClipPlan) -> VideoStream:
    subsampled = plan.width % 2 == 0 and plan.height % 2 == 0
    name = "libvpx" if container.format.name == "webm" else "libx264"
    video = container.add_stream(name, rate=plan.fps, options={"crf": "12"})
    assert isinstance(video, VideoStream)
    video.width, video.height, video.pix_fmt = plan.width, plan.height, "yuv420p" if subsampled else "yuv444p"
    if plan.rotation:
        video.set_display_rotation(plan.rotation)
    return video


def _write_pictures(container: av.container.OutputContainer, video: VideoStream, plan: ClipPlan) -> None:
    for number in range(round(plan.seconds * plan.fps)):
        rgb = np.empty((plan.height, plan.width, 3), np.uint8)
        rgb[:] = (255, 255, 255) if _flashes(plan, number / plan.fps) else plan.colour or GREY
        frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
        frame.pts, frame.time_base = number, Fraction(1, plan.fps)
        container.mux(video.encode(frame))
    container.mux(video.encode(None))


def _write_sound(container: av.container.OutputContainer, audio: AudioStream, plan: ClipPlan) -> None:
    assert plan.tone_hz is not None
    t = np.arange(round(plan.sound_from_s * RATE_HZ), round(plan.seconds * RATE_HZ)) / RATE_HZ
    wave = plan.amplitude * np.sin(2 * np.pi * plan.tone_hz * t)
    if plan.flash_s is not None:
        wave *= (t >= plan.flash_s - 1e-9) & (t < plan.flash_s + 0.1 - 1e-9)
    for start in range(0, len(wave), 1000):
        block = (wave[start : start + 1000] * 32767).astype(np.int16)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(block, "s16", "mono")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        frame.pts = start + round(plan.sound_from_s * RATE_HZ)
        container.mux(audio.encode(frame))
    container.mux(audio.encode(None))


def _flashes(plan: ClipPlan, at_s: float) -> bool:
    return plan.flash_s is not None and plan.flash_s - 1e-9 <= at_s < plan.flash_s + 0.1 - 1e-9


@dataclass(frozen=True)
class Movie:
    """Everything in an MP4: pictures as RGB by time, sound as one line of samples from time 0."""

    times_s: list[float]
    pictures: list[npt.NDArray[np.uint8]]
    keyframes: list[bool]
    sound: npt.NDArray[np.float32]

    def colour(self, at_s: float, x: int, y: int) -> tuple[int, ...]:
        index = max(i for i, time_s in enumerate(self.times_s) if time_s <= at_s + 1e-6)
        return tuple(int(part) for part in self.pictures[index][y, x])

    def tone_db(self, hz: float, from_s: float, to_s: float) -> float:
        """Level of one frequency, dB of full scale."""
        part = self.sound[round(from_s * RATE_HZ) : round(to_s * RATE_HZ)]
        window = np.hanning(len(part))
        t = np.arange(len(part)) / RATE_HZ
        amplitude = 2 * abs(np.sum(part * window * np.exp(-2j * np.pi * hz * t))) / window.sum()
        return float(20 * np.log10(max(amplitude, 1e-9)))


def read_movie(path: Path) -> Movie:
    times_s, pictures, keyframes = [], [], []
    sound: list[npt.NDArray[np.float32]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(container.streams.video[0]):
            assert frame.time is not None
            times_s.append(frame.time)
            pictures.append(frame.to_ndarray(format="rgb24").astype(np.uint8))
            keyframes.append(frame.key_frame)
    with av.open(str(path)) as container:
        for block in container.decode(container.streams.audio[0]):
            assert block.time is not None
            if not sound:
                assert abs(block.time) < 1e-6
            sound.append(block.to_ndarray()[0].astype(np.float32))
    return Movie(times_s, pictures, keyframes, np.concatenate(sound))


def near(colour: tuple[int, ...], expected: Rgb, levels: int = 6) -> bool:
    return all(abs(int(a) - b) <= levels for a, b in zip(colour, expected, strict=True))
