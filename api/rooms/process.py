"""A room's operating system process, ours or one that a former service left: spawn, watch, kill, reap.

Processes are held by pidfd, which names exactly one process for ever: a pid that the kernel has given to somebody else
can neither be killed nor waited for by mistake. Linux only.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PACKAGE_ROOT = str(Path(__file__).resolve().parents[2])  # so that `-m api.worker` is found from any directory
WORKER_COMMAND: Sequence[str] = (sys.executable, "-m", "api.worker")


class Process:
    """A process that is watched until it has ended.

    Args:
        pid: the process; raises ``ProcessLookupError`` when it is gone already.
        is_child: whether it has to be reaped by us.
    """

    def __init__(self, pid: int, *, is_child: bool) -> None:
        self.pid = pid
        self.ended = asyncio.Event()
        self._is_child = is_child
        self._fd = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._has_ended)

    def _has_ended(self) -> None:
        self.release()
        if self._is_child:
            with contextlib.suppress(ChildProcessError):  # somebody else in this process has reaped it
                os.waitpid(self.pid, os.WNOHANG)
        self.ended.set()

    def release(self) -> None:
        """Watch no longer; the process goes on."""
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1

    def kill(self) -> None:
        """End it at once (SIGKILL); nothing happens when it has ended already."""
        if self._fd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._fd, signal.SIGKILL)

    async def end(self, patience_s: float) -> bool:
        """Wait for its end, then force it. Returns whether it ended by itself."""
        try:
            async with asyncio.timeout(patience_s):
                await self.ended.wait()
        except TimeoutError:
            self.kill()
            await self.ended.wait()
            return False
        return True


def spawn(command: Sequence[str], log_level: str, run_dir: Path, instance: str) -> Process:
    """Start a room process in a session of its own, so that a terminal's Ctrl-C or hang-up does not reach it.

    Its standard error is the service's; it inherits no other open file.
    """
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (_PACKAGE_ROOT, os.environ.get("PYTHONPATH")))),
    }
    arguments = [*command, "--run-dir", str(run_dir), "--instance", instance, "--log-level", log_level]
    quiet = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    pid = os.posix_spawn(arguments[0], arguments, environment, file_actions=quiet, setsid=True)
    return Process(pid, is_child=True)
