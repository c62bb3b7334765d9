"""How often somebody may do something."""


class TokenBucket:
    """``burst`` at once, then one every ``interval_us``; time is an argument."""

    def __init__(self, interval_us: float, burst: int) -> None:
        self.refused = 0  # requests that found the bucket empty
        self._interval_us = interval_us
        self._burst = burst
        self._tokens = float(burst)
        self._filled_us: int | None = None

    def take(self, now_us: int, cost: int = 1) -> bool:
        """Whether one more, or one that counts for ``cost``, is allowed at ``now_us``."""
        if self._filled_us is not None:
            gained = (now_us - self._filled_us) / self._interval_us
            self._tokens = min(self._burst, self._tokens + gained)
        self._filled_us = now_us
        if self._tokens < cost:
            self.refused += 1
            return False
        self._tokens -= cost
        return True
