"""The sound's own way to a peer's socket, past the event loop.

In a full room a round of the loop takes a tenth of a second: a picture that waits for it comes late, a block of sound
becomes a hole. So the audio thread sends what it has mixed by itself. It has an SRTP session of its own, which is the
same one to the receiver: a session's state is kept by SSRC (RFC 3711, section 3.2.3), and sound and picture have
different ones.
"""

import asyncio
from collections import Counter
from typing import Any, Final

from aioice.ice import Connection

from mcu.rtc import datagrams
from mcu.rtc.srtp import Error as SrtpError
from mcu.rtc.srtp import SrtpSession

RELAY_PACKETS: Final = 10  # 200 ms of a loop that does not come to hand them to the relay; then the newest are dropped


class DirectPath:
    """See the module. ``send`` is for one thread, everything else for the loop.

    Args:
        connection: the ICE connection whose pair in use is taken.
        loop: sends what cannot go out directly: what a relay has to wrap.
    """

    def __init__(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        # Packets that were not sent, by reason. All reasons are there from the beginning: who counts on one thread
        # does not disturb who goes through them on the other.
        self.refused = Counter(dict.fromkeys(("unsent", "srtp", "socket", "relay"), 0))
        self._connection = connection
        self._loop = loop
        self._srtp: SrtpSession | None = None
        self._pair: Any = None  # the nominated pair that the next three lines belong to
        self._socket: Any = None  # None: over the loop
        self._to = b""  # the peer's address as the system takes it
        self._address: tuple[str, int] = ("", 0)
        self._outbox = datagrams.Outbox()
        self._relayed = 0  # packets on their way over the loop

    def begin(self, srtp: SrtpSession) -> None:
        """Send from now on, encrypted by that session, which nobody else uses."""
        self._srtp = srtp

    def end(self) -> None:
        """Send no more: the socket will be closed."""
        self._srtp = None

    def send(self, packet: bytes) -> bytes:
        """Encrypt and send; what does not go out is counted by reason.

        Returns:
            The datagram; empty when there is no connection.
        """
        srtp = self._srtp
        if srtp is None or not self._route():
            self.refused["unsent"] += 1
            return b""
        try:
            datagram = srtp.protect(packet)
        except SrtpError:
            self.refused["srtp"] += 1
            return b""
        if self._socket is None:
            self._relay(datagram)
        elif not self._sent(datagram):
            self.refused["socket"] += 1
        return datagram

    def _sent(self, datagram: bytes) -> bool:
        """Whether the system took it; it does not with a full buffer, a closed socket, or no address."""
        try:
            if datagrams.AVAILABLE:
                self._outbox.send(self._socket.fileno(), datagram, self._to)
            else:
                self._socket.sendto(datagram, self._address)
        except OSError:
            return False
        return True

    def _route(self) -> bool:
        """Find the socket and the address of the pair in use."""
        pair = self._connection._nominated.get(1)  # noqa: SLF001 - what Connection.send looks up
        if pair is not self._pair:
            self._socket = getattr(pair.protocol.transport, "_sock", None) if pair else None
            self._address = pair.remote_addr if pair else ("", 0)
            self._to = datagrams.packed_address(*self._address) if datagrams.AVAILABLE else b""
            self._pair = pair
        return pair is not None

    def _relay(self, datagram: bytes) -> None:
        if self._relayed >= RELAY_PACKETS:
            self.refused["relay"] += 1
            return
        self._relayed += 1
        self._loop.call_soon_threadsafe(self._hand_over, self._pair, datagram)

    def _hand_over(self, pair: Any, datagram: bytes) -> None:
        self._relayed -= 1
        if self._srtp is not None:
            pair.protocol.transport.sendto(datagram, pair.remote_addr)
        else:
            self.refused["unsent"] += 1
