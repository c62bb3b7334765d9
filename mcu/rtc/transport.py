"""The path to one peer: ICE and DTLS from aiortc's own building blocks, SRTP straight to the socket and back.

One bundled transport carries everything. There is no peer connection object around it: what aiortc's would do
(negotiation, senders, receivers) is done by our own code, so all that is used of aiortc is here, in
``hostile`` and in ``consent``.
"""

import asyncio
import logging
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceCandidate,
    RTCIceGatherer,
    RTCIceParameters,
    RTCIceServer,
    RTCIceTransport,
)
from OpenSSL import SSL

from mcu.messages import IceServer
from mcu.rtc import datagrams, negotiate
from mcu.rtc.budget import TokenBucket
from mcu.rtc.consent import keep_consent
from mcu.rtc.direct import DirectPath
from mcu.rtc.hostile import MAX_BYTES, Gate
from mcu.rtc.routes import MAX_STREAMS
from mcu.rtc.rtp import is_rtcp
from mcu.rtc.sdp import MAX_CANDIDATES, Candidate
from mcu.rtc.segments import MAX_SEGMENTS, is_refusal, runs
from mcu.rtc.srtp import Error as SrtpError
from mcu.rtc.srtp import SrtpSession, Workspace

MAX_SEND_BUFFER_BYTES = 128 * 1024  # waiting in the process because the kernel takes no more
RTCP_BYTE_US, RTCP_BURST_BYTES = 25, 40_000  # 40 kB a second, where browsers send 2
_log = logging.getLogger(__name__)


class _Own(threading.local):
    """What each loop has for itself."""

    def __init__(self) -> None:
        self.workspace = Workspace(MAX_SEGMENTS)


_own = _Own()


class TransportUser(Protocol):
    """Who uses a transport; called on the loop."""

    def transport_connected(self) -> None:
        """Packets can be sent."""

    def transport_ended(self, reason: str) -> None:
        """It never connected or is no more: ``left`` or ``failed``; told once, not after ``close``."""

    def rtp_received(self, packet: bytes) -> None:
        """A decrypted RTP packet."""

    def rtcp_received(self, packet: bytes) -> None:
        """A decrypted compound RTCP packet."""


class Transport:
    """ICE, DTLS and SRTP of one peer.

    Args:
        ice_servers: STUN and TURN for our side, of which aioice takes the first of each; none means none.
        user: who gets what arrives.
        give_way: called before the work on each packet.
    """

    def __init__(
        self, ice_servers: Sequence[IceServer], user: TransportUser, give_way: Callable[[], None] = lambda: None
    ) -> None:
        servers = [RTCIceServer(list(each.urls), each.username, each.credential) for each in ice_servers]
        self._gatherer = RTCIceGatherer(servers, local_username=secrets.token_hex(4))
        self._ice = RTCIceTransport(self._gatherer)
        self._dtls = RTCDtlsTransport(self._ice, [RTCCertificate.generateCertificate()])
        self._connection = self._ice._connection  # noqa: SLF001 - the sockets are behind it
        self._connection.query_consent = partial(keep_consent, self._connection, time.monotonic)  # type: ignore[method-assign]  # see mcu.rtc.consent
        self._gate = Gate(self._connection, self._media_received)
        self.sound = DirectPath(self._connection, asyncio.get_running_loop())
        self._user = user
        self._give_way = give_way
        self._tasks: set[asyncio.Task[None]] = set()  # connecting, resolving names
        self._candidates = 0
        self._ended = False
        self._out: SrtpSession | None = None  # both are there once DTLS has agreed on keys
        self._in: SrtpSession | None = None
        self._pair: Any = None  # the nominated pair that the next three lines belong to
        self._socket: Any = None
        self._address: tuple[str, int] = ("", 0)
        self._to = b""  # the same address as the system takes it
        self._raw: Any = None  # the same socket without asyncio around it; None: only asyncio can send
        self._segments = datagrams.AVAILABLE  # whether the kernel cuts what is sent to it
        self._outbox = datagrams.Outbox()
        self.refused: Counter[str] = Counter()  # packets that could not or need not be decrypted, or not be sent
        self._rtcp_budget = TokenBucket(RTCP_BYTE_US, RTCP_BURST_BYTES)
        self._ssrcs: set[bytes] = set()  # of packets that were decrypted

    # --- signalling ---------------------------------------------------------------------------------------------------

    async def gather(self) -> None:
        """Open the sockets."""
        await self._gatherer.gather()
        if self._ended:  # closed in the meantime, when there were no sockets yet
            await self._connection.close()
            return
        self._gate.guard_sockets()
        for protocol in self._connection._protocols:  # noqa: SLF001 - asyncio would allocate 256 KiB for each datagram
            if hasattr(protocol.transport, "max_size"):
                protocol.transport.max_size = MAX_BYTES + 1

    @property
    def credentials(self) -> tuple[str, str]:
        """Our ICE username fragment and password."""
        return self._connection.local_username, self._connection.local_password

    @property
    def fingerprints(self) -> list[tuple[str, str]]:
        """Algorithm and value of our certificate's fingerprint."""
        return [(f.algorithm, f.value) for f in self._dtls.getLocalParameters().fingerprints if "256" in f.algorithm]

    @property
    def candidates(self) -> list[Candidate]:
        """Our candidates."""
        return [
            Candidate(c.foundation, c.component, c.protocol, c.priority, c.ip, c.port, c.type)
            for c in self._gatherer.getLocalCandidates()
        ]

    def add_candidate(self, candidate: Candidate) -> None:
        """Note a candidate of the peer's; those we cannot use, or beyond the bound, are ignored."""
        if self._candidates >= MAX_CANDIDATES or candidate.protocol != "udp" or candidate.component != 1:
            return
        self._candidates += 1
        # A task, because the name of an mDNS candidate is looked up first.
        self._start(self._add_candidate(candidate))

    async def _add_candidate(self, c: Candidate) -> None:
        remote = RTCIceCandidate(c.component, c.foundation, c.host, c.port, c.priority, c.protocol, c.type)
        try:
            await self._ice.addRemoteCandidate(remote)
        except (OSError, ValueError) as error:
            _log.info("a candidate was ignored: %s", error)

    def connect(self, remote: negotiate.Transport) -> None:
        """Begin to connect; the user is told how it ends."""
        if remote.ice_lite:
            self._connection.ice_controlling = True
        self._dtls._set_role(remote.dtls_role)  # noqa: SLF001 - decided by the answer, as a peer connection does it
        self._start(self._connect(remote))

    async def _connect(self, remote: negotiate.Transport) -> None:
        await self._ice.start(RTCIceParameters(remote.ice_ufrag, remote.ice_pwd, remote.ice_lite))
        if self._ice.state == "completed":
            fingerprints = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in remote.fingerprints]
            await self._dtls.start(RTCDtlsParameters(fingerprints))
        if self._dtls.state != "connected":
            self._end("failed")
            return
        self._agreed()
        self._gate.connected = True
        self._dtls.on("statechange", self._dtls_changed)
        self._user.transport_connected()

    def _start(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("connecting a peer broke off", exc_info=error)
            self._end("failed")

    def _dtls_changed(self) -> None:
        if self._dtls.state in {"closed", "failed"}:
            ssl = self._dtls._ssl  # noqa: SLF001 - tells a farewell from a breakdown
            said_goodbye = ssl is not None and ssl.get_shutdown() & SSL.RECEIVED_SHUTDOWN
            self._end("left" if said_goodbye else "failed")

    def _end(self, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self._user.transport_ended(reason)

    async def close(self) -> None:
        """Say goodbye and close the sockets; nothing is told to the user any more."""
        self._ended = True
        self.sound.end()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        receiving = self._dtls._task  # noqa: SLF001 - stop() cancels it without waiting for its end
        await self._dtls.stop()
        if receiving is not None:
            await asyncio.wait([receiving])
        await self._ice.stop()
        self._dtls.remove_all_listeners()
        self._pair = self._socket = self._raw = None

    # --- packets ------------------------------------------------------------------------------------------------------

    @property
    def heard(self) -> int:
        """Datagrams that came through so far."""
        return self._gate.heard

    @property
    def drops(self) -> Counter[str]:
        """Datagrams and packets dropped, by reason."""
        return self._gate.drops + self.refused + self.sound.refused

    def _media_received(self, data: bytes) -> None:
        self._give_way()
        srtp = self._in or self._agreed()
        if srtp is None:
            self.refused["early"] += 1
            return
        rtcp = is_rtcp(data)
        if rtcp and not self._rtcp_budget.take(time.monotonic_ns() // 1000, len(data)):
            self.refused["rtcp_rate"] += 1
            return
        ssrc = data[4:8] if rtcp else data[8:12]  # SRTP keeps state for each
        if ssrc not in self._ssrcs and len(self._ssrcs) >= MAX_STREAMS:
            self.refused["streams"] += 1
            return
        try:
            packet = srtp.unprotect_rtcp(data) if rtcp else srtp.unprotect(data)
        except SrtpError:
            self.refused["srtp"] += 1
            return
        self._ssrcs.add(ssrc)
        if rtcp:
            self._user.rtcp_received(packet)
        else:
            self._user.rtp_received(packet)

    def _agreed(self) -> SrtpSession | None:
        """What comes in can be decrypted from here on, and what goes out encrypted; None while there are no keys."""
        dtls = self._dtls
        if self._in is None and dtls._rx_srtp is not None and dtls._tx_srtp is not None:  # noqa: SLF001 - aiortc's own paths are what we replace
            workspace = _own.workspace
            self._in, self._out = SrtpSession(dtls._rx_srtp, workspace), SrtpSession(dtls._tx_srtp, workspace)  # noqa: SLF001 - as above
            dtls._setup_srtp()  # noqa: SLF001 - the same keys again, for a session of the sound's own
            self.sound.begin(SrtpSession(dtls._tx_srtp))  # noqa: SLF001 - as above
        return self._in

    @property
    def congested(self) -> bool:
        """Whether more waits in this process than ought to."""
        return self._route() and self._socket.get_write_buffer_size() > MAX_SEND_BUFFER_BYTES

    def _route(self) -> bool:
        """Find the socket and address of the pair in use."""
        pair = self._connection._nominated.get(1)  # noqa: SLF001 - what Connection.send looks up
        if pair is not self._pair:
            self._pair = pair
            self._socket = pair.protocol.transport if pair else None
            self._address = pair.remote_addr if pair else ("", 0)
            self._raw = getattr(self._socket, "_sock", None) if datagrams.AVAILABLE else None  # a relay's has none
            self._to = datagrams.packed_address(*self._address) if self._raw is not None else b""
            if pair and not hasattr(self._socket, "get_write_buffer_size"):  # a relay's
                self._socket.get_write_buffer_size = lambda: 0
        return pair is not None

    def send_rtp(self, packet: bytes) -> None:
        """Encrypt and send; dropped and counted while there is no connection."""
        self._give_way()
        if self._out is not None and not self._ended and self._route():
            self._send(self._out.protect(packet))
        else:
            self.refused["unsent"] += 1

    def send_datagram(self, datagram: bytes) -> None:
        """Send what is encrypted already; dropped and counted while there is no connection."""
        self._give_way()
        if not self._ended and self._route():
            self._send(datagram)
        else:
            self.refused["unsent"] += 1

    def send_many(self, packets: Sequence[bytes]) -> None:
        """As ``send_rtp`` for each, with fewer system calls."""
        if len(packets) == 1 or self._out is None or self._ended or not self._route():
            for packet in packets:
                self.send_rtp(packet)
            return
        self._give_way()
        for run in runs(packets):
            data, size = self._out.protect_run(run)
            if len(run) == 1 or not self._send_run(data, size):
                for start in range(0, len(data), size):
                    self._send(data[start : start + size])

    def _send(self, datagram: bytes) -> None:
        """What the socket does not take now waits with asyncio, and what follows behind it."""
        if self._raw is not None and not self._socket.get_write_buffer_size():
            try:
                self._outbox.send(self._raw.fileno(), datagram, self._to)
            except BlockingIOError:
                pass
            except OSError:
                self.refused["socket"] += 1
                return
            else:
                return
        self._socket.sendto(datagram, self._address)

    def _send_run(self, run: bytes, size: int) -> bool:
        """Whether they went out, or are lost as datagrams are; else they have to be sent one by one."""
        if self._raw is None or not self._segments or self._socket.get_write_buffer_size():
            return False
        try:
            self._outbox.send_run(self._raw.fileno(), run, size, self._to)
        except BlockingIOError:
            return False
        except OSError as error:
            if is_refusal(error):
                _log.info("no segmentation offload here: %s", error)
                self._segments = False
                return False
            self.refused["socket"] += -(-len(run) // size)
        return True

    def send_rtcp(self, packet: bytes) -> None:
        """As ``send_rtp``, for RTCP."""
        if self._out is not None and not self._ended and self._route():
            self._send(self._out.protect_rtcp(packet))
        else:
            self.refused["unsent"] += 1
