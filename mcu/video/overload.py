"""What is given up when the machine does not keep up with the pictures, and when it is taken back. Pure.

First the rate falls, then the rungs, then tiles are refreshed less often; sound is never touched. Each step needs a
second of late ticks; each step back needs a while on time with room to spare, longer each time that it did not last.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from mcu.media import Rung

LATE_PART = 1.0  # of a period: a tick that begins later, or takes longer, is late; less is the scheduler's noise
WINDOW_US = 1_000_000
MOSTLY = 0.75  # of a window's ticks late, and a step is given up
CALM_US, MAX_CALM_US = 5_000_000, 60_000_000  # on time, before a step is taken back
RELAPSE_US = 10_000_000  # a step taken back that did not last so long doubles the wait
ROOM = 0.7  # of the time may be worked, as far as it can be foretold, after a step back


@dataclass(frozen=True, slots=True)
class Relief:
    """One step. Of every ``of`` ticks ``keep`` are worked on; a tile takes a new picture every ``refresh`` of those."""

    keep: int = 1
    of: int = 1
    best: Rung = Rung.FULL  # that is offered
    refresh: int = 1


RELIEFS = (
    Relief(),
    Relief(keep=2, of=3),
    Relief(keep=1, of=2),
    Relief(keep=1, of=2, best=Rung.HALF),
    Relief(keep=1, of=2, best=Rung.QUARTER),
    Relief(keep=1, of=2, best=Rung.QUARTER, refresh=2),
)


class Overload:
    """Decides after each tick.

    Args:
        period_us: of the ticks.
    """

    def __init__(self, period_us: float) -> None:
        self.level = 0
        self._period_us = period_us
        self._window: deque[tuple[int, bool, float]] = deque()  # when, late or not, worked for
        self._level_us: int | None = None  # since when
        self._since_us = 0  # of the level, or of the last late tick
        self._calm_us = CALM_US
        self._climbed_us: int | None = None

    @property
    def relief(self) -> Relief:
        """What is in force."""
        return RELIEFS[self.level]

    def keeps(self, tick: int) -> bool:
        """Whether this tick is worked on."""
        relief = self.relief
        return tick % relief.of < relief.keep

    def refreshes(self, tick: int, tile: int) -> bool:
        """Whether the tile of that number takes a new picture at this tick."""
        relief = self.relief
        return (tick // relief.of + tile) % relief.refresh == 0

    def behind_us(self, waits_us: Sequence[int]) -> int:
        """By how much decoding is behind, of the time that each source's pictures wait for it.

        A picture's time is allowed. It is the median, for one source alone may send what takes long.
        """
        return max(0, median_low(waits_us) - int(self._period_us)) if waits_us else 0

    def worked(self, late_us: float, busy_us: float, now_us: int) -> bool:
        """Note a tick: how late it began, how long it took. Whether the level is another now."""
        relief = self.relief
        late = late_us > LATE_PART * self._period_us or busy_us > self._period_us * relief.of / relief.keep
        if late:
            self._since_us = now_us
        self._window.append((now_us, late, busy_us))
        while now_us - self._window[0][0] > WINDOW_US:
            self._window.popleft()
        self._level_us = now_us if self._level_us is None else self._level_us
        if now_us - self._level_us < WINDOW_US:
            return False
        if sum(was_late for _, was_late, _ in self._window) > MOSTLY * len(self._window):
            return self._descend(now_us)
        return self._climb(now_us)

    def _descend(self, now_us: int) -> bool:
        if self.level + 1 == len(RELIEFS):
            return False
        if self._climbed_us is not None and now_us - self._climbed_us < RELAPSE_US:
            self._calm_us = min(MAX_CALM_US, 2 * self._calm_us)
        self._change(self.level + 1, now_us)
        return True

    def _climb(self, now_us: int) -> bool:
        if self.level == 0:
            if self._climbed_us is not None and now_us - self._climbed_us > MAX_CALM_US:
                self._calm_us, self._climbed_us = CALM_US, None
            return False
        if now_us - self._since_us < self._calm_us or self._load_above(now_us) > ROOM:
            return False
        self._change(self.level - 1, now_us)
        self._climbed_us = now_us
        return True

    def _load_above(self, now_us: int) -> float:
        """The part of the time that would be worked one level up; what its pictures cost more is not known."""
        now, above = self.relief, RELIEFS[self.level - 1]
        busy_us = sum(busy_us for _, _, busy_us in self._window)
        more = (above.keep / above.of) / (now.keep / now.of)
        return more * busy_us / max(1, now_us - self._window[0][0])

    def _change(self, level: int, now_us: int) -> None:
        self.level = level
        self._level_us = self._since_us = now_us
        self._window.clear()
