"""The gate between the open socket and the stacks behind it.

Anybody can send datagrams to a peer's port. aioice and aiortc were not written for that: an empty datagram, or one over
1500 bytes that looks like RTP, ends their receive loop and with it the connection, and everything else is parsed before
anybody asks where it came from. So every socket of a connection is guarded here, and only here: what cannot be meant
for us is dropped at once and counted by reason; media skips their queue.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from aioice.ice import Connection, StunProtocol

from mcu.rtc import datagrams
from mcu.rtc.budget import TokenBucket
from mcu.rtc.sdp import MAX_CANDIDATES

MIN_BYTES, MAX_BYTES = 12, 1500
MAX_QUEUED = 64  # DTLS datagrams that wait for their stack; more are dropped, DTLS sends again
MEDIA_INTERVAL_US, MEDIA_BURST = 250, 2000  # 4000 packets a second: some 40 Mbps, ten times what we ask a sender for
STUN_INTERVAL_US, STUN_BURST = 10_000, 100  # questions: browsers ask 20 a second while connecting, then one in seconds
DTLS_INTERVAL_US, DTLS_BURST = 100_000, 20  # once connected there is only a farewell to come
MAX_AT_ONCE = 64  # datagrams of one socket, then it is the others' turn
MAX_ADDRESSES = 2 * MAX_CANDIDATES  # of one peer: as many as it may name, and as many again that show by themselves

_COOKIE = b"\x21\x12\xa4\x42"  # of every STUN message (RFC 8489)
_STUN_HEADER_BYTES = 20
_RESPONSE_BIT = 0x01  # of the first byte: success and error responses have it, requests do not
_log = logging.getLogger(__name__)


class _Own(threading.local):
    """What each thread has for itself: one inbox serves all sockets of a loop."""

    def __init__(self) -> None:
        self.inbox = datagrams.Inbox(MAX_AT_ONCE, MAX_BYTES + 1)


_own = _Own()


class Gate:
    """Sorts the datagrams of one ICE connection by their first byte (RFC 7983).

    Args:
        connection: the connection; its queue is bounded from now on.
        on_media: takes RTP and RTCP datagrams, still encrypted, from the peer's addresses.
        now_us: any clock that does not jump.

    Drop reasons: ``size``, ``kind`` (no protocol of ours), ``stranger`` (media or DTLS from an address the peer does
    not have), ``stun`` (no answer to us, and no question by the peer), ``flood`` (queue full), ``media_rate``,
    ``stun_rate`` and ``dtls_rate`` (more than anybody needs), ``addresses`` (a question from one too many),
    ``malformed`` (the stack choked on it).
    """

    def __init__(
        self,
        connection: Connection,
        on_media: Callable[[bytes], None],
        now_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000,
    ) -> None:
        self.drops: Counter[str] = Counter()
        self.connected = False  # DTLS stands: from now on only the peer is listened to
        self.heard = 0  # datagrams that came through
        self._connection = connection
        self._on_media = on_media
        self._now_us = now_us
        self._media = TokenBucket(MEDIA_INTERVAL_US, MEDIA_BURST)
        self._stun = TokenBucket(STUN_INTERVAL_US, STUN_BURST)
        self._dtls = TokenBucket(DTLS_INTERVAL_US, DTLS_BURST)
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

        def take(data: bytes, addr: tuple[Any, ...]) -> None:
            try:
                self._sort(data, (addr[0], addr[1]), protocol, parse_stun)
            except Exception:  # noqa: BLE001 - see the next line
                # The code behind the gate is not ours and the datagram is anybody's: whatever it raises ends here.
                if not self.drops["malformed"]:
                    _log.warning("a datagram could not be handled", exc_info=True)
                self.drops["malformed"] += 1

        protocol.datagram_received = take  # type: ignore[method-assign,assignment]  # as above
        self._read(protocol, take)

    def _read(self, protocol: StunProtocol, take: Callable[[bytes, tuple[str, int]], None]) -> None:
        """Take what waits in a socket in asyncio's place, which takes one datagram in a round of its loop.

        With a hundred participants that is some 100 rounds a second, and a camera sends 150 packets: they waited in the
        kernel for seconds, and the answers that show that the peer is still there with them.
        """
        raw = getattr(protocol.transport, "_sock", None)  # a relay's has none
        if raw is None or not datagrams.AVAILABLE:
            return
        number, inbox = raw.fileno(), _own.inbox

        def read() -> None:
            for data, sender in inbox.take(number):
                take(data, sender)

        # The public add_reader refuses sockets that have a transport. Closing the transport ends this too.
        asyncio.get_running_loop()._add_reader(number, read)  # type: ignore[attr-defined]  # noqa: SLF001 - see above

    def _sort(
        self,
        data: bytes,
        address: tuple[str, int],
        protocol: StunProtocol,
        parse_stun: Callable[[bytes, tuple[str, int]], None],
    ) -> None:
        refusal = self._refusal(data, address, protocol)
        if refusal is not None:
            self.drops[refusal] += 1
        elif _is_dtls(data):
            self._queue(data, protocol.local_candidate.component)
        else:
            self.heard += 1
            if _is_media(data):
                self._on_media(data)
            else:
                parse_stun(data, address)

    def _refusal(self, data: bytes, address: tuple[str, int], protocol: StunProtocol) -> str | None:
        """Why a datagram is dropped; None when it is wanted."""
        if not MIN_BYTES <= len(data) <= MAX_BYTES:
            return "size"
        if _is_media(data):
            return self._media_refusal(address)
        if _is_dtls(data):
            return self._dtls_refusal(address)
        return self._stun_refusal(data, address, protocol) if data[0] < 4 else "kind"  # noqa: PLR2004 - RFC 7983

    def _media_refusal(self, address: tuple[str, int]) -> str | None:
        if not (address in self._addresses or self._is_peer(address)):
            return "stranger"
        return None if self._media.take(self._now_us()) else "media_rate"

    def _dtls_refusal(self, address: tuple[str, int]) -> str | None:
        """A stranger's hello would begin the one handshake there is; the peer asks by STUN before it says hello."""
        if not self._is_peer(address):
            return "stranger"
        return "dtls_rate" if self.connected and not self._dtls.take(self._now_us()) else None

    def _is_peer(self, address: tuple[str, int]) -> bool:
        candidates = self._connection._remote_candidates  # noqa: SLF001 - grows while connecting; no event tells
        if len(candidates) != self._candidates_seen:
            self._candidates_seen = len(candidates)
            self._addresses = {(c._network_host, c.port) for c in candidates}  # noqa: SLF001 - mDNS names resolved
        return address in self._addresses

    def _stun_refusal(self, data: bytes, address: tuple[str, int], protocol: StunProtocol) -> str | None:
        """Why a STUN message is dropped unparsed; None when it is wanted."""
        if len(data) < _STUN_HEADER_BYTES or data[4:8] != _COOKIE:
            return "stun"
        if data[0] & _RESPONSE_BIT:
            return None if data[8:_STUN_HEADER_BYTES] in protocol.transactions else "stun"
        if self._username not in data:
            return "stun"
        if not self._is_peer(address) and self._candidates_seen >= MAX_ADDRESSES:
            return "addresses"  # each would be checked in its turn, for ever
        return None if self._stun.take(self._now_us()) else "stun_rate"

    def _queue(self, data: bytes, component: int) -> None:
        queue = self._connection._queue  # noqa: SLF001 - unbounded in aioice
        if not MIN_BYTES <= len(data) <= MAX_BYTES:
            self.drops["size"] += 1
        elif queue.qsize() >= MAX_QUEUED:
            self.drops["flood"] += 1
        else:
            self.heard += 1
            queue.put_nowait((data, component))


def _is_media(data: bytes) -> bool:
    return 128 <= data[0] < 192  # noqa: PLR2004 - RFC 7983


def _is_dtls(data: bytes) -> bool:
    return 20 <= data[0] < 64  # noqa: PLR2004 - RFC 7983
