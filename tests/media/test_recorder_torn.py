"""Fragmented files cut off at any byte."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from recorder.torn import without_torn_index

pytestmark = [pytest.mark.media, pytest.mark.beside]

PICTURES = 6


@pytest.fixture(scope="module")
def fragmented() -> bytes:
    """Six pictures of noise, each a fragment of its own, by FFmpeg alone."""
    noise = np.random.default_rng(1)
    target = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof+frag_keyframe"}
    with av.open(target, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.options = {"tune": "zerolatency", "g": "1"}
        for n in range(PICTURES):
            frame = av.VideoFrame.from_ndarray(noise.integers(0, 255, (96, 64), np.uint8), format="yuv420p")
            frame.pts, frame.time_base = n, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return target.getvalue()


def _boxes(data: bytes) -> list[tuple[str, int, int]]:
    """Type, start and end of each outermost box."""
    found, at = [], 0
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        found.append((kind.decode(), at, at + length))
        at += length
    return found


def _pictures(data: bytes) -> int:
    with av.open(without_torn_index(io.BytesIO(data)), "r", format="mp4") as container:
        return sum(1 for packet in container.demux(video=0) if packet.size)


def test_whatever_is_whole_can_be_read_wherever_the_file_ends(fragmented: bytes) -> None:
    boxes = _boxes(fragmented)
    ends = [end for kind, _, end in boxes if kind == "mdat"]
    assert len(ends) == PICTURES
    first_moof = next(start for kind, start, _ in boxes if kind == "moof")
    edges = {edge + off for _, start, end in boxes for edge in (start, end) for off in range(-9, 10)}
    for cut in sorted({*range(first_moof, len(fragmented), 37), *edges}):
        if first_moof <= cut <= len(fragmented):
            whole = sum(end <= cut for end in ends)
            assert whole <= _pictures(fragmented[:cut]) <= whole + 1, f"cut at byte {cut}"


def test_a_whole_file_is_handed_on_as_it_is(fragmented: bytes) -> None:
    file = io.BytesIO(fragmented)
    assert without_torn_index(file) is file
    assert file.tell() == 0


@pytest.mark.parametrize("data", [b"", b"\0\0\0", bytes(5000)])
def test_nonsense_stays_nonsense(data: bytes) -> None:
    assert len(without_torn_index(io.BytesIO(data)).read()) in {0, len(data)}
