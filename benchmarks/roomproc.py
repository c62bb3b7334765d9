"""A room process under test: started as the service starts it, spoken to over its socket, weighed from outside."""

import asyncio
import re
import sys
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from mcu import wire
from mcu.messages import Close, GetState, Message, Open, Reply, RoomConfig, RoomState, decode_reply, encode


async def _connect(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        try:
            return await asyncio.open_unix_connection(path)
        except (FileNotFoundError, ConnectionRefusedError):  # the process is not there yet
            await asyncio.sleep(0.05)


class RoomProcess:
    """``async with RoomProcess(config, directory) as room``."""

    def __init__(self, config: RoomConfig, directory: Path) -> None:
        self._config, self._directory = config, directory
        self._ids = 0
        self._waiting: dict[int, asyncio.Future[Reply]] = {}

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.room", "--run-dir", str(self._directory), "--instance", "bench",
            "--log-level", "WARNING", start_new_session=True,
        )  # fmt: skip
        path = self._directory / "bench.sock"
        self._reader, self._writer = await _connect(path)
        self._writer.write(wire.pack(wire.hello()))
        self._task = asyncio.create_task(self._read())
        await self.call(Open(instance="bench", config=self._config))
        self._ps = psutil.Process(self._process.pid)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.call(Close())
        await asyncio.wait_for(self._process.wait(), 20)
        self._task.cancel()
        self._writer.close()

    async def _read(self) -> None:
        while True:
            frame = await wire.read(self._reader)
            if frame.kind == wire.Kind.REPLY:
                self._waiting.pop(frame.id).set_result(decode_reply(frame.payload))

    async def call(self, message: Message) -> Reply:
        self._ids += 1
        future = self._waiting[self._ids] = asyncio.get_running_loop().create_future()
        self._writer.write(wire.pack(wire.Frame(wire.Kind.REQUEST, self._ids, encode(message))))
        return await asyncio.wait_for(future, 30)

    async def state(self) -> RoomState:
        reply = await self.call(GetState())
        assert isinstance(reply, RoomState)
        return reply

    def cpu_s(self) -> float:
        times = self._ps.cpu_times()
        return float(times.user + times.system)

    def threads_s(self) -> dict[str, tuple[float, float]]:
        """CPU seconds of its living threads, and how long they waited for a processor, by name without numbers."""
        used: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        for folder in Path(f"/proc/{self._process.pid}/task").iterdir():
            try:
                name = re.sub(r"[-_]?\d+$", "", (folder / "comm").read_text().strip())
                ran_ns, waited_ns, _ = (folder / "schedstat").read_text().split()
            except FileNotFoundError:
                continue  # it has just ended
            used[name] = (used[name][0] + int(ran_ns) / 1e9, used[name][1] + int(waited_ns) / 1e9)
        return used

    def memory_mb(self) -> float:
        return float(self._ps.memory_info().rss) / 1e6

    def pss_mb(self) -> float:
        """What it takes of the machine: pages shared with others count in part."""
        return self._rollup_mb("Pss")

    def own_mb(self) -> float:
        """What it has allocated, whatever else runs on the machine (with whom it could share its libraries)."""
        return self._rollup_mb("Anonymous")

    def _rollup_mb(self, name: str) -> float:
        rollup = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB", rollup, re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024 / 1e6
