"""How much longer sound waits for lost packets that are sent again. Pure; times in microseconds."""

from collections import deque

LATENESS_US = 175_000  # what is waited for: with a packet and the tick's margin, a delay of 200 ms
HOLD_US = 1_800_000  # after the last repair; 0.2 s later the delay is the usual one
_PATIENCE_US = 1_000_000  # for so long it is raised in pauses of speech alone, then anywhere
_MANY, _MANY_WITHIN_US = 4, 1_000_000  # losses; at 2 % it is rare


class RepairDelay:
    """Whether to wait for repaired packets.

    Not for single losses now and then: in-band FEC mends most of them, and to change the delay costs more than the
    others do (PESQ 0.4 to 0.7, in pauses of speech 0.2 to 0.5). But when something had to be made up for one of two
    neighbours, or when losses are many. Then for all that is ever waited for, without any change while losses go on.
    """

    def __init__(self) -> None:
        self._last: tuple[int, bool] | None = None  # sequence number of the last one, and whether it came too late
        self._recent_us: deque[int] = deque([-_MANY_WITHIN_US] * _MANY, maxlen=_MANY)
        self.until_us = 0  # so long repairs are waited for that are late by ``LATENESS_US``
        self.patient_until_us = 0  # so long the delay is changed in pauses only

    def note(self, sequence: int, lateness_us: int, arrival_us: int, *, missed: bool) -> None:
        """A packet was repaired.

        Args:
            sequence: its number.
            lateness_us: by how much later it came than the fastest packets do.
            arrival_us: when it came.
            missed: whether something has been made up in its place.
        """
        if lateness_us > LATENESS_US:
            return
        self._recent_us.append(arrival_us)
        if arrival_us < self.until_us:
            self.until_us = arrival_us + HOLD_US
        elif self._in_burst(sequence, missed=missed) or arrival_us - self._recent_us[0] < _MANY_WITHIN_US:
            self.until_us = arrival_us + HOLD_US
            self.patient_until_us = arrival_us + _PATIENCE_US
        self._last = (sequence, missed)

    def _in_burst(self, sequence: int, *, missed: bool) -> bool:
        if self._last is None:
            return False
        neighbour, neighbour_missed = self._last
        return abs(sequence - neighbour) == 1 and (missed or neighbour_missed)
