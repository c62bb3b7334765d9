"""RTP headers (RFC 3550) and header extensions (RFC 8285), read and written."""

import struct
from dataclasses import dataclass

_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")
_ONE_BYTE_PROFILE = 0xBEDE
_TWO_BYTE_PROFILE = 0x1000
_VERSION = 2
_PADDED, _EXTENDED, _SOURCES = 0x20, 0x10, 0x0F  # in the first byte

MID_URI = "urn:ietf:params:rtp-hdrext:sdes:mid"
AUDIO_LEVEL_URI = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
ABS_SEND_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"


@dataclass(slots=True)
class RtpPacket:
    """One packet as received; ``sequence`` and ``timestamp`` as on the wire, padding removed."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    extension_profile: int = 0
    extension_block: bytes = b""
    raw: bytes = b""  # all of it

    def extension(self, id_: int | None) -> bytes | None:
        """The header extension of that negotiated id, None when it is absent or the block is broken."""
        block = self.extension_block
        if id_ is None or not block:
            return None
        if self.extension_profile == _ONE_BYTE_PROFILE and block[0] >> 4 == id_:  # the first, as is usual
            end = (block[0] & 15) + 2
            return block[1:end] if end <= len(block) else None
        span = _find_extension(self.extension_profile, block, id_)
        return None if span is None else block[slice(*span)]

    @property
    def header_size(self) -> int:
        """Where the payload begins in ``raw``."""
        first = self.raw[0]
        extension = _EXTENSION.size + len(self.extension_block) if first & _EXTENDED else 0
        return _FIXED.size + 4 * (first & _SOURCES) + extension

    def extension_span(self, id_: int | None) -> tuple[int, int] | None:
        """Where that extension's value begins and ends in ``raw``; None when it is absent or the block is broken."""
        span = None if id_ is None else _find_extension(self.extension_profile, self.extension_block, id_)
        if span is None:
            return None
        block = self.header_size - len(self.extension_block)
        return block + span[0], block + span[1]


def _find_extension(profile: int, block: bytes, wanted: int) -> tuple[int, int] | None:
    two_byte = profile & 0xFFF0 == _TWO_BYTE_PROFILE
    if not two_byte and profile != _ONE_BYTE_PROFILE:
        return None
    position, end = 0, len(block)
    while position < end:
        head = block[position]
        if head == 0:  # padding
            position += 1
            continue
        if two_byte:
            if position + 1 >= end:
                return None
            id_, length, start = head, block[position + 1], position + 2
        else:
            id_, length, start = head >> 4, (head & 15) + 1, position + 1
        position = start + length
        if id_ == wanted:
            return (start, position) if position <= end else None
    return None


def is_rtcp(datagram: bytes) -> bool:
    """Whether a datagram of the RTP/RTCP range is RTCP (RFC 5761, section 4)."""
    return 192 <= datagram[1] <= 223  # noqa: PLR2004 - the range of RFC 5761


def parse(data: bytes) -> RtpPacket:
    """Read a packet.

    Raises:
        ValueError: it is no RTP, or cut off.
    """
    if len(data) < _FIXED.size:
        raise ValueError("shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != _VERSION:
        raise ValueError("not RTP version 2")
    start, end = _FIXED.size + 4 * (first & _SOURCES), len(data)
    profile, block = 0, b""
    if first & _EXTENDED:
        if start + _EXTENSION.size > end:
            raise ValueError("cut off in the header extension")
        profile, words = _EXTENSION.unpack_from(data, start)
        start += _EXTENSION.size
        block = data[start : start + 4 * words]
        start += 4 * words
    if first & _PADDED:
        if data[-1] == 0:
            raise ValueError("padding of no length")
        end -= data[-1]
    if start > end:
        raise ValueError("cut off before the payload")
    return RtpPacket(second & 0x7F, second >= 0x80, sequence, timestamp, ssrc, data[start:end], profile, block, data)  # noqa: PLR2004 - the marker is the top bit


class HeaderWriter:
    """Writes the headers of one outgoing stream in one ``struct`` call each.

    Args:
        ssrc: the stream's synchronisation source.
        mid: value of the MID extension, with its negotiated id; None leaves it out.
        abs_send_time_id: negotiated id of the abs-send-time extension; None leaves it out.
    """

    def __init__(self, ssrc: int, mid: tuple[int, str] | None = None, abs_send_time_id: int | None = None) -> None:
        self._ssrc = ssrc
        block = b""
        if mid is not None:
            value = mid[1].encode()
            block += bytes([mid[0] << 4 | len(value) - 1]) + value
        if abs_send_time_id is not None:
            block += bytes([abs_send_time_id << 4 | 2])
        self._timed = abs_send_time_id is not None
        self._first = 0x90 if block else 0x80
        length = len(block) + 3 * self._timed
        padding = -length % 4
        self._prefix = _EXTENSION.pack(_ONE_BYTE_PROFILE, (length + padding) // 4) + block if block else b""
        self._struct = struct.Struct(f"!BBHII{len(self._prefix)}s" + ("BH" if self._timed else "") + f"{padding}x")

    def header(self, payload_type_and_marker: int, sequence: int, timestamp: int, send_time: int) -> bytes:
        """One header.

        Args:
            payload_type_and_marker: the header's second byte.
            sequence: 16 bits.
            timestamp: 32 bits.
            send_time: 24 bits, seconds in 6.18 fixed point (abs-send-time); unused without that extension.
        """
        if self._timed:
            return self._struct.pack(
                self._first,
                payload_type_and_marker,
                sequence,
                timestamp,
                self._ssrc,
                self._prefix,
                send_time >> 16,
                send_time & 0xFFFF,
            )
        return self._struct.pack(self._first, payload_type_and_marker, sequence, timestamp, self._ssrc, self._prefix)


def abs_send_time(time_us: int) -> int:
    """Microseconds as the 24-bit, 6.18 fixed-point seconds of the abs-send-time extension."""
    return (time_us << 18) // 1_000_000 & 0xFFFFFF
