"""Tracks of a stock aiortc participant that send what was encoded beforehand."""

import asyncio
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import Packet


class Unbroken(MediaStreamTrack):
    """Encoded packets, over and over: sending them costs next to nothing, however busy the machine is.

    Packet ``n`` is handed out at ``start + n / rate_hz``, or late, but none is left out: a decoder needs them all.
    """

    def __init__(self, kind: str, start: float, packets: Sequence[bytes], rate_hz: int, clock_rate_hz: int) -> None:
        super().__init__()
        self.kind = kind
        self._start = start
        self._packets = packets
        self._rate_hz = rate_hz
        self._clock_rate_hz = clock_rate_hz
        self._next = 0

    async def recv(self) -> "Packet[Any]":  # senders take packets as well as frames
        if self.readyState != "live":
            raise MediaStreamError
        n, self._next = self._next, self._next + 1
        await asyncio.sleep(max(0.0, self._start + n / self._rate_hz - time.monotonic()))
        packet = Packet(self._packets[n % len(self._packets)])
        packet.pts = n * (self._clock_rate_hz // self._rate_hz)
        packet.time_base = Fraction(1, self._clock_rate_hz)
        return packet
