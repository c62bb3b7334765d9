"""How far an event loop is behind: what it takes in now came that much earlier."""

import asyncio
from collections import deque
from statistics import median_low

STEP_S = 0.05
MEMORY_S = 1.0


class LoopLag:
    """The lateness of a loop within the last second: ``worst_us`` and ``median_us`` may be read from any thread.

    Args:
        loop: the one that is watched, and on whose thread everything else is called.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.worst_us = 0
        self.median_us = 0
        self._loop = loop
        self._late: deque[tuple[float, int]] = deque(maxlen=round(MEMORY_S / STEP_S))  # when, and by how much
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Watch from now on."""
        self._wait()

    def stop(self) -> None:
        """Watch no longer, and know of no lateness."""
        if self._timer is not None:
            self._timer.cancel()
        self._late.clear()
        self.worst_us = self.median_us = 0

    def _wait(self) -> None:
        self._timer = self._loop.call_later(STEP_S, self._look, self._loop.time() + STEP_S)

    def _look(self, due_s: float) -> None:
        now_s = self._loop.time()
        self._late.append((now_s, round((now_s - due_s) * 1_000_000)))
        while now_s - self._late[0][0] > MEMORY_S:
            self._late.popleft()
        lately = [late_us for _, late_us in self._late]
        self.worst_us, self.median_us = max(lately), median_low(lately)
        self._wait()
