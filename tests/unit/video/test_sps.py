"""Expected values are what x264 was told to write."""

import contextlib
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mcu.video.sps import memory_wanted

pytestmark = pytest.mark.unit


def encoded(width: int, height: int, pix_fmt: str = "yuv420p", x264: str = "", profile: str = "high") -> bytes:
    """A keyframe with its parameter sets."""
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, pix_fmt
    encoder.time_base, encoder.thread_count = Fraction(1, 30), 1
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "profile": profile, "x264-params": x264}
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane in frame.planes:
        plane.update(np.full(plane.buffer_size, 60, np.uint8).tobytes())
    return b"".join(bytes(packet) for packet in encoder.encode(frame))


@pytest.mark.parametrize("references", [1, 3, 16])
@pytest.mark.parametrize("profile", ["baseline", "main", "high"])
def test_references_and_size_are_read(references: int, profile: str) -> None:
    data = encoded(640, 352, x264=f"ref={references}:level=6.2", profile=profile)
    assert memory_wanted(data) == (references + 1) * 640 * 352 * 3 // 2


@pytest.mark.parametrize(
    ("pix_fmt", "profile", "samples", "sample_bytes"),
    [("yuv422p", "high422", 2.0, 1), ("yuv444p", "high444", 3.0, 1), ("yuv420p10le", "high10", 1.5, 2)],
)
def test_formats_that_take_more(pix_fmt: str, profile: str, samples: float, sample_bytes: int) -> None:
    data = encoded(320, 240, pix_fmt, "ref=2:level=6.2", profile)
    assert memory_wanted(data) == 3 * 320 * 240 * samples * sample_bytes


def test_scaling_lists_and_fields_are_passed_over() -> None:
    assert memory_wanted(encoded(320, 256, x264="cqm=jvt:ref=2:level=6.2")) == 3 * 320 * 256 * 3 // 2
    assert memory_wanted(encoded(320, 256, x264="interlaced=1:ref=2:level=6.2")) == 3 * 320 * 256 * 3 // 2


def test_the_greediest_set_counts_wherever_it_is() -> None:
    small, large = encoded(160, 96, x264="ref=1:level=6.2"), encoded(640, 352, x264="ref=1:level=6.2")
    assert memory_wanted(small + large + small) == memory_wanted(large) > memory_wanted(small)


def test_a_picture_without_a_set_asks_for_nothing() -> None:
    assert memory_wanted(b"\0\0\0\1\x65" + bytes(100)) == 0


@given(st.binary(max_size=60))
@example(b"\xf4" + b"\0" * 40)
@example(b"\xff" * 60)
@example(b"\x42\xe0\x1f" + b"\0\0\3" * 20)
def test_garbage_is_refused_or_read(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert memory_wanted(b"\0\0\1\x67" + data) >= 0
