"""What long commands show on a terminal."""

import time
from collections.abc import Callable
from typing import Self, TextIO

_BAR = 30  # characters
_REFRESH_S = 0.1


class ProgressBar:
    """A line on a terminal that fills up; elsewhere (a log, a pipe) nothing."""

    def __init__(self, stream: TextIO, now_s: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now_s = now_s
        self._shows = stream.isatty()
        self._began_s = self._drawn_s = now_s()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shows:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def show(self, part: float) -> None:
        """Draw it, ten times a second at most."""
        now_s = self._now_s()
        if not self._shows or now_s - self._drawn_s < _REFRESH_S:
            return
        self._drawn_s = now_s
        filled = int(part * _BAR)
        left_s = (now_s - self._began_s) * (1 - part) / part if part > 0 else 0
        bar = "#" * filled + "-" * (_BAR - filled)
        self._stream.write(f"\r[{bar}] {part:4.0%}  {left_s:.0f} s left\x1b[K")
        self._stream.flush()


class ProgressLine:
    """A line on a terminal that says what is being done; elsewhere nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shows = stream.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.show("")

    def show(self, what: str) -> None:
        """Say this in place of what was said before."""
        if self._shows:
            self._stream.write(f"\r{what}\x1b[K")
            self._stream.flush()
