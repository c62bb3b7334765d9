"""A narrow line between one participant and the service: a rate, and a queue that drops its tail, each way."""

import asyncio
from collections import deque
from collections.abc import Callable

from playwright.async_api import Page, Route

from tests.e2e.support.chromium import Chromium
from tests.e2e.support.udp_line import UdpLine
from tests.e2e.support.waiting import LoopThread

UDP_IP_BYTES = 28
QUEUE_BYTES = 30_000


class _Way:
    """One direction: as wide as wanted until it is given a rate."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self.dropped = 0
        self.bps: float | None = None
        self.queue_bytes = QUEUE_BYTES
        self._send = send
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._free_at = 0.0  # when the line has sent what was given to it

    def take(self, data: bytes) -> None:
        if self.bps is None and not self._queue:
            self._send(data)
        elif self._waiting + len(data) > self.queue_bytes:
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
            self._send(data)
            self._free_at += (len(data) + UDP_IP_BYTES) * 8 / self.bps if self.bps else 0


class Bottleneck(UdpLine):
    """As wide as wanted until ``narrow``. Runs on a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self._up_way, self._down_way = _Way(super()._send_up), _Way(super()._send_down)
        self._thread = LoopThread("bottleneck")
        self._thread.run(self.open())

    def narrow(self, bps: float | None, queue_bytes: int = QUEUE_BYTES) -> None:
        """Let through so many bits a second to the participant from now on, headers included; None for all."""
        self._down_way.bps, self._down_way.queue_bytes = bps, queue_bytes

    def narrow_up(self, bps: float | None, queue_bytes: int = QUEUE_BYTES) -> None:
        """As ``narrow``, for what the participant sends."""
        self._up_way.bps, self._up_way.queue_bytes = bps, queue_bytes

    def end(self) -> None:
        """Close the sockets and end the thread."""
        self._thread.run(self.close())
        self._thread.close()

    def stand_between(self, browser: Chromium) -> None:
        """Between this browser and the service, when it joins."""
        browser.intercept("**/participants?*", self._signalled)

    async def stand_before(self, page: Page) -> None:
        """As ``stand_between``, for the service's own page, whose later candidates lead nowhere."""
        await page.route("**/participants?*", self._signalled)
        await page.route("**/participants/*", _keep_candidates)

    async def _signalled(self, route: Route) -> None:
        response = await route.fetch(post_data=self.without_candidates(route.request.post_data or ""))
        await route.fulfill(response=response, body=self.lead_through(await response.text()))

    # --- packets ------------------------------------------------------------------------------------------------------

    def _send_up(self, data: bytes) -> None:
        self._up_way.take(data)

    def _send_down(self, data: bytes) -> None:
        self._down_way.take(data)


async def _keep_candidates(route: Route) -> None:
    if route.request.method == "PATCH":
        await route.fulfill(status=204)
    else:
        await route.continue_()
