import struct

import pytest
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensionsMap
from aiortc.rtp import RtpPacket as Reference
from hypothesis import given
from hypothesis import strategies as st

from mcu.rtc import rtp

pytestmark = pytest.mark.unit


def test_a_written_header_is_read_by_another_implementation() -> None:
    writer = rtp.HeaderWriter(ssrc=0x11223344, mid=(3, "cam"), abs_send_time_id=5)
    data = writer.header(0x80 | 96, 65_535, 0xFFFFFFFF, 0xABCDEF) + b"payload"
    extensions = HeaderExtensionsMap()
    extensions.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(3, rtp.MID_URI),
                RTCRtpHeaderExtensionParameters(5, rtp.ABS_SEND_TIME_URI),
            ]
        )
    )
    packet = Reference.parse(data, extensions)
    assert (packet.marker, packet.payload_type, packet.sequence_number) == (1, 96, 65_535)
    assert (packet.timestamp, packet.ssrc, packet.payload) == (0xFFFFFFFF, 0x11223344, b"payload")
    assert (packet.extensions.mid, packet.extensions.abs_send_time) == ("cam", 0xABCDEF)


@pytest.mark.parametrize(("mid", "timed"), [(None, None), ((1, "0"), None), (None, 2), ((14, "a" * 16), 1)])
def test_headers_of_any_extensions_are_whole(mid: tuple[int, str] | None, timed: int | None) -> None:
    packet = rtp.parse(rtp.HeaderWriter(7, mid, timed).header(111, 1, 2, 3) + b"xyz")
    assert (packet.payload_type, packet.marker, packet.payload, packet.ssrc) == (111, False, b"xyz", 7)
    if mid is not None:
        assert packet.extension(mid[0]) == mid[1].encode()
    if timed is not None:
        assert packet.extension(timed) == b"\x00\x00\x03"


def test_padding_csrcs_and_two_byte_extensions_are_understood() -> None:
    header = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 2, 111, 1, 2, 3) + bytes(8)
    block = bytes([0, 7, 2]) + b"ab" + bytes([9, 0, 0])
    packet = rtp.parse(header + struct.pack("!HH", 0x1000, 2) + block + b"body" + b"\x00\x00\x03")
    assert packet.payload == b"body"
    assert packet.extension(7) == b"ab"
    assert packet.extension(9) == b""
    assert packet.extension(8) is None
    assert packet.extension(None) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(11),
        b"\x00" + bytes(20),  # version 0
        struct.pack("!BBHII", 0x8F, 0, 0, 0, 0),  # fifteen CSRCs that are not there
        struct.pack("!BBHII", 0x90, 0, 0, 0, 0) + b"\xbe\xde",
        struct.pack("!BBHIIHH", 0x90, 0, 0, 0, 0, 0xBEDE, 9),
        struct.pack("!BBHII", 0xA0, 0, 0, 0, 0) + b"\x00",
        struct.pack("!BBHII", 0xA0, 0, 0, 0, 0) + b"\x09",
    ],
)
def test_what_is_no_rtp_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        rtp.parse(data)


@given(st.binary(min_size=0, max_size=80))
def test_nothing_but_a_value_error_comes_of_garbage(data: bytes) -> None:
    try:
        packet = rtp.parse(b"\x90" + data)
    except ValueError:
        return
    for id_ in range(16):
        packet.extension(id_)


def test_send_time_is_seconds_in_six_and_eighteen_bits() -> None:
    assert rtp.abs_send_time(1_000_000) == 1 << 18
    assert rtp.abs_send_time(63_500_000) == 63 << 18 | 1 << 17
    assert rtp.abs_send_time(64_000_000) == 0
