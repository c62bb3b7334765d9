"""Frames on the socket between service and room."""

import asyncio
import contextlib
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from mcu import wire
from mcu.messages import Join, SetLayout, decode_event, decode_reply, decode_request, encode

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


WHOLE = wire.pack(wire.Frame(wire.Kind.REQUEST, 7, encode(SetLayout(layout="grid", options={"gap": [1, {"a": None}]}))))


@given(st.binary(max_size=80), st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)))
def test_any_bytes_are_frames_or_the_end_of_the_connection(garbage: bytes, start: int, end: int) -> None:
    async def read_all(data: bytes) -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        with contextlib.suppress(asyncio.IncompleteReadError, wire.WireError):
            while True:
                assert len((await wire.read(reader)).payload) <= len(data)

    asyncio.run(read_all(WHOLE[:start] + garbage + WHOLE[end:]))


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 200))
@example(b"[" * 100_000, 0, 200)
@example(b'{"type":' * 50_000, 0, 200)
@example(b'{"type": "set_layout", "layout": "x", "options": {"a": ' + b"[" * 10_000, 0, 200)
@example(b'{"type": "join", "participant_id": "\\ud800", "name": "", "sdp": 1e999}', 0, 200)
def test_any_payload_is_a_message_or_refused(garbage: bytes, start: int, end: int) -> None:
    whole = WHOLE[12:]
    for decode in (decode_request, decode_reply, decode_event):
        with contextlib.suppress(ValidationError):
            encode(decode(whole[:start] + garbage + whole[end:]))
