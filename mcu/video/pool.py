"""A few threads for work that must not hold up the tick."""

import logging
import os
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

_log = logging.getLogger(__name__)


class WorkPool:
    """Runs small jobs, first come, first served.

    The queue is bounded by its users: a source has at most one job here, a sprite is drawn once.

    Args:
        threads: how many; None for as many as there are cores.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.faults = 0  # jobs that raised
        self._jobs: SimpleQueue[tuple[int, Callable[[], None]] | None] = SimpleQueue()  # since when each waits
        self._waited_us = 0  # of the job that began last
        self._threads = [
            threading.Thread(target=self._run, name=f"decode-{n}", daemon=True)
            for n in range(threads or os.cpu_count() or 1)
        ]

    def start(self) -> None:
        """Start the threads; jobs handed in before wait for this."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish the jobs handed in so far and join the threads."""
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()

    def submit(self, job: Callable[[], None]) -> None:
        """Run ``job`` soon, on one of the threads. Never blocks."""
        self._jobs.put((time.monotonic_ns(), job))

    @property
    def late_us(self) -> int:
        """How long jobs wait for a thread at the moment; 0 when none does."""
        return 0 if self._jobs.empty() else self._waited_us

    def _run(self) -> None:
        while (waiting := self._jobs.get()) is not None:
            since_ns, job = waiting
            self._waited_us = (time.monotonic_ns() - since_ns) // 1000
            try:
                job()
            except Exception:  # noqa: BLE001 - the thread serves every source, it must outlive any one of them
                self.faults += 1
                _log.exception("a job of the decode pool failed")
