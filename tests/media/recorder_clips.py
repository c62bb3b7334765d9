"""Real H.264 and AAC for the recorder's tests, made with known pictures and tones, on exact media time."""

import functools
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from mcu.hub import PacketHub
from mcu.media import AudioCodec, EncodedFrame, VideoCodec

WIDTH, HEIGHT, FPS = 320, 180, 30
TICK = 90_000 // FPS
FLASH_EVERY_S = 1.0


@functools.cache
def video(
    seconds: float, *, start_tick: int = 0, keyframes: tuple[int, ...] = (0, 90, 180, 270), width: int = WIDTH
) -> tuple[EncodedFrame, ...]:
    """Dark pictures with a bright flash in the frame at which each second of media time begins."""
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
        "profile": "baseline",
        "forced-idr": "1",
        "x264-params": "scenecut=0",
    }
    frames = []
    rng = np.random.default_rng(1)
    noise = rng.integers(40, 80, (HEIGHT, width), dtype=np.uint8)
    for n in range(round(seconds * FPS)):
        tick = start_tick + n
        flash = tick % round(FPS * FLASH_EVERY_S) == 0
        luma = np.full((HEIGHT, width), 220, np.uint8) if flash else np.roll(noise, n * 2, axis=1)
        planes = np.vstack((luma, np.full((HEIGHT // 2, width), 128, np.uint8)))
        picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        picture.pts, picture.time_base = tick * TICK, Fraction(1, 90_000)
        picture.pict_type = PictureType.I if n in keyframes else PictureType.NONE
        for packet in context.encode(picture):
            assert packet.pts is not None
            frames.append(
                EncodedFrame(VideoCodec.H264, bytes(packet), packet.pts, TICK, 90_000, bool(packet.is_keyframe))
            )
    return tuple(frames)


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


def publish(frames: Iterator[EncodedFrame], pictures: PacketHub, sound: PacketHub, *, speed: float = 0) -> None:
    """Publish to the hubs: as fast as the subscribers' queues surely bear, or at ``speed`` times real time."""
    begun, first_us = time.monotonic(), None
    for n, frame in enumerate(frames):
        if speed:
            first_us = frame.time_us if first_us is None else first_us
            time.sleep(max(0, (frame.time_us - first_us) / 1e6 / speed - (time.monotonic() - begun)))
        elif n % 100 == 99:
            time.sleep(0.05)
        (pictures if isinstance(frame.codec, VideoCodec) else sound).publish(frame)
