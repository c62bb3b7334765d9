"""Room processes at their start: spawned and reached over their sockets, with one warm spare ahead."""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from api.rooms.client import RoomClient
from api.rooms.process import Process, spawn
from api.rooms.rundir import INSTANCE_BYTES, RunDir
from mcu.errors import TuttiError
from mcu.messages import GetLoad, Load, decode_reply, encode
from mcu.wire import WireError

logger = logging.getLogger(__name__)


class RoomStartError(TuttiError):
    """A room process could not be started."""

    code = "room_start_failed"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the host waits before it acts, in seconds."""

    start_s: float = 30  # for a fresh process to listen
    answer_s: float = 5  # for a found process to say who it is
    load_s: float = 1  # for a room to say what it bears; then its last word counts
    heartbeat_s: float = 2  # between two questions whether it lives
    hung_s: float = 10  # for the answer to one; then the process is killed
    close_s: float = 20  # for a room to end in order; then it is killed
    exit_s: float = 10  # for a process to exit after it has hung up; then it is killed


PATIENT = Patience()


@dataclass(slots=True, eq=False)
class Worker:
    """A process with our connection to it: a spare, or a room."""

    instance: str
    client: RoomClient
    process: Process
    load: Load = field(default_factory=Load)  # as last told

    async def ask_load(self, timeout_s: float) -> None:
        """Ask what it bears, which tells that it lives, too. Raises ``RoomGone``, ``RoomTimeoutError``."""
        reply = decode_reply(await self.client.call(encode(GetLoad()), timeout_s))
        if isinstance(reply, Load):  # a process that is just being opened refuses
            self.load = reply


class Workers:
    """Starts processes.

    Args:
        run_dir: where their sockets are.
        command: starts one; ``--run-dir DIR --instance ID --log-level L`` is appended.
        log_level: of the processes.
        patience: time limits.
        lost: told on the loop of a worker whose connection has ended.
    """

    def __init__(
        self,
        run_dir: RunDir,
        command: Sequence[str],
        log_level: str,
        patience: Patience,
        lost: Callable[[Worker], None],
    ) -> None:
        self.spawned = 0  # processes started, ever
        self._run_dir = run_dir
        self._command = command
        self._log_level = log_level
        self._patience = patience
        self._lost = lost
        self._spare: asyncio.Task[Worker] | None = None
        self._stopping = False

    async def take(self) -> Worker:
        """A process that nobody has used, at once if the spare is ready; raises ``RoomStartError``."""
        spare, self._spare = self._spare, None
        try:
            if spare is not None:
                with contextlib.suppress(RoomStartError):
                    worker = await spare
                    if not worker.client.closed:
                        return worker
                    worker.process.kill()
            return await self._start()
        finally:
            self.warm()

    def warm(self) -> None:
        """Have a spare started, if there is none."""
        if self._spare is None and not self._stopping:
            self._spare = asyncio.create_task(self._start())
            self._spare.add_done_callback(_retrieve)

    async def stop(self) -> None:
        """End the spare; there will be no other."""
        self._stopping = True
        spare, self._spare = self._spare, None
        if spare is None:
            return
        if not spare.done():
            spare.cancel()
        with contextlib.suppress(asyncio.CancelledError, TuttiError):
            worker = await spare
            await worker.client.close()
            await worker.process.end(0)
            self._run_dir.remove(worker.instance)

    async def _start(self) -> Worker:
        instance = uuid.uuid4().hex[:INSTANCE_BYTES]
        process = spawn(self._command, self._log_level, self._run_dir.path, instance)
        self.spawned += 1
        try:
            async with asyncio.timeout(self._patience.start_s):
                return await self._reach(instance, process)
        except BaseException as error:
            process.kill()
            await process.ended.wait()
            self._run_dir.remove(instance)
            if isinstance(error, TimeoutError | OSError | WireError):
                logger.exception("a room process did not come up")
                raise RoomStartError("a room process did not start; the log says why") from error
            raise

    async def _reach(self, instance: str, process: Process) -> Worker:
        while not process.ended.is_set():
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):  # it does not listen yet
                return await self.connect(instance, process)
            await asyncio.sleep(0.02)
        raise ConnectionResetError(f"room process {process.pid} ended at its start")

    async def connect(self, instance: str, process: Process | None) -> Worker:
        """Connect to a process, ours or, without ``process``, one that is found. Raises as ``RoomClient.connect``."""
        worker: Worker | None = None

        def lost() -> None:
            if worker is not None:
                self._lost(worker)

        client = await RoomClient.connect(self._run_dir.socket(instance), lost, self._patience.answer_s)
        worker = Worker(instance, client, process or Process(client.peer_pid, is_child=False))
        return worker


def _retrieve(task: "asyncio.Task[Worker]") -> None:
    """Take a spare's failure, which was logged where it happened, so that nobody complains it was never looked at."""
    if not task.cancelled():
        task.exception()
