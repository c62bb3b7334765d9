"""A ``RoomHost`` without processes: rooms are ``FakeRoom`` objects, killed at a test's will."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, nullcontext

from api.costs import NOTHING, Cost
from api.rooms.admission import UNLIMITED, Admission
from api.rooms.host import Kind, NoCapacity, Node, RoomGone, RoomRef
from mcu.messages import Close, GetLoad, Load, Message, StartPart, encode
from tests.unit.api.fake_worker import FakeRoom

MAX_ROOMS = 3


class _Process:
    def __init__(self) -> None:
        self.room = FakeRoom()
        self.subscribers: list[asyncio.Queue[bytes | None]] = []

    def tell(self) -> None:
        events, self.room.events = self.room.events, []
        for event in events:
            for queue in self.subscribers:
                queue.put_nowait(encode(event))


class FakeHost:
    def __init__(self, capacity: Cost = UNLIMITED) -> None:
        self.admission = Admission(self._loads, capacity)
        self.processes: dict[RoomRef, _Process] = {}
        self.opened = 0
        self._instances = itertools.count(1)

    def ref(self, name: str) -> RoomRef | None:
        return next((ref for ref in self.processes if ref.name == name), None)

    def room(self, name: str) -> FakeRoom:
        ref = self.ref(name)
        assert ref is not None
        return self.processes[ref].room

    def kill(self, name: str) -> None:
        """As ``kill -9``: the room is gone without a word."""
        ref = self.ref(name)
        assert ref is not None
        for queue in self.processes.pop(ref).subscribers:
            queue.put_nowait(None)

    def record(self, name: str) -> None:
        """As the recorder would make the room do."""
        self.room(name).answer(encode(StartPart(recording_id="r", part=1, directory="nowhere")))

    def tell(self, name: str, event: Message) -> None:
        self.room(name).events.append(event)
        ref = self.ref(name)
        assert ref is not None
        self.processes[ref].tell()

    # --- RoomHost -----------------------------------------------------------------------------------------------------

    async def open(self, name: str, load: Load | None = None) -> RoomRef:
        await asyncio.sleep(0)
        ref = self.ref(name)
        if ref is None:
            if len(self.processes) >= MAX_ROOMS:
                raise NoCapacity(Kind.ROOM, "all in use")
            async with self.admission.admitted(Kind.ROOM, name, load) if load else nullcontext():
                ref = RoomRef(name, f"i{next(self._instances)}", "here", "")
                self.processes[ref] = _Process()
                self.opened += 1
        return ref

    def admit(self, ref: RoomRef, kind: Kind, load: Load) -> AbstractAsyncContextManager[None]:
        return self.admission.admitted(kind, ref.name, load)

    async def _loads(self) -> dict[str, Load]:
        loads = {ref.name: process.room.answer(encode(GetLoad())) for ref, process in self.processes.items()}
        await asyncio.sleep(0)
        return {name: load for name, load in loads.items() if isinstance(load, Load)}

    async def find(self, name: str) -> RoomRef | None:
        return self.ref(name)

    async def call(self, ref: RoomRef, message: bytes, timeout_s: float = 5) -> bytes:  # noqa: ARG002 - as the protocol has it
        await asyncio.sleep(0)
        process = self._process(ref)
        reply = process.room.answer(message)
        process.tell()
        return encode(reply)

    def events(self, ref: RoomRef) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._process(ref).subscribers.append(queue)
        return self._drain(queue)

    async def _drain(self, queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
        while (event := await queue.get()) is not None:
            yield event
        raise RoomGone("gone")

    async def close(self, ref: RoomRef) -> None:
        await self.call(ref, encode(Close()))
        self.kill(ref.name)

    async def nodes(self) -> list[Node]:
        return [Node("here", self.admission.capacity, NOTHING, tuple(self.processes))]

    def _process(self, ref: RoomRef) -> _Process:
        if ref not in self.processes:
            raise RoomGone("gone")
        return self.processes[ref]
