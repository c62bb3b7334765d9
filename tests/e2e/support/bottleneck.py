"""A narrow line between one participant and the service: a UDP proxy with a rate and a queue that drops its tail.

The participant's offer loses its candidates and the answer names the proxy alone, so there is no way around it. What
the participant sends goes through at once; only what comes down to it is held up.
"""

import asyncio
import re
from collections import deque
from typing import Any

from playwright.async_api import Route

from tests.e2e.support.chromium import Chromium
from tests.e2e.support.waiting import LoopThread

UDP_IP_BYTES = 28
_CANDIDATE = re.compile(r"a=candidate:(\S+) 1 udp (\d+) (\d+\.\d+\.\d+\.\d+) (\d+) typ host\r\n", re.IGNORECASE)


class _End(asyncio.DatagramProtocol):
    """One socket of the proxy."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.received: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received(data, addr)


class Bottleneck:
    """As wide as wanted until ``narrow``."""

    def __init__(self) -> None:
        self.dropped = 0
        self._bps: float | None = None
        self._queue_bytes = 0
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._free_at = 0.0  # when the line has sent what was given to it
        self._server: tuple[str, int] | None = None
        self._client: tuple[str, int] | None = None
        self._thread = LoopThread("bottleneck")
        self._up, self._down = self._thread.run(self._open()), self._thread.run(self._open())
        self._down.received, self._up.received = self._from_client, self._from_server

    async def _open(self) -> _End:
        _, end = await asyncio.get_running_loop().create_datagram_endpoint(_End, local_addr=("0.0.0.0", 0))
        return end

    def narrow(self, bps: float | None, queue_bytes: int = 30_000) -> None:
        """Let through so many bits a second from now on, headers included; None for all."""
        self._bps, self._queue_bytes = bps, queue_bytes

    def close(self) -> None:
        """Close the sockets."""
        self._thread.run(self._close())
        self._thread.close()

    async def _close(self) -> None:
        for end in (self._up, self._down):
            end.transport.close()
        await asyncio.sleep(0)  # a transport lets go of its socket in the loop's next round

    # --- signalling ---------------------------------------------------------------------------------------------------

    def stand_between(self, browser: Chromium) -> None:
        """Between this browser and the service, when it joins."""
        browser.intercept("**/participants?*", self._signalled)

    async def _signalled(self, route: Route) -> None:
        offer = re.sub(r"a=candidate:.*\r\n", "", route.request.post_data or "")
        response = await route.fetch(post_data=offer)
        await route.fulfill(response=response, body=self._rewritten(await response.text()))

    def _rewritten(self, answer: str) -> str:
        found = _CANDIDATE.search(answer)
        assert found, answer
        self._server = (found[3], int(found[4]))
        port = self._down.transport.get_extra_info("sockname")[1]
        mine = f"a=candidate:{found[1]} 1 udp {found[2]} {found[3]} {port} typ host\r\n"
        first, rest = answer[: found.start()], answer[found.start() :]
        return first + mine + re.sub(r"a=candidate:.*\r\n", "", rest)

    # --- packets ------------------------------------------------------------------------------------------------------

    def _from_client(self, data: bytes, addr: tuple[str, int]) -> None:
        self._client = addr
        self._up.transport.sendto(data, self._server)

    def _from_server(self, data: bytes, _addr: tuple[str, int]) -> None:
        if self._bps is None and not self._queue:
            self._down.transport.sendto(data, self._client)
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
            self._down.transport.sendto(data, self._client)
            self._free_at += (len(data) + UDP_IP_BYTES) * 8 / self._bps if self._bps else 0
