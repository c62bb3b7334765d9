"""Rooms in processes on this machine: opened, watched, found again after a restart."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from api.costs import Cost
from api.rooms.admission import UNLIMITED, Admission
from api.rooms.client import pid_behind
from api.rooms.host import Kind, NoCapacity, Node, RoomGone, RoomRef, RoomTimeoutError
from api.rooms.process import WORKER_COMMAND, Process
from api.rooms.rundir import RunDir
from api.rooms.workers import PATIENT, Patience, Worker, Workers
from mcu.messages import Close, GetState, Load, RoomState, decode_reply, encode
from mcu.wire import WireError

logger = logging.getLogger(__name__)


class LocalRoomHost:
    """``RoomHost`` on this machine.

    Args:
        run_dir: where the sockets are; held while the host runs.
        max_rooms: how many rooms may run at once.
        capacity: what they may cost together.
        factor: how many times the cost table's cores this machine takes.
        command: starts a worker; ``--run-dir DIR --instance ID --log-level L`` is appended.
        log_level: of the room processes.
        patience: time limits.
    """

    def __init__(  # noqa: PLR0913 - a host is made in one place, by name
        self,
        run_dir: RunDir,
        *,
        max_rooms: int,
        capacity: Cost = UNLIMITED,
        factor: float = 1.0,
        command: Sequence[str] = WORKER_COMMAND,
        log_level: str = "INFO",
        patience: Patience = PATIENT,
    ) -> None:
        self.hung = 0  # processes killed because they did not answer, ever
        self.admission = Admission(self._loads, capacity, factor)
        self._run_dir = run_dir
        self._max_rooms = max_rooms
        self._patience = patience
        self._node = socket.gethostname()
        self._rooms: dict[str, tuple[RoomRef, Worker]] = {}
        self._opening: dict[str, asyncio.Task[RoomRef]] = {}
        self._workers = Workers(run_dir, command, log_level, patience, self._lost)
        self._heartbeats: set[asyncio.Task[None]] = set()
        self._burials: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def spawned(self) -> int:
        """Processes started, ever."""
        return self._workers.spawned

    # --- life of the host ---------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the run directory, find the rooms that live, clear away what is left of dead ones, warm a spare.

        Raises:
            DataDirectoryError: another service uses the directory.
        """
        self._run_dir.acquire()
        await asyncio.gather(*(self._adopt(instance) for instance in self._run_dir.instances()))
        self._workers.warm()

    async def stop(self) -> None:
        """Hang up. Rooms that were not closed live on, and are found by the next service."""
        self._stopping = True
        for task in (*self._heartbeats, *self._opening.values()):
            task.cancel()
        await self._workers.stop()
        for _ref, worker in list(self._rooms.values()):
            await worker.client.close()
            worker.process.release()
        self._rooms.clear()
        await asyncio.gather(*self._heartbeats, return_exceptions=True)  # cancelled above; their outcome is of no use
        await asyncio.gather(*self._burials)
        self._run_dir.release()

    # --- RoomHost -----------------------------------------------------------------------------------------------------

    async def open(self, name: str, load: Load | None = None) -> RoomRef:
        """See ``RoomHost.open``; also raises ``RoomStartError``."""
        if name in self._rooms:
            return self._rooms[name][0]
        opening = self._opening.get(name)
        if opening is None:
            if len(self._rooms) + len(self._opening) >= self._max_rooms:
                self.admission.refused[Kind.ROOM] += 1
                raise NoCapacity(
                    Kind.ROOM, f"this server runs {self._max_rooms} rooms at most, and they are all in use"
                )
            opening = asyncio.create_task(self._open(name, load))
            self._opening[name] = opening
            opening.add_done_callback(lambda _: self._opening.pop(name, None))
        return await asyncio.shield(opening)  # whoever gives up waiting does not take the room from the others

    def admit(self, ref: RoomRef, kind: Kind, load: Load) -> AbstractAsyncContextManager[None]:
        """See ``RoomHost.admit``."""
        return self.admission.admitted(kind, ref.name, load)

    async def find(self, name: str) -> RoomRef | None:
        """See ``RoomHost.find``."""
        room = self._rooms.get(name)
        return room[0] if room else None

    async def call(self, ref: RoomRef, message: bytes, timeout_s: float = 5) -> bytes:
        """See ``RoomHost.call``."""
        return await self._worker(ref).client.call(message, timeout_s)

    def events(self, ref: RoomRef) -> AsyncIterator[bytes]:
        """See ``RoomHost.events``."""
        return self._worker(ref).client.events()

    async def close(self, ref: RoomRef) -> None:
        """See ``RoomHost.close``."""
        worker = self._worker(ref)
        try:
            await worker.client.call(encode(Close()), self._patience.close_s)
        except RoomGone:
            logger.debug("room %r ended before it answered", ref.name)
        except RoomTimeoutError:
            logger.warning("room %r did not close in %g s and is killed", ref.name, self._patience.close_s)
            worker.process.kill()
        await worker.process.end(self._patience.exit_s)
        self._run_dir.remove(worker.instance)

    async def nodes(self) -> list[Node]:
        """See ``RoomHost.nodes``."""
        refs = tuple(ref for ref, _ in self._rooms.values())
        return [Node(self._node, capacity=self.admission.capacity, used=self.used, rooms=refs)]

    # --- what rooms bear ----------------------------------------------------------------------------------------------

    @property
    def used(self) -> Cost:
        """What the rooms cost, as they said last."""
        return self.admission.used(self._last_loads())

    def _last_loads(self) -> dict[str, Load]:
        return {name: worker.load for name, (_, worker) in self._rooms.items()}

    async def _loads(self) -> dict[str, Load]:
        """What the rooms bear now; of one that does not answer in time, its last word."""
        workers = [worker for _, worker in self._rooms.values()]
        await asyncio.gather(*(self._load_or_none(worker) for worker in workers))
        return self._last_loads()

    async def _load_or_none(self, worker: Worker) -> None:
        with contextlib.suppress(RoomGone, RoomTimeoutError):
            await worker.ask_load(self._patience.load_s)

    def _worker(self, ref: RoomRef) -> Worker:
        live, worker = self._rooms.get(ref.name, (None, None))
        if worker is None or live != ref:
            raise RoomGone(f"room {ref.name!r} has ended")
        return worker

    # --- starting -----------------------------------------------------------------------------------------------------

    async def _open(self, name: str, load: Load | None) -> RoomRef:
        async with contextlib.AsyncExitStack() as stack:
            if load is not None:
                await stack.enter_async_context(self.admission.admitted(Kind.ROOM, name, load))
            return self._register(name, await self._workers.take())

    def _register(self, name: str, worker: Worker) -> RoomRef:
        ref = RoomRef(name, worker.instance, self._node, str(self._run_dir.socket(worker.instance)))
        self._rooms[name] = (ref, worker)
        _keep(self._heartbeats, self._watch(ref, worker))
        return ref

    # --- finding again ------------------------------------------------------------------------------------------------

    async def _adopt(self, instance: str) -> None:
        try:
            worker = await self._workers.connect(instance, None)
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, ProcessLookupError):
            self._run_dir.remove(instance)
            return
        except (TimeoutError, WireError) as error:
            logger.warning("room process %s is of no use (%s) and is killed", instance, error or "it does not answer")
            await _kill_listener(self._run_dir.socket(instance))
            self._run_dir.remove(instance)
            return
        try:
            state = decode_reply(await worker.client.call(encode(GetState()), self._patience.answer_s))
        except (RoomGone, RoomTimeoutError):
            worker.process.kill()
            state = None
        if isinstance(state, RoomState) and state.config.name not in self._rooms:
            self._register(state.config.name, worker)
            logger.info("found room %r again", state.config.name)
        else:  # a spare, or hung
            await worker.client.close()
            await worker.process.end(self._patience.exit_s)
            self._run_dir.remove(instance)

    # --- watching -----------------------------------------------------------------------------------------------------

    async def _watch(self, ref: RoomRef, worker: Worker) -> None:
        while True:
            await asyncio.sleep(self._patience.heartbeat_s)
            try:
                await worker.ask_load(self._patience.hung_s)
            except RoomTimeoutError:
                logger.error("room %r does not answer and is killed", ref.name)  # noqa: TRY400 - no traceback to learn from
                self.hung += 1
                worker.process.kill()
                return
            except RoomGone:
                return

    def _lost(self, worker: Worker) -> None:
        for name, (_ref, candidate) in list(self._rooms.items()):
            if candidate is worker and not self._stopping:
                del self._rooms[name]
                _keep(self._burials, self._bury(worker))

    async def _bury(self, worker: Worker) -> None:
        if not await worker.process.end(self._patience.exit_s):
            logger.warning("room process %d hung up, did not exit and was killed", worker.process.pid)
        self._run_dir.remove(worker.instance)


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _kill_listener(path: Path) -> None:
    """Kill whoever listens on ``path``: the kernel names the process."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        probe.connect(os.fspath(path))
        pid = pid_behind(probe)
        await Process(pid, is_child=False).end(0)
