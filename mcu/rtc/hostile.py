"""The gate between the open socket and the stacks behind it.

Anybody can send datagrams to a peer's port. aioice and aiortc were not written for that: an empty datagram, or one over
1500 bytes that looks like RTP, ends their receive loop and with it the connection, and everything else is parsed before
anybody asks where it came from. So every socket of a connection is guarded here, and only here: what cannot be meant
for us is dropped at once and counted by reason; media skips their queue.
"""

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from aioice.ice import Connection, StunProtocol

MIN_BYTES, MAX_BYTES = 12, 1500
MAX_QUEUED = 64  # DTLS datagrams that wait for their stack; more are dropped, DTLS sends again

_COOKIE = b"\x21\x12\xa4\x42"  # of every STUN message (RFC 8489)
_STUN_HEADER_BYTES = 20
_RESPONSE_BIT = 0x01  # of the first byte: success and error responses have it, requests do not
_log = logging.getLogger(__name__)


class Gate:
    """Sorts the datagrams of one ICE connection by their first byte (RFC 7983).

    Args:
        connection: the connection; its queue is bounded from now on.
        on_media: takes RTP and RTCP datagrams, still encrypted, from the peer's addresses.

    Drop reasons: ``size``, ``kind`` (no protocol of ours), ``stranger`` (media, or DTLS once connected, from an address
    the peer does not have), ``stun`` (no answer to us, and no question by the peer), ``flood`` (queue full),
    ``malformed`` (the stack choked on it).
    """

    def __init__(self, connection: Connection, on_media: Callable[[bytes], None]) -> None:
        self.drops: Counter[str] = Counter()
        self.connected = False  # DTLS stands: from now on only the peer is listened to
        self.heard = 0  # datagrams that came through
        self._connection = connection
        self._on_media = on_media
        self._addresses: set[tuple[str, int]] = set()
        self._candidates_seen = -1
        self._username = f"{connection.local_username}:".encode()
        connection.data_received = self._queue  # type: ignore[method-assign]  # the one place where aioice is bent

    def guard_sockets(self) -> None:
        """Put the gate before every socket opened so far; call it when candidates are gathered."""
        for protocol in self._connection._protocols:  # noqa: SLF001 - aioice has no public way in
            self._guard(protocol)

    def _guard(self, protocol: StunProtocol) -> None:
        parse_stun = protocol.datagram_received

        def datagram_received(data: bytes, addr: tuple[Any, ...]) -> None:
            try:
                self._sort(data, (addr[0], addr[1]), protocol, parse_stun)
            except Exception:  # noqa: BLE001 - see the next line
                # The code behind the gate is not ours and the datagram is anybody's: whatever it raises ends here.
                if not self.drops["malformed"]:
                    _log.warning("a datagram could not be handled", exc_info=True)
                self.drops["malformed"] += 1

        protocol.datagram_received = datagram_received  # type: ignore[method-assign,assignment]  # as above

    def _sort(
        self,
        data: bytes,
        address: tuple[str, int],
        protocol: StunProtocol,
        parse_stun: Callable[[bytes, tuple[str, int]], None],
    ) -> None:
        if not MIN_BYTES <= len(data) <= MAX_BYTES:
            self.drops["size"] += 1
            return
        first = data[0]
        if 128 <= first < 192:  # noqa: PLR2004 - RFC 7983
            if address in self._addresses or self._is_peer(address):
                self.heard += 1
                self._on_media(data)
            else:
                self.drops["stranger"] += 1
        elif 20 <= first < 64:  # noqa: PLR2004 - RFC 7983
            if self.connected and not self._is_peer(address):
                self.drops["stranger"] += 1
            else:
                self._queue(data, protocol.local_candidate.component)
        elif first < 4:  # noqa: PLR2004 - RFC 7983
            if self._is_wanted_stun(data, protocol):
                self.heard += 1
                parse_stun(data, address)
            else:
                self.drops["stun"] += 1
        else:
            self.drops["kind"] += 1

    def _is_peer(self, address: tuple[str, int]) -> bool:
        candidates = self._connection._remote_candidates  # noqa: SLF001 - grows while connecting; no event tells
        if len(candidates) != self._candidates_seen:
            self._candidates_seen = len(candidates)
            self._addresses = {(c._network_host, c.port) for c in candidates}  # noqa: SLF001 - mDNS names resolved
        return address in self._addresses

    def _is_wanted_stun(self, data: bytes, protocol: StunProtocol) -> bool:
        if len(data) < _STUN_HEADER_BYTES or data[4:8] != _COOKIE:
            return False
        if data[0] & _RESPONSE_BIT:
            return data[8:_STUN_HEADER_BYTES] in protocol.transactions
        return self._username in data

    def _queue(self, data: bytes, component: int) -> None:
        queue = self._connection._queue  # noqa: SLF001 - unbounded in aioice
        if not MIN_BYTES <= len(data) <= MAX_BYTES:
            self.drops["size"] += 1
        elif queue.qsize() >= MAX_QUEUED:
            self.drops["flood"] += 1
        else:
            self.heard += 1
            queue.put_nowait((data, component))
