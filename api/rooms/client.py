"""The service's end of a room process's Unix socket: requests with replies, and events."""

import asyncio
import itertools
import logging
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

from api.rooms.host import EventsLostError, RoomGone, RoomTimeoutError
from mcu import wire

logger = logging.getLogger(__name__)

EVENT_BOUND = 1024  # events that may wait for one subscriber; beyond it is cut off (EventsLostError)
MAX_UNSENT_BYTES = 16 * 1024 * 1024  # towards a room that does not read; then calls fail as timed out
_PEER_CREDENTIALS = struct.Struct("3i")


class _Socket(Protocol):
    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes: ...


def pid_behind(connection: _Socket) -> int:
    """The process at the other end of a Unix socket, as the kernel knows it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
    return int(_PEER_CREDENTIALS.unpack(credentials)[0])


class RoomClient:
    """One connection to a room process. Create with ``connect``.

    Args:
        reader: frames from the room.
        writer: frames to the room.
        on_closed: called once, on the loop, when the connection has ended.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_closed: Callable[[], None]
    ) -> None:
        self.closed = False
        self._reader = reader
        self._writer = writer
        self._on_closed = on_closed
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._subscribers: set[_EventQueue] = set()
        self._receiving = asyncio.create_task(self._receive())

    @classmethod
    async def connect(cls, path: Path, on_closed: Callable[[], None], timeout_s: float = 5) -> "RoomClient":
        """Connect and exchange greetings.

        Raises:
            OSError: nobody listens there.
            TimeoutError: whoever listens does not greet.
            mcu.wire.WireError: it speaks another version.
        """
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_unix_connection(path)
            try:
                await _greet(reader, writer)
            except asyncio.IncompleteReadError as error:
                writer.close()
                raise ConnectionResetError(f"{path} hung up") from error
            except BaseException:
                writer.close()
                raise
        return cls(reader, writer, on_closed)

    @property
    def peer_pid(self) -> int:
        """The process at the other end, as the kernel knows it."""
        return pid_behind(self._writer.get_extra_info("socket"))

    async def call(self, message: bytes, timeout_s: float) -> bytes:
        """Send a request, wait for its reply. Raises ``RoomGone``, ``RoomTimeoutError``."""
        if self.closed:
            raise RoomGone("the room process is gone")
        if self._writer.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            raise RoomTimeoutError("the room process does not read its messages")
        id_ = next(self._ids)
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = reply
        try:
            self._writer.write(wire.pack(wire.Frame(wire.Kind.REQUEST, id_, message)))
            async with asyncio.timeout(timeout_s):
                return await reply
        except TimeoutError:
            raise RoomTimeoutError(f"the room did not answer within {timeout_s:g} s") from None
        finally:
            self._waiting.pop(id_, None)

    def events(self) -> AsyncIterator[bytes]:
        """Events from now on (the subscription begins with this call, not with the first ``anext``)."""
        queue = _EventQueue(EVENT_BOUND)
        if self.closed:
            queue.end(RoomGone("the room process is gone"))
        else:
            self._subscribers.add(queue)
        return self._drain(queue)

    async def _drain(self, queue: "_EventQueue") -> AsyncIterator[bytes]:
        try:
            while True:
                yield await queue.get()
        finally:
            self._subscribers.discard(queue)

    async def close(self) -> None:
        """Hang up; the process at the other end lives on."""
        self._receiving.cancel()
        await asyncio.wait([self._receiving])

    async def _receive(self) -> None:
        try:
            while True:
                self._dispatch(await wire.read(self._reader))
        except (asyncio.IncompleteReadError, ConnectionError):
            logger.debug("a room process closed its connection")
        except wire.WireError as error:
            logger.warning("hanging up on a room process: %s", error)
        finally:
            self._ended()

    def _dispatch(self, frame: wire.Frame) -> None:
        if frame.kind == wire.Kind.REPLY:
            reply = self._waiting.get(frame.id)
            if reply is not None and not reply.done():
                reply.set_result(frame.payload)
        elif frame.kind == wire.Kind.EVENT:
            for queue in list(self._subscribers):
                queue.put(frame.payload)

    def _ended(self) -> None:
        self.closed = True
        self._writer.close()
        gone = RoomGone("the room process is gone")
        for reply in self._waiting.values():
            if not reply.done():
                reply.set_exception(gone)
        for queue in self._subscribers:
            queue.end(gone)
        self._on_closed()


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(wire.pack(wire.hello()))
    if (await wire.read(reader)).kind != wire.Kind.HELLO:
        raise wire.WireError("the other side did not greet")


class _EventQueue:
    """Events for one subscriber: what was queued is delivered before the error that ends it."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._events: deque[bytes] = deque()
        self._end: Exception | None = None
        self._filled = asyncio.Event()

    def put(self, event: bytes) -> None:
        if self._end is None and len(self._events) >= self._bound:
            self._events.clear()
            self.end(EventsLostError(f"more than {self._bound} events were waiting"))
        elif self._end is None:
            self._events.append(event)
            self._filled.set()

    def end(self, error: Exception) -> None:
        if self._end is None:
            self._end = error
            self._filled.set()

    async def get(self) -> bytes:
        await self._filled.wait()
        if self._events:
            event = self._events.popleft()
            if not self._events and self._end is None:
                self._filled.clear()
            return event
        assert self._end is not None
        raise self._end
