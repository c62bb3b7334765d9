"""Frames on the socket between service and room."""

import asyncio
import struct

import pytest

from mcu import wire
from mcu.messages import Join, decode_request, encode

pytestmark = pytest.mark.unit


async def read(data: bytes) -> wire.Frame:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return await wire.read(reader)


async def test_a_message_comes_through_whole() -> None:
    join = Join(participant_id="p1", name="Zoë 🎥", sdp="v=0\r\n")
    frame = await read(wire.pack(wire.Frame(wire.Kind.REQUEST, 7, encode(join))))
    assert (frame.kind, frame.id) == (wire.Kind.REQUEST, 7)
    assert decode_request(frame.payload) == join


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("!III", 9 * 1024 * 1024, 1, 1),  # larger than any message
        struct.pack("!III", 0, 1, 9),  # no such kind
        struct.pack("!III", 0, 2, 0),  # a HELLO of another version
    ],
)
async def test_what_is_no_frame_of_this_version_is_refused(data: bytes) -> None:
    with pytest.raises(wire.WireError):
        await read(data)


async def test_a_torn_frame_is_the_end() -> None:
    whole = wire.pack(wire.Frame(wire.Kind.EVENT, 0, b"{}"))
    with pytest.raises(asyncio.IncompleteReadError):
        await read(whole[:-1])
