"""On a stream of x264's whose B pictures nothing is predicted from."""

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from mcu.media import VideoCodec, VideoUnit
from mcu.video.decode import Decoder
from mcu.video.thinning import Thinner, is_disposable

pytestmark = pytest.mark.unit


def stream(frames: int, hz: int) -> list[VideoUnit]:
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 64, "yuv420p"
    encoder.time_base, encoder.thread_count, encoder.gop_size = Fraction(1, hz), 1, 1000
    encoder.options = {"preset": "veryfast", "x264-params": "bframes=1:b-adapt=0:b-pyramid=none:scenecut=0"}
    packets: list[Any] = []
    for n in range(frames):
        frame = av.VideoFrame.from_ndarray(np.full((96, 64), 60 + n, np.uint8), format="yuv420p")
        frame.pts = n
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [
        VideoUnit(VideoCodec.H264, bytes(packet), n * 90_000 // hz, n * 1_000_000 // hz, None, packet.is_keyframe)
        for n, packet in enumerate(packets)
    ]


@pytest.mark.parametrize(("hz", "kept"), [(30, 100), (60, 100), (120, 51)])
def test_what_comes_too_fast_and_nobody_needs_is_spared(hz: int, kept: int) -> None:
    thinner = Thinner()
    units = stream(100, hz)
    assert sum(not thinner.spares(unit) for unit in units) == pytest.approx(kept, abs=1)


def test_what_is_left_is_decoded_as_if_nothing_had_gone() -> None:
    units = stream(40, 120)
    thinner, whole, thinned = Thinner(), Decoder(VideoCodec.H264), Decoder(VideoCodec.H264)
    seen = {int(p.y[0, 0]) for unit in units if (p := whole.decode(unit.data)) is not None}
    left = [int(p.y[0, 0]) for u in units if not thinner.spares(u) and (p := thinned.decode(u.data)) is not None]
    assert len(left) > 15
    assert set(left) <= seen


def test_nothing_of_vp8_and_no_keyframe_is_spared() -> None:
    thinner = Thinner()
    assert not any(thinner.spares(VideoUnit(VideoCodec.VP8, b"\x01", n, n, None, keyframe=False)) for n in range(100))
    assert not any(
        thinner.spares(VideoUnit(VideoCodec.H264, b"\0\0\1\x65", n, n, None, keyframe=True)) for n in range(100)
    )


def test_parameters_are_never_spared() -> None:
    unit = VideoUnit(VideoCodec.H264, b"\0\0\1\x67\x42" + b"\0\0\1\x01\x9a", 0, 0, None, keyframe=False)
    assert not is_disposable(unit)
    assert is_disposable(VideoUnit(VideoCodec.H264, b"\0\0\0\1\x01\x9a\0\0\3\1\x65", 0, 0, None, keyframe=False))


def test_time_that_stands_still_or_goes_back_spares_nothing() -> None:
    thinner = Thinner()
    for time in (0, 0, -90_000, 2**40, 5):
        assert not thinner.spares(VideoUnit(VideoCodec.H264, b"\0\0\1\x01", time, 0, None, keyframe=False))
