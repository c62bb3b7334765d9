"""A narrow line between one participant and the service: a rate, and a queue that drops its tail.

What the participant sends goes through at once; only what comes down to it is held up.
"""

import asyncio
from collections import deque

from playwright.async_api import Route

from tests.e2e.support.chromium import Chromium
from tests.e2e.support.udp_line import UdpLine
from tests.e2e.support.waiting import LoopThread

UDP_IP_BYTES = 28


class Bottleneck(UdpLine):
    """As wide as wanted until ``narrow``. Runs on a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0
        self._bps: float | None = None
        self._queue_bytes = 0
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._free_at = 0.0  # when the line has sent what was given to it
        self._thread = LoopThread("bottleneck")
        self._thread.run(self.open())

    def narrow(self, bps: float | None, queue_bytes: int = 30_000) -> None:
        """Let through so many bits a second from now on, headers included; None for all."""
        self._bps, self._queue_bytes = bps, queue_bytes

    def end(self) -> None:
        """Close the sockets and end the thread."""
        self._thread.run(self.close())
        self._thread.close()

    def stand_between(self, browser: Chromium) -> None:
        """Between this browser and the service, when it joins."""
        browser.intercept("**/participants?*", self._signalled)

    async def _signalled(self, route: Route) -> None:
        response = await route.fetch(post_data=self.without_candidates(route.request.post_data or ""))
        await route.fulfill(response=response, body=self.lead_through(await response.text()))

    # --- packets ------------------------------------------------------------------------------------------------------

    def _send_down(self, data: bytes) -> None:
        if self._bps is None and not self._queue:
            super()._send_down(data)
        elif self._waiting + len(data) > self._queue_bytes:
            self.dropped += 1
        else:
            self._queue.append(data)
            self._waiting += len(data)
            if len(self._queue) == 1:
                self._free_at = max(self._free_at, asyncio.get_running_loop().time())
                self._send_next()

    def _send_next(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            if self._free_at > loop.time():
                loop.call_at(self._free_at, self._send_next)
                return
            data = self._queue.popleft()
            self._waiting -= len(data)
            super()._send_down(data)
            self._free_at += (len(data) + UDP_IP_BYTES) * 8 / self._bps if self._bps else 0
