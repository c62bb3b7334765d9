"""When a keyframe asked for may be made: the first request at once, those that follow gathered into one."""

import threading


class KeyframeLimiter:
    """Gathers keyframe requests from any thread and lets the encoder's thread serve them at a bounded rate.

    Args:
        interval_us: shortest time between two keyframes made on request.
    """

    def __init__(self, interval_us: int = 500_000) -> None:
        self.requests = 0  # asked for so far
        self._interval_us = interval_us
        self._lock = threading.Lock()
        self._wanted = False
        self._last_us: int | None = None  # when the last keyframe was made, on request or not

    def request(self) -> None:
        """Somebody needs a keyframe."""
        with self._lock:
            self.requests += 1
            self._wanted = True

    def due(self, now_us: int) -> bool:
        """Whether the frame to be encoded now should be a keyframe."""
        early = self._last_us is not None and now_us - self._last_us < self._interval_us
        return self._wanted and not early

    def made(self, now_us: int) -> None:
        """A keyframe was made: it serves everybody who has asked so far."""
        with self._lock:
            self._wanted = False
            self._last_us = now_us
