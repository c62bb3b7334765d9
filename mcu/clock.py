"""Media time: one monotonic clock a room, whose wall-clock start is stored once.

``MediaClock`` turns the machine's monotonic clock into microseconds of media time. ``Ticker`` is pure arithmetic over
it: tick ``n`` is due at ``t0 + n · period``, so it never drifts; a tick that is too late is skipped and counted, never
queued.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class MediaClock:
    """Media time of one room: zero when it was created."""

    start_monotonic_ns: int = field(default_factory=time.monotonic_ns)
    start_wall_us: int = field(default_factory=lambda: time.time_ns() // 1000)
    monotonic_ns: Callable[[], int] = time.monotonic_ns

    def now_us(self) -> int:
        """Microseconds of media time gone by."""
        return (self.monotonic_ns() - self.start_monotonic_ns) // 1000

    def wall_us(self, media_us: int) -> int:
        """The Unix time, in microseconds, at which ``media_us`` is or was."""
        return self.start_wall_us + media_us


class Ticker:
    """Which tick is next, when it is due, and how many were missed.

    Args:
        rate_hz: ticks a second.
        made_up: how many ticks whose successors are due are still handed out, late. 0 for pictures: a newer one is
            always better. A late block of sound is in time for every receiver's jitter buffer; a skipped one is a hole.
    """

    def __init__(self, rate_hz: Fraction | int, made_up: int = 0) -> None:
        self.period_us = Fraction(1_000_000) / Fraction(rate_hz)
        self._made_up = made_up
        self.next = 0  # number of the tick that is to come
        self.skipped = 0  # ticks that were never handed out because they were too late

    def due_us(self, tick: int) -> int:
        """Media time at which ``tick`` begins."""
        return int(tick * self.period_us)

    def wait_us(self, now_us: int) -> int:
        """How long to sleep until the next tick; 0 when it is due."""
        return max(0, self.due_us(self.next) - now_us)

    def take(self, now_us: int) -> int:
        """The tick to work on now; ticks that are later than what is made up for are skipped and counted."""
        latest = int(now_us / self.period_us)
        tick = max(self.next, latest - self._made_up)
        self.skipped += tick - self.next
        self.next = tick + 1
        return tick
