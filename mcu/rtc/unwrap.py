"""Counters that wrap on the wire, made endless."""


class Unwrapper:
    """Turns a counter of ``bits`` bits into an endless one.

    A value is taken to lie within half the range of the newest seen, so reordered packets get their true place and a
    jump of any size is survived. Values before the first one seen may be negative.
    """

    def __init__(self, bits: int) -> None:
        self._range = 1 << bits
        self._half = self._range >> 1
        self._newest: int | None = None

    def unwrap(self, value: int) -> int:
        """The endless value of ``value``, which may become the newest."""
        unwrapped = self.peek(value)
        if self._newest is None or unwrapped > self._newest:
            self._newest = unwrapped
        return unwrapped

    def peek(self, value: int) -> int:
        """The endless value of ``value``; nothing is remembered."""
        if self._newest is None:
            return value
        forward = (value - self._newest) % self._range
        return self._newest + (forward if forward < self._half else forward - self._range)
