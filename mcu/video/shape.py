"""What shape a source counts as. Pure."""

from collections import deque

CHANGES, WINDOW_US = 3, 10_000_000  # so many within so long; a phone is not turned more often
_SAME = 0.02  # relative difference of aspects that no layout would show


class Shape:
    """Follows the pictures' width by height, but nobody who keeps changing it: all tiles move with it."""

    def __init__(self) -> None:
        self.aspect = 16 / 9  # kept to shapes that a layout can do something with
        self.refused = 0  # pictures of another shape, too soon
        self._changed_us: deque[int] = deque(maxlen=CHANGES)

    def note(self, width: int, height: int, now_us: int) -> None:
        """A picture of that size has come."""
        aspect = min(8.0, max(1 / 8, width / height))
        if abs(aspect - self.aspect) <= _SAME * self.aspect:
            return
        if len(self._changed_us) == CHANGES and now_us - self._changed_us[0] < WINDOW_US:
            self.refused += 1
            return
        self._changed_us.append(now_us)
        self.aspect = aspect
