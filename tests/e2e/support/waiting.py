"""Waiting on conditions, and an event loop for tests that are not asynchronous themselves."""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
_POLL_S = 0.05


def wait_for(condition: Callable[[], T | None], *, timeout_s: float, what: str) -> T:
    """What ``condition`` gives once that is neither None nor False; else an AssertionError that names ``what``."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value is not None and value is not False:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s in vain for {what}")
        time.sleep(_POLL_S)


class LoopThread:
    """An event loop on a thread of its own, so that one peer's work never waits for another's.

    It goes before the browsers where that is allowed: what a test's own peer sends late, the service cannot mend.

    Args:
        name: of the thread.
        real_time: whether it measures times, and so must not wait for a processor at all.
    """

    def __init__(self, name: str, *, real_time: bool = False) -> None:
        self.loop = asyncio.new_event_loop()
        self._real_time = real_time
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
            if self._real_time:
                policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK  # not for threads it starts: they decode
                os.sched_setscheduler(threading.get_native_id(), policy, os.sched_param(1))
        self.loop.run_forever()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 60) -> T:
        """Run ``work`` over there and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def close(self) -> None:
        """Cancel what still runs and end the thread."""

        async def cancel_all() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=5) if tasks else None
            await self.loop.shutdown_asyncgens()

        self.run(cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()
