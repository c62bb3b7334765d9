"""By when most of a sender's pictures are here. Pure; times in integer microseconds."""

from bisect import bisect_left, insort
from collections import deque

_WINDOW_US, _WINDOW = 2_000_000, 128  # pictures of so long count, and no more than that
_SHARE = 0.5  # of them that shall be here in time
_LONG_WINDOW_US, _LONG_WINDOW = 5_000_000, 320
_LONG_SHARE = 0.9  # while many come late
_LATE_US = 40_000  # more than the fastest one
_MANY, _FEW = 0.5, 0.15  # of them are late: so it begins, and so it ends


class _Transits:
    """The transit times of the last pictures, bounded in time and number; the oldest are forgotten."""

    def __init__(self, span_us: int, most: int) -> None:
        self._span_us = span_us
        self._most = most
        self._came: deque[tuple[int, int]] = deque()  # arrival and transit
        self._ordered: list[int] = []  # the same transits, the shortest first

    def note(self, arrival_us: int, transit_us: int) -> None:
        came = self._came
        while came and (came[0][0] < arrival_us - self._span_us or len(came) == self._most):
            _, old_us = came.popleft()
            del self._ordered[bisect_left(self._ordered, old_us)]
        came.append((arrival_us, transit_us))
        insort(self._ordered, transit_us)

    def within_us(self, share: float) -> int:
        """So long took so many of them at most."""
        return self._ordered[int((len(self._ordered) - 1) * share)]


class Readiness:
    """The transit time by which most pictures are here.

    Where lost packets are sent again, every picture that waits for one holds up those behind it: for a round trip all
    are late. To follow each such hold-up would stretch the sound, which waits for the pictures, up and down without
    end. So rare ones are not followed, and once they are many, the level is one at which most of them are over, and
    stays there until a few seconds have gone by without.
    """

    def __init__(self) -> None:
        self.fastest_us = 0  # of the last few seconds
        self.ready_us = 0
        self._short = _Transits(_WINDOW_US, _WINDOW)
        self._long = _Transits(_LONG_WINDOW_US, _LONG_WINDOW)
        self._held_up = False  # again and again

    def note(self, arrival_us: int, transit_us: int) -> None:
        """A picture came so long after it had been captured, by two clocks that need not agree."""
        self._short.note(arrival_us, transit_us)
        self._long.note(arrival_us, transit_us)
        self.fastest_us = self._long.within_us(0)
        timely = 1 - (_FEW if self._held_up else _MANY)
        self._held_up = self._long.within_us(timely) > self.fastest_us + _LATE_US
        if not self._held_up:
            self.ready_us = self._short.within_us(_SHARE)
            return
        ready_us = self._long.within_us(_LONG_SHARE)
        if not self.ready_us - _LATE_US <= ready_us <= self.ready_us:
            self.ready_us = ready_us
