"""Tracks of a stock aiortc participant that send what was encoded beforehand."""

import asyncio
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import Packet


class Paced(MediaStreamTrack):
    """Unit ``n`` is handed out at ``start + n · period``; those that nobody asked for in time are left out."""

    def __init__(self, start: float, period_s: Fraction) -> None:
        super().__init__()
        self._start = start
        self._period_s = period_s
        self._next = 0

    async def _turn(self) -> int:
        if self.readyState != "live":
            raise MediaStreamError
        n = max(self._next, int((time.monotonic() - self._start) / self._period_s))
        self._next = n + 1
        await asyncio.sleep(max(0.0, self._start + float(n * self._period_s) - time.monotonic()))
        return n


class Loop(Paced):
    """Encoded packets, over and over: sending them costs next to nothing, however busy the machine is."""

    def __init__(self, kind: str, start: float, packets: Sequence[bytes], rate_hz: int, clock_rate_hz: int) -> None:
        super().__init__(start, Fraction(1, rate_hz))
        self.kind = kind
        self._packets = packets
        self._ticks = clock_rate_hz // rate_hz
        self._clock_rate_hz = clock_rate_hz

    async def recv(self) -> "Packet[Any]":  # senders take packets as well as frames
        n = await self._turn()
        packet = Packet(self._packets[n % len(self._packets)])
        packet.pts, packet.time_base = n * self._ticks, Fraction(1, self._clock_rate_hz)
        return packet


class Unbroken(Loop):
    """Leaves out none, whatever comes late: a decoder needs them all."""

    async def _turn(self) -> int:
        if self.readyState != "live":
            raise MediaStreamError
        n, self._next = self._next, self._next + 1
        await asyncio.sleep(max(0.0, self._start + float(n * self._period_s) - time.monotonic()))
        return n
