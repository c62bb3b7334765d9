"""Framing on the Unix socket between the service and a room process.

One frame is a 12-byte header (payload length, correlation id, kind: network order) and a JSON payload from
``mcu.messages``. The first frame in each direction is a HELLO that carries the protocol version.
"""

import asyncio
import struct
from dataclasses import dataclass
from enum import IntEnum

from mcu.errors import TuttiError
from mcu.messages import VERSION

_HEADER = struct.Struct("!III")
MAX_FRAME_BYTES = 8 * 1024 * 1024


class Kind(IntEnum):
    """What a frame is."""

    HELLO = 0
    REQUEST = 1
    REPLY = 2
    EVENT = 3


class WireError(TuttiError):
    """The other side speaks another version, or no sense at all."""

    code = "wire_error"


@dataclass(frozen=True, slots=True)
class Frame:
    """One message with its kind and, for requests and replies, the id that ties them together."""

    kind: Kind
    id: int
    payload: bytes


def hello() -> Frame:
    """The frame that opens a connection."""
    return Frame(Kind.HELLO, VERSION, b"")


def pack(frame: Frame) -> bytes:
    """A frame as bytes."""
    return _HEADER.pack(len(frame.payload), frame.id, frame.kind) + frame.payload


async def read(reader: asyncio.StreamReader) -> Frame:
    """The next frame.

    Raises:
        asyncio.IncompleteReadError: the other side is gone.
        WireError: what came is no frame of this version.
    """
    length, id_, kind = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    if length > MAX_FRAME_BYTES or kind not in set(Kind):
        raise WireError(f"not a frame: kind {kind}, {length} bytes")
    if kind == Kind.HELLO and id_ != VERSION:
        raise WireError(f"the other side speaks version {id_}, this side {VERSION}")
    return Frame(Kind(kind), id_, await reader.readexactly(length))
