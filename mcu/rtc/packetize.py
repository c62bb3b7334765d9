"""Encoded frames into RTP payloads: once per frame, shared by everybody who gets it.

H.264 after RFC 6184 (single NAL units, STAP-A, FU-A), VP8 after RFC 7741. Fragments of one
frame are of equal size, the last one excepted.
"""

import struct
from collections.abc import Callable, Iterator

from mcu.media import VideoCodec

MAX_PAYLOAD_BYTES = 1200

_STAP_A = 24
_FU_A = 28
_FU_START = 0x80
_FU_END = 0x40
_LENGTH = struct.Struct("!H")
_START_CODE = b"\x00\x00\x01"


def split_annex_b(data: bytes) -> Iterator[bytes]:
    """The NAL units between the start codes of an Annex B byte stream."""
    start = data.find(_START_CODE)
    while start >= 0:
        following = data.find(_START_CODE, start + 3)
        unit = data[start + 3 : following if following >= 0 else len(data)]
        unit = unit.rstrip(b"\x00")  # zeros before a start code belong to no unit, and no unit ends in one
        if unit:
            yield unit
        start = following


def packetize_h264(data: bytes, limit: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """Payloads of one access unit in Annex B."""
    payloads: list[bytes] = []
    small: list[bytes] = []  # neighbours that share a STAP-A
    room = limit - 1
    for unit in split_annex_b(data):
        need = _LENGTH.size + len(unit)
        if small and need > room:
            payloads.append(_aggregate(small))
            small, room = [], limit - 1
        if len(unit) > limit:
            payloads.extend(_fragment(unit, limit))
        elif need > room:  # fits alone, but not inside an aggregate
            payloads.append(unit)
        else:
            small.append(unit)
            room -= need
    if small:
        payloads.append(_aggregate(small))
    return payloads


def _aggregate(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    importance = max(unit[0] & 0x60 for unit in units)
    return bytes([importance | _STAP_A]) + b"".join(_LENGTH.pack(len(unit)) + unit for unit in units)


def _fragment(unit: bytes, limit: int) -> Iterator[bytes]:
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    for start, end in _even_parts(1, len(unit), limit - 2):
        flags = (_FU_START if start == 1 else 0) | (_FU_END if end == len(unit) else 0)
        yield bytes([indicator, flags | kind]) + unit[start:end]


def _even_parts(start: int, end: int, limit: int) -> Iterator[tuple[int, int]]:
    count = -(-(end - start) // limit)
    size = -(-(end - start) // count)
    for position in range(start, end, size):
        yield position, min(position + size, end)


def packetize_vp8(data: bytes, limit: int = MAX_PAYLOAD_BYTES) -> list[bytes]:
    """Payloads of one frame (none for an empty one).

    There are no picture ids: a peer may go from one encoder's stream to another's, and theirs would not fit together.
    """
    if not data:
        return []
    return [
        (b"\x10" if start == 0 else b"\x00") + data[start:end] for start, end in _even_parts(0, len(data), limit - 1)
    ]


def packetizer(codec: VideoCodec) -> Callable[[bytes], list[bytes]]:
    """What turns frames of ``codec`` into payloads."""
    return packetize_h264 if codec is VideoCodec.H264 else packetize_vp8
