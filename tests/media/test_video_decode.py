"""Decoders over good, odd and hostile bitstreams."""

import random
from collections.abc import Callable

import av
import numpy as np
import pytest

from layouts.geometry import Size
from mcu.errors import CodecError
from mcu.media import Picture, VideoCodec, VideoUnit
from mcu.video.decode import Decoder, vp8_size
from mcu.video.i420 import Colour
from mcu.video.pool import WorkPool
from mcu.video.source import VideoSource
from tests.media.video_content import encoded_colour

pytestmark = [pytest.mark.media, pytest.mark.beside]

RED = Colour.from_rgb(255, 0, 0)
BOTH = pytest.mark.parametrize("codec", list(VideoCodec))
Jobs = list[Callable[[], None]]


class OnArrival:
    def due_us(self, capture_us: int | None, arrival_us: int) -> int:  # noqa: ARG002 - the protocol's
        return arrival_us


def _is(picture: Picture | None, colour: Colour) -> bool:
    assert picture is not None
    planes = ((picture.y, colour.y), (picture.u, colour.u), (picture.v, colour.v))
    return all(abs(float(np.median(plane)) - value) <= 4 for plane, value in planes)


@BOTH
def test_one_picture_comes_out_for_each_that_goes_in(codec: VideoCodec) -> None:
    decoder = Decoder(codec)
    for data in encoded_colour(codec, RED, Size(320, 180), count=10):
        picture = decoder.decode(data)
        assert _is(picture, RED)


@BOTH
def test_the_resolution_may_change_at_every_keyframe(codec: VideoCodec) -> None:
    decoder = Decoder(codec)
    for size in (Size(320, 180), Size(640, 360), Size(180, 320), Size(160, 90)):
        for data in encoded_colour(codec, RED, size, count=3):
            picture = decoder.decode(data)
            assert picture is not None
            assert (picture.width, picture.height) == (size.width, size.height)
            assert _is(picture, RED)


def test_odd_sizes_have_a_chroma_sample_for_every_pixel() -> None:
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 321, 181, "yuv420p"
    encoder.options = {"deadline": "realtime", "lag-in-frames": "0"}
    (packet,) = encoder.encode(av.VideoFrame(321, 181, "yuv420p"))
    picture = Decoder(VideoCodec.VP8).decode(bytes(packet))
    assert picture is not None
    assert picture.y.shape == (181, 321)
    assert picture.u.shape == picture.v.shape == (91, 161)


def test_full_range_and_bt709_streams_become_bt601_limited() -> None:
    frame = av.VideoFrame(64, 64, "yuvj420p")
    for plane, value in zip(frame.planes, (54, 99, 255), strict=True):  # red: full range, BT.709
        np.frombuffer(memoryview(plane), np.uint8)[:] = value
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuvj420p"
    encoder.colorspace, encoder.color_range = 1, 2
    frame.colorspace, frame.color_range = 1, 2
    encoder.options = {"tune": "zerolatency", "qp": "1"}
    (packet,) = encoder.encode(frame)
    assert _is(Decoder(VideoCodec.H264).decode(bytes(packet)), RED)


def test_a_vp8_header_tells_the_size() -> None:
    assert vp8_size(encoded_colour(VideoCodec.VP8, RED, Size(322, 182))[0]) == (322, 182)
    assert vp8_size(b"") is None
    assert vp8_size(b"\x01" * 20) is None


@BOTH
def test_a_huge_picture_is_refused_before_it_takes_memory(codec: VideoCodec) -> None:
    if codec is VideoCodec.VP8:
        (data,) = encoded_colour(codec, RED, Size(320, 180))
        data = data[:6] + (16383).to_bytes(2, "little") * 2 + data[10:]
    else:
        encoder = av.CodecContext.create("libx264", "w")
        assert isinstance(encoder, av.VideoCodecContext)
        encoder.width, encoder.height, encoder.pix_fmt, encoder.thread_count = 4096, 4096, "yuv420p", 1
        encoder.options = {"preset": "ultrafast", "tune": "zerolatency"}
        (packet,) = encoder.encode(av.VideoFrame(4096, 4096, "yuv420p"))
        data = bytes(packet)
    with pytest.raises(CodecError):
        Decoder(codec).decode(data)


def _mutated(rng: random.Random, data: bytes) -> bytes:
    damaged = bytearray(data)
    match rng.randrange(4):
        case 0:
            del damaged[rng.randrange(len(damaged)) :]
        case 1:
            for _ in range(rng.randrange(1, 20)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        case 2:
            start = rng.randrange(len(damaged))
            damaged[start:start] = rng.randbytes(rng.randrange(1, 200))
        case _:
            damaged = bytearray(rng.randbytes(rng.randrange(1, 400)))
    return bytes(damaged)


@BOTH
def test_mutated_streams_break_nothing_and_a_good_keyframe_mends_all(codec: VideoCodec) -> None:
    rng = random.Random(20)
    clip = encoded_colour(codec, RED, Size(160, 90), count=10)
    jobs: Jobs = []
    asked = []
    source = VideoSource(OnArrival(), lambda: asked.append(1), jobs.append)
    source.set_stage(on=True, now_us=0)
    now_us = 0
    for n in range(600):
        now_us += 33_333
        data = clip[n % 10]
        keyframe = n % 10 == 0
        source.push(VideoUnit(codec, _mutated(rng, data) if rng.random() < 0.3 else data, n, now_us, None, keyframe))
        while jobs:
            jobs.pop(0)()
        source.take(now_us)
    source.push(VideoUnit(codec, clip[0], 0, now_us + 10, None, keyframe=True))
    while jobs:
        jobs.pop(0)()
    assert _is(source.take(now_us + 10), RED)
    assert source.drops["undecodable"] > 10
    assert len(asked) > 1


def test_the_pool_outlives_any_job(caplog: pytest.LogCaptureFixture) -> None:
    pool = WorkPool(2)
    done: list[int] = []

    def broken() -> None:
        raise ValueError("no good")

    for n in range(10):
        pool.submit(broken)
        pool.submit(lambda n=n: done.append(n))  # type: ignore[misc]  # mypy does not infer lambdas with defaults
    pool.start()
    pool.stop()
    assert sorted(done) == list(range(10))
    assert pool.faults == 10
    assert "no good" in caplog.text
