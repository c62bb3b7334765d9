"""Which lost packets to ask for again, and when.

A packet that overtook others leaves them a moment to arrive, as long as reordering has lately been seen to take. Then
they are asked for, again and again at intervals of the round-trip time, until they come, are given up, or nobody waits
for them any more. The round-trip time is learnt from the answers themselves.
"""

from dataclasses import dataclass

MIN_GRACE_US, MAX_GRACE_US = 10_000, 80_000  # how long a gap may be mere reordering
MAX_TRIES = 10
MAX_MISSING = 256  # a larger hole is an outage: a keyframe mends it sooner
_FIRST_RTT_US = 100_000
_MIN_INTERVAL_US = 20_000
_SMOOTHING = 8


@dataclass(slots=True)
class _Missing:
    noticed_us: int
    due_us: int
    tries: int = 0
    asked_us: int = 0


class NackSchedule:
    """The missing packets of one stream; sequence numbers are unwrapped, time is an argument."""

    def __init__(self) -> None:
        self.rtt_us = _FIRST_RTT_US
        self.grace_us = MIN_GRACE_US
        self.recovered = 0  # packets that came after they were asked for
        self.abandoned = 0  # packets no longer asked for although they never came
        self._missing: dict[int, _Missing] = {}
        self._newest: int | None = None

    def received(self, sequence: int, now_us: int, *, original: bool = False) -> bool:
        """Note a packet; False when it opened a hole too large to mend (which is then forgotten).

        ``original`` says that it is certainly no answer to a request.
        """
        if self._newest is None:
            self._newest = sequence
        if sequence <= self._newest:
            self._arrived_late(sequence, now_us, original=original)
            return True
        hole = range(self._newest + 1, sequence)
        self._newest = sequence
        if len(self._missing) + len(hole) > MAX_MISSING:
            self.abandoned += len(self._missing) + len(hole)
            self._missing.clear()
            return False
        for lost in hole:
            self._missing[lost] = _Missing(now_us, now_us + self.grace_us)
        return True

    def _arrived_late(self, sequence: int, now_us: int, *, original: bool) -> None:
        missing = self._missing.pop(sequence, None)
        if missing is None:
            return
        if original or not missing.tries:
            late_us = (now_us - missing.noticed_us) * 5 // 4
            self.grace_us = max(self.grace_us, min(late_us, MAX_GRACE_US))
            return
        self.recovered += 1
        self.grace_us -= (self.grace_us - MIN_GRACE_US) // _SMOOTHING
        if missing.tries == 1:
            sample_us = now_us - missing.asked_us
            self.rtt_us += (sample_us - self.rtt_us) // _SMOOTHING

    def forget_before(self, sequence: int) -> None:
        """Nobody waits for packets before ``sequence`` any more."""
        while self._missing:
            oldest = next(iter(self._missing))
            if oldest >= sequence:
                return
            del self._missing[oldest]
            self.abandoned += 1

    def due(self, now_us: int) -> list[int]:
        """The packets to ask for now, in order."""
        lost = [sequence for sequence, missing in self._missing.items() if missing.due_us <= now_us]
        for sequence in lost:
            missing = self._missing[sequence]
            if missing.tries == MAX_TRIES:
                del self._missing[sequence]
                self.abandoned += 1
                continue
            missing.tries += 1
            missing.asked_us = now_us
            missing.due_us = now_us + max(_MIN_INTERVAL_US, self.rtt_us * 5 // 4)
        return [sequence for sequence in lost if sequence in self._missing]

    def next_due_us(self) -> int | None:
        """When ``due`` has something to say next; None while nothing is missing."""
        return min((missing.due_us for missing in self._missing.values()), default=None)
