"""Real H.264 and AAC for the recorder's tests, made with known pictures and tones, on exact media time."""

import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from mcu.hub import PacketHub
from mcu.media import AudioCodec, EncodedFrame, VideoCodec
from recorder.part import PartInfo, PartWriter
from recorder.segments import SegmentStore

WIDTH, HEIGHT, FPS = 320, 180, 30
TICK = 90_000 // FPS
FLASH_EVERY_S = 1.0
PATIENCE_FRAMES = 12
WALL_US = 1_700_000_000_000_000


class Camera:
    """Encodes dark pictures with a bright flash in the frame at which each second of media time begins."""

    def __init__(self, *, start_tick: int = FPS, width: int = WIDTH, profile: str = "baseline") -> None:
        self._tick = start_tick
        self._width = width
        self._context = _x264(width, profile)
        self._noise = np.random.default_rng(1).integers(40, 80, (HEIGHT, width), dtype=np.uint8)

    def next(self, *, keyframe: bool) -> EncodedFrame:
        """The next picture."""
        flash = self._tick % round(FPS * FLASH_EVERY_S) == 0
        luma = np.full((HEIGHT, self._width), 220, np.uint8) if flash else np.roll(self._noise, self._tick * 2, axis=1)
        planes = np.vstack((luma, np.full((HEIGHT // 2, self._width), 128, np.uint8)))
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts, picture.time_base = self._tick * TICK, Fraction(1, 90_000)
        picture.pict_type = PictureType.I if keyframe else PictureType.NONE
        self._tick += 1
        (packet,) = self._context.encode(picture)
        assert packet.pts is not None
        return EncodedFrame(VideoCodec.H264, bytes(packet), packet.pts, TICK, 90_000, bool(packet.is_keyframe))


@functools.cache
def video(
    seconds: float,
    *,
    start_tick: int = FPS,
    keyframes: tuple[int, ...] = (0, 90, 180, 270),
    width: int = WIDTH,
    profile: str = "baseline",
) -> tuple[EncodedFrame, ...]:
    """A clip of the camera, by default of a room that is a second old; ``keyframes`` are counted from its start."""
    camera = Camera(start_tick=start_tick, width=width, profile=profile)
    return tuple(camera.next(keyframe=number in keyframes) for number in range(round(seconds * FPS)))


def _x264(width: int, profile: str) -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, HEIGHT, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 90_000), Fraction(FPS)
    context.bit_rate, context.gop_size = 400_000, 1 << 20
    context.color_range, context.colorspace = 1, 6  # limited range, smpte170m
    context.color_primaries, context.color_trc = 1, 1  # bt709
    context.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": profile,
        "forced-idr": "1",
        "x264-params": "scenecut=0",
    }
    context.open()
    return context


@functools.cache
def audio(seconds: float, *, start_s: float = 0) -> tuple[EncodedFrame, ...]:
    """A quiet tone with a 50 ms beep at each second of media time; packets carry the time that they decode to."""
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout, context.format = 48_000, "mono", "fltp"
    context.bit_rate = 96_000
    context.open()
    config = bytes(context.extradata or b"")
    first = round(start_s * 48_000)
    frames = []
    for n in range(round(seconds * 48_000 / 1024)):
        at = first + n * 1024
        t = (np.arange(1024) + at) / 48_000
        loud = (t % FLASH_EVERY_S) < 0.05
        samples = np.where(loud, 0.8, 0.02) * np.sin(2 * np.pi * 1000 * t)
        block = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None, :], "fltp", "mono")
        block.sample_rate, block.pts, block.time_base = 48_000, at, Fraction(1, 48_000)
        for packet in context.encode(block):
            assert packet.pts is not None
            frames.append(EncodedFrame(AudioCodec.AAC, bytes(packet), packet.pts, 1024, 48_000, True, config))
    return tuple(frames)


def merged(pictures: Sequence[EncodedFrame], sound: Sequence[EncodedFrame]) -> Iterator[EncodedFrame]:
    """Both streams in the order in which a room publishes them: sound a little later than its time says."""
    yield from sorted(
        (*pictures, *sound), key=lambda frame: frame.time_us + (0 if isinstance(frame.codec, VideoCodec) else 43_000)
    )


class Room:
    """The hubs of a room, and the writer of a part of a recording of it."""

    def __init__(
        self, directory: Path, *, part: int = 1, wall_offset_us: int = WALL_US, store: SegmentStore | None = None
    ) -> None:
        self.pictures = PacketHub()
        self.sound = PacketHub()
        self.failures: list[Exception] = []
        self.writer = PartWriter(
            PartInfo("rec_1", part, WIDTH, HEIGHT, FPS, directory, lambda us: us + wall_offset_us),
            self.pictures,
            self.sound,
            self.failures.append,
            store,
        )

    def start(self, frames: Iterator[EncodedFrame]) -> int:
        """Start the writer, publishing ``frames`` as far as it takes to begin; returns the start's Unix time (us)."""
        started: list[int] = []
        starter = threading.Thread(target=lambda: started.append(self.writer.start()))
        starter.start()
        wait_until(lambda: self.sound.in_use)
        published = 0
        while published < PATIENCE_FRAMES:  # a picture is written once the sound has caught up with it, or long after
            frame = next(frames)
            is_picture = isinstance(frame.codec, VideoCodec)
            (self.pictures if is_picture else self.sound).publish(frame)
            wait_until(lambda: self.pictures.in_use)
            published += is_picture
        starter.join()
        return started[0]

    def record(self, frames: Iterator[EncodedFrame]) -> tuple[int, int]:
        """Write a whole part; its start and end, Unix microseconds."""
        started_us = self.start(frames)
        publish(frames, self.pictures, self.sound)
        return started_us, self.writer.stop()


def wait_until(true: Callable[[], bool], timeout_s: float = 10) -> None:
    """Wait for another thread."""
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.002)


def publish(frames: Iterator[EncodedFrame], pictures: PacketHub, sound: PacketHub, *, speed: float = 0) -> None:
    """Publish to the hubs: as fast as the subscribers' queues surely bear, or at ``speed`` times real time."""
    begun, first_us = time.monotonic(), None
    for n, frame in enumerate(frames):
        if speed:
            first_us = frame.time_us if first_us is None else first_us
            time.sleep(max(0, (frame.time_us - first_us) / 1e6 / speed - (time.monotonic() - begun)))
        elif n % 40 == 39:
            time.sleep(0.05)
        (pictures if isinstance(frame.codec, VideoCodec) else sound).publish(frame)
