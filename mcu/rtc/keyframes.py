"""When to ask a sender for a keyframe. Pure: time is an argument.

A picture loss indication (RFC 4585, section 6.3.1) makes the sender send what is ten times a frame. Who asks again
before that can have come through a narrow line fills the line with keyframes, none of which ever arrives whole.
"""

FIRST_INTERVAL_US, MAX_INTERVAL_US = 500_000, 4_000_000  # between two requests to one sender


class KeyframeRequests:
    """The requests to one sender: the first at once, the next at intervals that double while no keyframe comes whole.

    One that came whole shows how long it takes, and that brings the short intervals back.
    """

    def __init__(self) -> None:
        self._interval_us = FIRST_INTERVAL_US
        self._asked_us: int | None = None
        self._came = False  # a keyframe, since then

    def ask(self, now_us: int) -> bool:
        """A keyframe is wanted: whether to ask for it now."""
        if self._asked_us is not None:
            if now_us - self._asked_us < self._interval_us:
                return False
            if not self._came:
                self._interval_us = min(2 * self._interval_us, MAX_INTERVAL_US)
        self._asked_us, self._came = now_us, False
        return True

    def arrived(self, now_us: int) -> None:
        """A keyframe came whole."""
        if self._asked_us is not None and not self._came:
            self._came = True
            self._interval_us = min(max(FIRST_INTERVAL_US, 2 * (now_us - self._asked_us)), MAX_INTERVAL_US)
