"""RTP payloads back into encoded frames: VP8 (RFC 7741) and H.264 (RFC 6184, packetization modes 0 and 1)."""

from collections.abc import Iterator, Sequence

from mcu.media import VideoCodec

_IDR, _SPS, _AUD, _STAP_A, _FU_A = 5, 7, 9, 24, 28
_SINGLE = range(1, 24)
_START_CODE = b"\x00\x00\x00\x01"


def _vp8_body(payload: bytes) -> tuple[bool, int]:
    """Whether the frame begins in this payload, and where the payload descriptor ends."""
    if not payload:
        raise ValueError("an empty VP8 payload")
    first, position = payload[0], 1
    if first & 0x80:
        extension = payload[position : position + 1]
        position += 1
        if not extension:
            raise ValueError("cut off in the VP8 payload descriptor")
        flags = extension[0]
        if flags & 0x80:  # picture id, 7 or 15 bits
            position += 2 if payload[position : position + 1] >= b"\x80" else 1
        position += bool(flags & 0x40) + bool(flags & 0x30)  # TL0PICIDX; TID and KEYIDX share a byte
    if position >= len(payload):
        raise ValueError("cut off in the VP8 payload descriptor")
    return first & 0x17 == 0x10, position  # noqa: PLR2004 - S set and partition 0


def _vp8_picture_id(payload: bytes) -> tuple[int, int] | None:
    """The picture's number, and of how many bits it is; None when the payload tells none."""
    if len(payload) < 4 or not payload[0] & 0x80 or not payload[1] & 0x80:  # noqa: PLR2004 - up to 15 bits of number
        return None
    if payload[2] & 0x80:
        return (payload[2] & 0x7F) << 8 | payload[3], 15
    return payload[2], 7


def _h264_units(payload: bytes) -> Iterator[tuple[int, bool]]:
    """Type of each NAL unit in the payload, and whether it begins there."""
    kind = payload[0] & 0x1F if payload else 0
    if kind == _STAP_A:
        position = 1
        while position + 2 < len(payload):
            yield payload[position + 2] & 0x1F, True
            position += 2 + int.from_bytes(payload[position : position + 2])
    elif kind == _FU_A and len(payload) > 1:
        yield payload[1] & 0x1F, bool(payload[1] & 0x80)
    elif kind in _SINGLE:
        yield kind, True


def starts_frame(codec: VideoCodec, payload: bytes) -> bool:
    """Whether the payload shows by itself that a frame begins with it."""
    if codec is VideoCodec.VP8:
        try:
            return _vp8_body(payload)[0]
        except ValueError:
            return False
    kind, begins = next(_h264_units(payload), (0, False))
    return begins and kind in {_SPS, _AUD}


def follows(codec: VideoCodec, before: bytes, payload: bytes) -> bool:
    """Whether ``payload`` shows by itself that its frame is the next after that of ``before``, by VP8's picture ids."""
    if codec is not VideoCodec.VP8 or not starts_frame(codec, payload):
        return False
    earlier, later = _vp8_picture_id(before), _vp8_picture_id(payload)
    if earlier is None or later is None:
        return False
    return later == ((earlier[0] + 1) % (1 << earlier[1]), earlier[1])


def is_keyframe_start(codec: VideoCodec, payload: bytes) -> bool:
    """Whether a keyframe begins with this payload, given that some frame does."""
    if codec is VideoCodec.VP8:
        try:
            begins, position = _vp8_body(payload)
        except ValueError:
            return False
        return begins and payload[position] & 1 == 0
    return any(begins and kind in {_IDR, _SPS} for kind, begins in _h264_units(payload))


def join(codec: VideoCodec, payloads: Sequence[bytes]) -> tuple[bytes, bool]:
    """One frame from all its payloads, and whether it is a keyframe.

    Raises:
        ValueError: the payloads make no frame.
    """
    return _join_vp8(payloads) if codec is VideoCodec.VP8 else _join_h264(payloads)


def _join_vp8(payloads: Sequence[bytes]) -> tuple[bytes, bool]:
    parts = []
    for index, payload in enumerate(payloads):
        begins, position = _vp8_body(payload)
        if begins != (index == 0):
            raise ValueError("a VP8 frame begins in mid-frame, or its start is missing")
        parts.append(payload[position:])
    data = b"".join(parts)
    return data, data[0] & 1 == 0


def _join_h264(payloads: Sequence[bytes]) -> tuple[bytes, bool]:
    parts: list[bytes] = []
    keyframe = False
    fragmented = False  # inside a fragmented unit
    for payload in payloads:
        if len(payload) < 2:  # noqa: PLR2004 - no unit is a header alone
            raise ValueError("an H.264 payload of no content")
        kind = payload[0] & 0x1F
        if fragmented != (kind == _FU_A and not payload[1] & 0x80):
            raise ValueError("an H.264 fragment without its neighbours")
        keyframe = keyframe or any(unit == _IDR for unit, _ in _h264_units(payload))
        if kind in _SINGLE:
            parts += (_START_CODE, payload)
        elif kind == _STAP_A:
            parts += _split_aggregate(payload)
        elif kind == _FU_A:
            if payload[1] & 0x80:
                parts += (_START_CODE, bytes([payload[0] & 0xE0 | payload[1] & 0x1F]))
            parts.append(payload[2:])
            fragmented = not payload[1] & 0x40
        else:
            raise ValueError(f"H.264 NAL unit type {kind} is not of packetization mode 1")
    if fragmented or not parts:
        raise ValueError("an H.264 fragment without its end")
    return b"".join(parts), keyframe


def _split_aggregate(payload: bytes) -> Iterator[bytes]:
    position = 1
    while position < len(payload):
        end = position + 2 + int.from_bytes(payload[position : position + 2])
        if end > len(payload) or end == position + 2:
            raise ValueError("cut off in an H.264 aggregate")
        yield _START_CODE
        yield payload[position + 2 : end]
        position = end
