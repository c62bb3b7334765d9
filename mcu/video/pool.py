"""A few threads for work that must not hold up the tick."""

import logging
import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

from mcu.priority import defer_this_thread

_log = logging.getLogger(__name__)


class WorkPool:
    """Runs small jobs, first come, first served.

    The queue is bounded by its users: a source has at most one job here, a sprite is drawn once.

    Args:
        threads: how many; None for as many as there are cores.
    """

    def __init__(self, threads: int | None = None) -> None:
        self.faults = 0  # jobs that raised
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
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
        self._jobs.put(job)

    def _run(self) -> None:
        defer_this_thread()
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:  # noqa: BLE001 - the thread serves every source, it must outlive any one of them
                self.faults += 1
                _log.exception("a job of the decode pool failed")
