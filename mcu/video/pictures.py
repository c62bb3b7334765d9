"""Decoded pictures of one source that wait for their moment."""

import threading
from collections import deque

from mcu.media import Picture


class PictureQueue:
    """A bounded queue of timestamped pictures; the tick takes the newest that is due.

    Drop policy *oldest*: when it is full, the oldest picture stops waiting and is shown at once, which drops the one
    before it. So even a source that sends faster than the queue can hold keeps moving.

    Args:
        bound: pictures held at most.
        max_bytes: bytes held at most (one picture is always held, however large).
    """

    def __init__(self, bound: int = 16, max_bytes: int = 24_000_000) -> None:
        self.overflowed = 0  # pictures that left early because the queue was full
        self.overtaken = 0  # pictures that came due together with a newer one, and were never shown
        self._bound = bound
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._pictures: deque[Picture] = deque()
        self._bytes = 0
        self._early: Picture | None = None

    def __len__(self) -> int:
        return len(self._pictures)

    def push(self, picture: Picture) -> None:
        """Queue a picture; due times should not go backwards."""
        with self._lock:
            self._pictures.append(picture)
            self._bytes += _bytes(picture)
            while len(self._pictures) > 1 and (len(self._pictures) > self._bound or self._bytes > self._max_bytes):
                self._early = self._pop()
                self.overflowed += 1

    def take(self, now_us: int) -> Picture | None:
        """The newest picture that is due at ``now_us``, None when none has come due since the last call."""
        with self._lock:
            picture, self._early = self._early, None
            while self._pictures and self._pictures[0].due_us <= now_us:
                self.overtaken += picture is not None
                picture = self._pop()
            return picture

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._pictures.clear()
            self._bytes = 0
            self._early = None

    def _pop(self) -> Picture:
        picture = self._pictures.popleft()
        self._bytes -= _bytes(picture)
        return picture


def _bytes(picture: Picture) -> int:
    return picture.y.size + picture.u.size + picture.v.size
