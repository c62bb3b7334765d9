"""How unevenly a stream's packets come. Pure; times in microseconds."""

from collections import deque

_WINDOW_US = 1_250_000  # the past that decides the delay: after a bad spell it is back to normal within 2 s
_WINDOW_PACKETS = 200
_BASE_BUCKET_US = 1_000_000
_BASE_BUCKETS = 10
_LATE_SHARE = 0.03  # of packets that may come too late; concealing them is better than waiting for them
_SETTLED_PACKETS = 25
_BATCH = 8
_UNSETTLED_US = 20_000


class DelayEstimator:
    """Follows a stream's transit time, arrival minus RTP time, whose zero point is arbitrary.

    ``base_us`` is the fastest transit of the last ten seconds, so it follows clock drift and changed routes;
    ``spread_us()`` is by how much the slower packets exceed it.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[int, int]] = deque(maxlen=_WINDOW_PACKETS)  # (arrival, transit)
        self._fastest: deque[tuple[int, int]] = deque()  # (second of arrival, fastest transit in it)
        self._settling = _SETTLED_PACKETS  # packets until the measurement is trusted
        self._spread_us = _UNSETTLED_US
        self._unseen = 0  # packets since the spread was last measured
        self.base_us: int | None = None

    def note(self, rtp_us: int, arrival_us: int) -> None:
        """A packet whose first sample has the stream time ``rtp_us`` came at ``arrival_us``."""
        transit = arrival_us - rtp_us
        self._recent.append((arrival_us, transit))
        second = arrival_us // _BASE_BUCKET_US
        base_us = self.base_us
        if base_us is None or self._fastest[-1][0] != second:
            self._fastest.append((second, transit))
            base_us = self._fastest_since(second - _BASE_BUCKETS)
        elif transit < self._fastest[-1][1]:
            self._fastest[-1] = (second, transit)
            base_us = min(transit, base_us)
        self.base_us = base_us
        if self._settling:
            self._settling -= 1
        # a slow packet counts at once, the others in batches: most streams are steady and there may be a hundred
        self._unseen += _BATCH if transit - base_us > self._spread_us else 1

    def _fastest_since(self, second: int) -> int:
        while self._fastest[0][0] < second:
            self._fastest.popleft()
        return min(fastest for _, fastest in self._fastest)

    def spread_us(self, now_us: int) -> int:
        """By how much all but the slowest few of the recent packets exceed the base."""
        if self._unseen >= _BATCH and self.base_us is not None:
            self._unseen = 0
            while self._recent[0][0] < now_us - _WINDOW_US and len(self._recent) > 1:
                self._recent.popleft()
            transits = sorted([transit for _, transit in self._recent])
            slow = transits[-1 - int(len(transits) * _LATE_SHARE)] - self.base_us
            self._spread_us = max(slow, _UNSETTLED_US) if self._settling else slow
        return self._spread_us
