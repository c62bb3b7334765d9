"""A UDP proxy between one participant and a room; what is to become of the packets on it, its kinds decide.

The participant's offer loses its candidates and the answer names the proxy alone, so there is no way around it.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Any

_CANDIDATE = re.compile(r"a=candidate:(\S+) 1 udp (\d+) (\d+\.\d+\.\d+\.\d+) (\d+) typ host\r\n", re.IGNORECASE)


class _End(asyncio.DatagramProtocol):
    """One socket of the proxy."""

    def __init__(self, received: Callable[[bytes, tuple[str, int]], None]) -> None:
        self.transport: Any = None
        self._received = received

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received(data, addr)


async def _open(received: Callable[[bytes, tuple[str, int]], None]) -> _End:
    loop = asyncio.get_running_loop()
    _, end = await loop.create_datagram_endpoint(lambda: _End(received), local_addr=("0.0.0.0", 0))
    return end


class UdpLine:
    """Lets everything through; to be opened before it is used."""

    def __init__(self) -> None:
        self._server: tuple[str, int] | None = None
        self._client: tuple[str, int] | None = None

    async def open(self) -> None:
        """Open the sockets, on the running loop."""
        self._up, self._down = await _open(self._from_server), await _open(self._from_client)

    async def close(self) -> None:
        """Close them."""
        for end in (self._up, self._down):
            end.transport.close()
        await asyncio.sleep(0)  # a transport lets go of its socket in the loop's next round

    # --- signalling ---------------------------------------------------------------------------------------------------

    @staticmethod
    def without_candidates(offer: str) -> str:
        """The offer, so that nobody calls back on another way."""
        return re.sub(r"a=candidate:.*\r\n", "", offer)

    def lead_through(self, answer: str) -> str:
        """The answer, with the proxy in the place of the room."""
        found = _CANDIDATE.search(answer)
        assert found, answer
        self._server = (found[3], int(found[4]))
        port = self._down.transport.get_extra_info("sockname")[1]
        mine = f"a=candidate:{found[1]} 1 udp {found[2]} {found[3]} {port} typ host\r\n"
        first, rest = answer[: found.start()], answer[found.start() :]
        return first + mine + self.without_candidates(rest)

    # --- packets ------------------------------------------------------------------------------------------------------

    def _from_client(self, data: bytes, addr: tuple[str, int]) -> None:
        self._client = addr
        self._send_up(data)

    def _from_server(self, data: bytes, _addr: tuple[str, int]) -> None:
        self._send_down(data)

    def _send_up(self, data: bytes) -> None:
        self._send(self._up, data, self._server)

    def _send_down(self, data: bytes) -> None:
        self._send(self._down, data, self._client)

    @staticmethod
    def _send(end: _End, data: bytes, to: tuple[str, int] | None) -> None:
        if not end.transport.is_closing():  # what was held back may come after the end
            end.transport.sendto(data, to)
