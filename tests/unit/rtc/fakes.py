"""Stand-ins with virtual time for the loop and the transport."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from mcu.clock import MediaClock
from mcu.rtc.negotiate import AnswerLine, negotiate
from mcu.rtc.sdp import parse_offer
from tests.unit.rtc.test_sdp import CHROMIUM


class Handle:
    """A timer that can be cancelled."""

    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """As much of an event loop as timers need; time moves by ``run`` alone."""

    def __init__(self) -> None:
        self.now_us = 0
        self.wakes = 0
        self._timers: list[tuple[int, int, Handle, Callable[..., None], tuple[Any, ...]]] = []
        self._order = itertools.count()

    def clock(self) -> MediaClock:
        return MediaClock(
            start_monotonic_ns=0, start_wall_us=1_000_000_000_000, monotonic_ns=lambda: self.now_us * 1000
        )

    def time(self) -> float:
        return self.now_us / 1_000_000

    def is_closed(self) -> bool:
        return False

    def call_later(self, delay_s: float, call: Callable[..., None], *args: Any) -> Handle:
        handle = Handle()
        due_us = self.now_us + round(delay_s * 1_000_000)
        heapq.heappush(self._timers, (due_us, next(self._order), handle, call, args))
        return handle

    def call_soon_threadsafe(self, call: Callable[..., None], *args: Any) -> Handle:
        self.wakes += 1
        return self.call_later(0, call, *args)

    def run(self, for_us: int = 0) -> None:
        end_us = self.now_us + for_us
        while self._timers and self._timers[0][0] <= end_us:
            due_us, _, handle, call, args = heapq.heappop(self._timers)
            self.now_us = max(self.now_us, due_us)
            if not handle.cancelled:
                call(*args)
        self.now_us = end_us


class Wire:
    """A transport that keeps what is sent, with the time."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.congested = False
        self.sound = self  # what is sent past the loop is kept in the same list
        self.rtp: list[tuple[int, bytes]] = []
        self.rtcp: list[tuple[int, bytes]] = []

    def send_rtp(self, packet: bytes) -> None:
        self.rtp.append((self.loop.now_us, packet))

    def send(self, packet: bytes) -> bytes:
        self.send_rtp(packet)
        return packet

    def send_datagram(self, datagram: bytes) -> None:
        self.send_rtp(datagram)

    def send_many(self, packets: Sequence[bytes]) -> None:
        for packet in packets:
            self.send_rtp(packet)

    def send_rtcp(self, packet: bytes) -> None:
        self.rtcp.append((self.loop.now_us, packet))


def chromium_line(role: str) -> AnswerLine:
    """A line as agreed on with a Chromium."""
    return next(line for line in negotiate(parse_offer(CHROMIUM)).lines if line.role == role)
