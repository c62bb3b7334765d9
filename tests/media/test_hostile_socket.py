"""Nonsense on a room process's socket: its connection ends or gets a refusal, the room and its service go on."""

import asyncio
import contextlib
import random
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.worker import MAX_PENDING_REQUESTS, RoomServer
from mcu import wire
from mcu.messages import Close, Failure, GetState, Message, Open, Ping, Reply, RoomConfig, decode_reply, encode

pytestmark = pytest.mark.media


class Service:
    """The other end of the socket, one question at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._id = 0

    @classmethod
    async def connect(cls, path: Path) -> "Service":
        made = cls(*await asyncio.open_unix_connection(path))
        assert (await wire.read(made.reader)).kind is wire.Kind.HELLO
        return made

    async def ask(self, request: Message | bytes) -> Reply:
        self._id += 1
        payload = request if isinstance(request, bytes) else encode(request)
        self.writer.write(wire.pack(wire.Frame(wire.Kind.REQUEST, self._id, payload)))
        while True:
            frame = await asyncio.wait_for(wire.read(self.reader), 10)
            if (frame.kind, frame.id) == (wire.Kind.REPLY, self._id):
                return decode_reply(frame.payload)


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    server, path = RoomServer(), tmp_path / "s"
    serving = asyncio.create_task(server.serve(path))
    while not path.exists():  # noqa: ASYNC110 - a listening socket has no event
        await asyncio.sleep(0.01)
    service = await Service.connect(path)
    await service.ask(Open(instance="i", config=RoomConfig(name="r")))
    yield path
    assert (await service.ask(GetState())).type == "state_told"
    await service.ask(Close())
    await serving
    service.writer.close()


def nonsense() -> list[bytes]:
    """What opens a connection badly."""
    rng = random.Random(9)
    ping = wire.pack(wire.Frame(wire.Kind.REQUEST, 1, encode(Ping())))
    return [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 4096,
        struct.pack("!III", 2**32 - 1, 1, 1),
        struct.pack("!III", 8 * 1024 * 1024, 1, 1) + b"{",  # and nothing more
        struct.pack("!III", 0, 99, 0),
        ping[:-1],
        *(rng.randbytes(rng.randrange(1, 500)) for _ in range(60)),
        *(ping[: rng.randrange(len(ping))] + rng.randbytes(20) for _ in range(60)),
    ]


async def test_connections_of_nonsense_end_and_nobody_else_notices(path: Path) -> None:
    service = await Service.connect(path)
    for data in nonsense():
        reader, writer = await asyncio.open_unix_connection(path)
        with contextlib.suppress(ConnectionError):
            writer.write(data)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 10)  # to the end
        writer.close()
        assert (await service.ask(Ping())).type == "done"
    service.writer.close()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"type": "no such"}',
        b'{"type": "join"}',
        b'{"type": "join", "participant_id": "a", "name": "a", "sdp": "' + b"m=audio " * 10_000 + b'"}',
        b'{"type": "trickle", "participant_id": "a", "fragment": "a=candidate:"}',
        b'{"type": "set_layout", "layout": "grid", "options": {"gap": {"gap": [[[[[1e400]]]]]}}}',
        b'{"type": "set_layout", "layout": "x", "custom": {"slots": "\\u0000"}}',
        b'{"type": "set_overlay", "logo": "QUJD", "border": "url(x)"}',
        b'{"type": "set_wish", "participant_id": "nobody", "order": 99999999999999999999999}',
        b'{"type": "start_part", "recording_id": "r", "part": 1, "directory": "/dev/null/x"}',
        b'{"type": "open", "instance": "j", "config": {"name": "again"}}',
    ],
)
async def test_requests_of_nonsense_are_refused_in_words(path: Path, payload: bytes) -> None:
    service = await Service.connect(path)
    reply = await service.ask(payload)
    assert isinstance(reply, Failure)
    assert reply.code != "internal"
    assert reply.message
    service.writer.close()


async def test_more_requests_than_may_wait_are_refused_and_the_rest_answered(path: Path) -> None:
    service = await Service.connect(path)
    many = 4 * MAX_PENDING_REQUESTS
    service.writer.write(b"".join(wire.pack(wire.Frame(wire.Kind.REQUEST, n, encode(Ping()))) for n in range(many)))
    replies = [decode_reply((await asyncio.wait_for(wire.read(service.reader), 10)).payload) for _ in range(many)]
    refused = [reply for reply in replies if isinstance(reply, Failure)]
    assert {reply.code for reply in refused} <= {"busy"}
    assert len(replies) - len(refused) >= MAX_PENDING_REQUESTS
    service.writer.close()
