import contextlib

import pytest
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import VpxPayloadDescriptor
from hypothesis import given
from hypothesis import strategies as st

from mcu.media import VideoCodec
from mcu.rtc.depacketize import is_keyframe_start, join, starts_frame
from mcu.rtc.packetize import packetize_h264, packetize_vp8, packetizer, split_annex_b

pytestmark = pytest.mark.unit

SPS, PPS = b"\x67\x42\xe0\x1f\xaa", b"\x68\xce\x3c\x80"
CODE = b"\x00\x00\x00\x01"


def _unit(kind: int, size: int) -> bytes:
    return bytes([0x60 | kind]) + bytes(1 + i % 255 for i in range(size - 1))


def test_start_codes_of_three_and_four_bytes_and_trailing_zeros() -> None:
    stream = b"\x00\x00\x00\x01" + SPS + b"\x00\x00\x01" + PPS + b"\x00\x00\x00\x00\x01" + _unit(5, 9) + b"\x00"
    assert list(split_annex_b(stream)) == [SPS, PPS, _unit(5, 9)]
    assert list(split_annex_b(b"no start code")) == []


def test_small_units_share_a_packet_and_large_ones_are_cut() -> None:
    idr = _unit(5, 3000)
    payloads = packetize_h264(CODE + SPS + CODE + PPS + CODE + idr)
    assert all(len(payload) <= 1200 for payload in payloads)
    assert payloads[0] == b"\x78\x00\x05" + SPS + b"\x00\x04" + PPS  # RFC 6184, 5.7.1: STAP-A, highest importance
    assert [p[0] & 0x1F for p in payloads[1:]] == [28, 28, 28]  # FU-A
    assert [p[1] & 0xC0 for p in payloads[1:]] == [0x80, 0, 0x40]  # start, middle, end
    assert len({len(p) for p in payloads[1:-1]}) == 1
    assert b"".join(h264_depayload(p) for p in payloads) == CODE + SPS + CODE + PPS + CODE + idr


@given(st.lists(st.tuples(st.sampled_from([1, 5, 6, 7, 8]), st.integers(2, 5000)), min_size=1, max_size=8))
def test_any_access_unit_survives_the_way_through_another_implementation(units: list[tuple[int, int]]) -> None:
    stream = b"".join(CODE + _unit(kind, size) for kind, size in units)
    payloads = packetize_h264(stream)
    assert all(len(payload) <= 1200 for payload in payloads)
    assert b"".join(h264_depayload(payload) for payload in payloads) == stream
    assert join(VideoCodec.H264, payloads) == (stream, any(kind == 5 for kind, _ in units))


@given(st.binary(min_size=1, max_size=6000))
def test_any_vp8_frame_survives_the_way_through_another_implementation(frame: bytes) -> None:
    payloads = packetize_vp8(frame)
    assert all(len(payload) <= 1200 for payload in payloads)
    parsed = [VpxPayloadDescriptor.parse(payload) for payload in payloads]
    assert b"".join(body for _, body in parsed) == frame
    assert {descriptor.picture_id for descriptor, _ in parsed} == {None}  # they would jump when a peer changes rungs
    assert [descriptor.partition_start for descriptor, _ in parsed] == [1] + [0] * (len(parsed) - 1)
    assert join(VideoCodec.VP8, payloads) == (frame, frame[0] & 1 == 0)


def test_an_empty_frame_has_no_packets() -> None:
    assert packetize_vp8(b"") == []


def test_keyframes_show_in_their_first_payload() -> None:
    key, delta = b"\x10\x02\x00\x9d", b"\x11\x02\x00"
    for payload, start, keyframe in [
        (b"\x10" + key, True, True),
        (b"\x10" + delta, True, False),
        (b"\x00" + key, False, False),  # a continuation
        (b"\x11" + key, False, False),  # another partition
        (b"\x90\x80\x12" + key, True, True),  # picture id of 7 bits
        (b"\x90\xf0\x92\x34\x01\x20" + key, True, True),  # all fields
        (b"\x90", False, False),
        (b"\x90\x80", False, False),
        (b"", False, False),
    ]:
        assert starts_frame(VideoCodec.VP8, payload) is start, payload
        assert is_keyframe_start(VideoCodec.VP8, payload) is keyframe, payload
    aggregate = packetize_h264(CODE + SPS + CODE + PPS)[0]
    fragments = packetize_h264(CODE + _unit(5, 3000))
    for payload, start, keyframe in [
        (SPS, True, True),
        (PPS, False, False),
        (aggregate, True, True),
        (_unit(5, 20), False, True),  # no parameter sets: only its place tells that a frame begins
        (fragments[0], False, True),
        (fragments[1], False, False),
        (_unit(1, 20), False, False),
        (b"", False, False),
    ]:
        assert starts_frame(VideoCodec.H264, payload) is start, payload
        assert is_keyframe_start(VideoCodec.H264, payload) is keyframe, payload


@pytest.mark.parametrize(
    ("codec", "payloads"),
    [
        (VideoCodec.VP8, [b"\x00abc"]),  # begins in mid-frame
        (VideoCodec.VP8, [b"\x10abc", b"\x10def"]),
        (VideoCodec.VP8, [b"\x10"]),
        (VideoCodec.H264, [b"\x7c\x05rest"]),  # a fragment without its start
        (VideoCodec.H264, [b"\x7c\x85start"]),  # and without its end
        (VideoCodec.H264, [b"\x7c\x85start", _unit(1, 9)]),
        (VideoCodec.H264, [b"\x78\x00\x09abc"]),  # an aggregate cut off
        (VideoCodec.H264, [b"\x79abc"]),  # STAP-B
        (VideoCodec.H264, [b"\x7c"]),
    ],
)
def test_payloads_that_make_no_frame_are_refused(codec: VideoCodec, payloads: list[bytes]) -> None:
    with pytest.raises(ValueError, match=r"."):
        join(codec, payloads)


@given(st.sampled_from(VideoCodec), st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5))
def test_nothing_but_a_value_error_comes_of_garbage(codec: VideoCodec, payloads: list[bytes]) -> None:
    for payload in payloads:
        starts_frame(codec, payload)
        is_keyframe_start(codec, payload)
    with contextlib.suppress(ValueError):
        join(codec, payloads)


def test_each_codec_has_its_packetizer() -> None:
    assert packetizer(VideoCodec.H264)(CODE + SPS) == [SPS]
    assert packetizer(VideoCodec.VP8)(b"\x00")[0][0] == 0x10
