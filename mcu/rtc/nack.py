"""Which lost packets to ask for again, and when.

A packet that overtook others leaves them a moment to arrive, as long as reordering has lately been seen to take. Then
they are asked for, again and again at intervals of the round-trip time, until they come, are given up, or nobody waits
for them any more. The round-trip time is learnt from the answers themselves. Half as many are asked for as
come, no more: a line that loses because it is full is not filled with repetitions.

An answer may look like what came late by itself. What comes in less than half the time that the line takes there and
back, as reports tell it, is no answer; and if another copy comes after it, the first was none.
"""

from dataclasses import dataclass

MIN_GRACE_US, MAX_GRACE_US = 10_000, 80_000  # how long a gap may be mere reordering
MAX_TRIES = 10
MAX_MISSING = 256  # a larger hole is an outage: a keyframe mends it sooner
_FIRST_RTT_US = 100_000
_MIN_INTERVAL_US = 20_000
_SMOOTHING = 8
_REMEMBERED = 64  # packets asked for, of which more copies may come
CREDIT_SHARE, MAX_CREDIT = 0.5, 100  # packets that may be asked for: by each that comes, and at once


@dataclass(slots=True)
class _Missing:
    noticed_us: int
    due_us: int
    tries: int = 0
    first_asked_us: int = 0


class NackSchedule:
    """The missing packets of one stream; sequence numbers are unwrapped, time is an argument.

    Args:
        max_missing: a larger hole is an outage and is not mended.
        patience_us: how long after a hole was noticed its packets are of use; None while anybody waits.
    """

    def __init__(self, *, max_missing: int = MAX_MISSING, patience_us: int | None = None) -> None:
        self.rtt_us = _FIRST_RTT_US
        self.line_rtt_us: int | None = None  # by reports, for streams whose answers look like any packet
        self.grace_us = MIN_GRACE_US
        self.recovered = 0  # packets that came after they were asked for
        self.abandoned = 0  # packets no longer asked for although they never came
        self._max_missing = max_missing
        self._patience_us = patience_us
        self._samples = 1  # of the round-trip time, with the one assumed
        self._missing: dict[int, _Missing] = {}
        self._answerable: dict[int, int] = {}  # asked for, not missing any more, and what grace would have saved asking
        self._newest: int | None = None
        self._credit: float = MAX_CREDIT

    def received(self, sequence: int, now_us: int, *, original: bool = False) -> bool:
        """Note a packet; False when it opened a hole too large to mend (which is then forgotten).

        ``original`` says that it is certainly no answer to a request.
        """
        self._credit = min(MAX_CREDIT, self._credit + CREDIT_SHARE)
        if self._newest is None:
            self._newest = sequence
        if sequence <= self._newest:
            self._arrived_late(sequence, now_us, original=original)
            return True
        hole = range(self._newest + 1, sequence)
        self._newest = sequence
        if len(self._missing) + len(hole) > self._max_missing:
            self.abandoned += len(self._missing) + len(hole)
            self._missing.clear()
            return False
        for lost in hole:
            self._missing[lost] = _Missing(now_us, now_us + self.grace_us)
        return True

    def came_in_order(self, newest: int) -> None:
        """Note at once all packets up to ``newest``, for who notes others than the expected ones by themselves."""
        if self._newest is not None and newest > self._newest:
            self._credit = min(MAX_CREDIT, self._credit + CREDIT_SHARE * (newest - self._newest))
        if self._newest is None or newest > self._newest:
            self._newest = newest

    def came_otherwise(self, sequence: int) -> None:
        """That packet is not missing any more, and not by an answer."""
        self._missing.pop(sequence, None)

    def answered(self, sequence: int, now_us: int) -> bool:
        """Whether that packet is missing, has been asked for, and may come because of that."""
        missing = self._missing.get(sequence)
        if missing is None or not missing.tries:
            return False
        return now_us - missing.first_asked_us >= (self.line_rtt_us or 0) // 2

    def doubled(self, sequence: int) -> bool:
        """Whether that packet was asked for, and came already or was given up."""
        return sequence in self._answerable

    def premature(self, sequence: int) -> bool:
        """Whether a packet that is ``doubled`` was never lost: it came after a single request, so one came by itself.

        Told once for each; next time there is more patience.
        """
        grace_us = self._answerable.get(sequence, 0)
        if not grace_us:
            return False
        self._answerable[sequence] = 0
        self.grace_us = max(self.grace_us, grace_us)
        return True

    def _arrived_late(self, sequence: int, now_us: int, *, original: bool) -> None:
        missing = self._missing.pop(sequence, None)
        if missing is None:
            return
        if original or not missing.tries:
            late_us = (now_us - missing.noticed_us) * 5 // 4
            self.grace_us = max(self.grace_us, min(late_us, MAX_GRACE_US))
            if missing.tries:
                self._remember(sequence, 0)
            return
        self.recovered += 1
        self.grace_us -= (self.grace_us - MIN_GRACE_US) // _SMOOTHING
        if missing.tries == 1:
            sample_us = now_us - missing.first_asked_us
            self._samples = min(self._samples + 1, _SMOOTHING)
            self.rtt_us += (sample_us - self.rtt_us) // self._samples
        late_us = (now_us - missing.noticed_us) * 5 // 4
        self._remember(sequence, min(late_us, MAX_GRACE_US) if missing.tries == 1 else 0)

    def _remember(self, sequence: int, grace_us: int) -> None:
        self._answerable[sequence] = grace_us
        if len(self._answerable) > _REMEMBERED:
            del self._answerable[next(iter(self._answerable))]

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
        asked: list[int] = []
        for sequence in [sequence for sequence, missing in self._missing.items() if missing.due_us <= now_us]:
            missing = self._missing[sequence]
            if missing.tries == MAX_TRIES or self._is_over(missing, now_us):
                del self._missing[sequence]
                self.abandoned += 1
                if missing.tries:
                    self._remember(sequence, 0)
                continue
            missing.due_us = now_us + max(_MIN_INTERVAL_US, max(self.rtt_us, self.line_rtt_us or 0) * 5 // 4)
            if self._credit >= 1:
                self._credit -= 1
                missing.tries += 1
                missing.first_asked_us = missing.first_asked_us or now_us
                asked.append(sequence)
        return asked

    def _is_over(self, missing: _Missing, now_us: int) -> bool:
        """Whether nobody would wait for the answer."""
        return self._patience_us is not None and now_us - missing.noticed_us >= self._patience_us

    def next_due_us(self) -> int | None:
        """When ``due`` has something to say next; None while nothing is missing."""
        return min((missing.due_us for missing in self._missing.values()), default=None)
