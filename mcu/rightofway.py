"""The audio tick goes first: who computes for long in Python lets it, in between.

One thread at a time runs Python. Who asks a busy thread for the interpreter gets it after the switch interval, and is
put out again by the next who asks. With a hundred participants the loop, which receives and sends, always asks: a tick
of 3 ms took 15.
"""

import threading
from typing import Final

from mcu.clock import MediaClock

_NEVER: Final = 1 << 62
_PATIENCE_S: Final = 0.03  # a tick that has not come then does not come: nobody is here, or its thread has ended


class RightOfWay:
    """One thread's right of way before others, for as long as each of its ticks takes.

    Args:
        clock: says when a tick is due.
    """

    def __init__(self, clock: MediaClock) -> None:
        self._clock = clock
        self._due_us = _NEVER
        self._through = threading.Event()

    def next_at(self, due_us: int) -> None:
        """A tick is through and the next is due then. Who is behind has no right of way: it would leave none to others.

        On the thread that ticks.
        """
        self._due_us = due_us if due_us > self._clock.now_us() else _NEVER
        self._through.set()

    def give(self) -> None:
        """Return at once, or when the tick that is due is through. On the other threads."""
        due_us = self._due_us
        if self._clock.now_us() < due_us:
            return
        self._through.clear()
        if self._due_us == due_us and not self._through.wait(_PATIENCE_S):
            self._due_us = _NEVER
