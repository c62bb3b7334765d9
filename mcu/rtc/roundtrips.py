"""What the round trips of a line say of its queues. Pure: time is an argument."""

import math

BEST_OF_US = 30_000_000  # the best round trip is that of so long, and of as long before
STANDS_US, STANDS_WITHIN_US = 3_000_000, 50_000  # so long, and so little of a change: no queue that grows or drains


class RoundTrips:
    """By how much they are longer than at best, which is a queue's doing, and whether they stand still.

    The best is forgotten after a while, for the way may become longer.
    """

    def __init__(self) -> None:
        self.longer_us = 0.0  # the last one, than at best
        self.stands = False  # they have been about as long as the last one for a while
        self._best_us = (math.inf, math.inf)  # before, and since the time in the next line
        self._best_since_us = 0
        self._steady_us = (math.inf, 0.0)  # the shortest and the longest since the time in the next line
        self._steady_since_us = 0

    def note(self, rtt_us: int | None, now_us: int) -> None:
        """Take one; None when a report told none."""
        if rtt_us is None:
            self.longer_us, self.stands = 0.0, False
            return
        before, since = self._best_us
        if now_us - self._best_since_us >= BEST_OF_US:
            before, since, self._best_since_us = since, math.inf, now_us
        self._best_us = (before, min(since, rtt_us))
        self.longer_us = rtt_us - min(self._best_us)
        least, most = min(self._steady_us[0], rtt_us), max(self._steady_us[1], rtt_us)
        if most - least > STANDS_WITHIN_US:
            least, most, self._steady_since_us = rtt_us, rtt_us, now_us
        self._steady_us = (least, most)
        self.stands = now_us - self._steady_since_us >= STANDS_US

    def accept(self) -> None:
        """What is longer is the way, no queue."""
        best_us = min(self._best_us) + self.longer_us
        self._best_us = (best_us, best_us)
        self.longer_us = 0.0
