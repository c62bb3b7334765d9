"""The process of one room: ``python -m api.worker --run-dir DIR --instance ID``.

It listens on ``DIR/ID.sock`` for the service and speaks ``mcu.wire`` frames. Until a room is opened it is a spare and
ends with its connection. Afterwards it outlives the service: it goes on mixing and recording, is found again by its
socket, and ends by itself when its room was empty, or nobody asked for it, for long enough.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from pathlib import Path

from pydantic import ValidationError

from api.rooms.handler import RoomHandler
from mcu import wire
from mcu.memory import settle
from mcu.messages import Event, Failure, decode_request, encode
from mcu.priority import prefer_this_process

logger = logging.getLogger(__name__)

SPARE_PATIENCE_S = 30  # how long a spare waits to be spoken to
CHECK_EVERY_S = 1
MAX_PENDING_REQUESTS = 256  # a connection; further requests are refused with `busy`
MAX_UNREAD_BYTES = 4 * 1024 * 1024  # a connection that leaves more than this unread is cut (drop policy: disconnect)


class RoomServer:
    """Connections in, frames out; all meaning is in the handler."""

    def __init__(self) -> None:
        self.handler = RoomHandler(self._broadcast)
        self._loop = asyncio.get_running_loop()
        self._connections: set[asyncio.StreamWriter] = set()
        self._readers: set[asyncio.Task[None]] = set()
        self._requests: set[asyncio.Task[None]] = set()
        self._alone_since = self._loop.time()

    async def serve(self, path: Path) -> None:
        """Listen on ``path`` until the handler is through."""
        server = await asyncio.start_unix_server(self._accepted, path)
        watch = asyncio.create_task(self._watch())
        try:
            await self.handler.ended.wait()
        finally:
            watch.cancel()
            server.close()
            await self._flush()

    async def _flush(self) -> None:
        if self._requests:
            await asyncio.wait(self._requests, timeout=2)
        for writer in list(self._connections):
            with contextlib.suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(writer.drain(), 1)
            writer.close()
        if self._readers:
            await asyncio.wait(self._readers, timeout=1)

    # --- connections --------------------------------------------------------------------------------------------------

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._converse(reader, writer))
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        writer.write(wire.pack(wire.hello()))
        try:
            while True:
                self._received(await wire.read(reader), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            logger.info("the service closed its connection")
        except wire.WireError as error:
            logger.warning("cutting a connection: %s", error)
        finally:
            self._connections.discard(writer)
            self._alone_since = self._loop.time()
            writer.close()
            if not self.handler.is_open and not self._connections:
                await self.handler.end("unused")

    def _received(self, frame: wire.Frame, writer: asyncio.StreamWriter) -> None:
        if frame.kind != wire.Kind.REQUEST:
            return
        if len(self._requests) >= MAX_PENDING_REQUESTS:
            self._reply(frame.id, Failure(code="busy", message="too many requests are waiting"), writer)
            return
        task = asyncio.create_task(self._answer(frame, writer))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _answer(self, frame: wire.Frame, writer: asyncio.StreamWriter) -> None:
        try:
            request = decode_request(frame.payload)
        except ValidationError as error:
            self._reply(frame.id, Failure(code="wire_error", message=str(error)), writer)
            return
        self._reply(frame.id, await self.handler.answer(request), writer)

    def _reply(self, id_: int, reply: object, writer: asyncio.StreamWriter) -> None:
        self._send(wire.Frame(wire.Kind.REPLY, id_, encode(reply)), writer)  # type: ignore[arg-type]  # Reply is a union alias

    def _broadcast(self, event: Event) -> None:
        frame = wire.Frame(wire.Kind.EVENT, 0, encode(event))
        for writer in list(self._connections):
            self._send(frame, writer)

    def _send(self, frame: wire.Frame, writer: asyncio.StreamWriter) -> None:
        if writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            logger.warning("cutting a connection that does not read")
            writer.transport.abort()
            return
        writer.write(wire.pack(frame))

    # --- the end of life ----------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            reason = self._reason_to_end()
            if reason is not None:
                await self.handler.end(reason)

    def _reason_to_end(self) -> str | None:
        alone_s = 0 if self._connections else self._loop.time() - self._alone_since
        if not self.handler.is_open:
            return "unused" if alone_s > SPARE_PATIENCE_S else None
        room = self.handler.room
        if room.empty_for_s > room.config.empty_grace_s:
            return "empty"
        if alone_s > room.config.orphan_grace_s:
            return "orphaned"
        return None


async def _run(path: Path) -> None:
    server = RoomServer()
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    def end() -> None:
        task = loop.create_task(server.handler.end("closed"))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop.add_signal_handler(signal.SIGTERM, end)
    await server.serve(path)


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser(description="the process of one room; started by the service")
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--log-level", default="INFO")
    arguments = parser.parse_args()
    logging.basicConfig(
        level=arguments.log_level.upper(),
        format=f"%(asctime)s %(levelname)s room[{os.getpid()}] %(name)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("aioice").setLevel(logging.WARNING)  # it tells of every candidate pair
    # a terminal's Ctrl-C is for the service, which then closes rooms in order
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prefer_this_process()
    settle()
    path = arguments.run_dir / f"{arguments.instance}.sock"
    try:
        asyncio.run(_run(path))
    finally:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
