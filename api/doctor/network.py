"""What a packet costs on its way out and in: two ends of a real connection on this machine, with ICE, DTLS and SRTP."""

import asyncio
import time
from collections.abc import Callable
from typing import Literal

from mcu.clock import MediaClock
from mcu.errors import TuttiError
from mcu.rtc import negotiate
from mcu.rtc.sdp import parse_offer
from mcu.rtc.sender import AudioSender, OutPacket, VideoSender
from mcu.rtc.transport import Transport

PICTURE_PACKETS, PICTURE_BYTES = 7, 1190  # of one picture at 2 Mbps and 30 a second
SOUND_BYTES = 160
_CONNECT_S, _ARRIVE_S = 10.0, 0.5
_RUNS, _ROUNDS = 5, 60

OFFER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=ice-ufrag:doct
a=ice-pwd:doctordoctordoctordoctor
a=fingerprint:sha-256 00
a=setup:actpass
a=rtcp-mux
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtpmap:111 opus/48000/2
m=video 9 UDP/TLS/RTP/SAVPF 108 109
a=mid:1
a=rtcp-mux
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=rtpmap:108 H264/90000
a=fmtp:108 packetization-mode=1;profile-level-id=42e01f
a=rtpmap:109 rtx/90000
a=fmtp:109 apt=108
""".replace("\n", "\r\n")
"""What a browser would offer, as far as the senders look at it."""


class NoConnectionError(TuttiError):
    """The two ends did not find each other: no network address, or packets to it are filtered."""

    code = "no_connection"


class End:
    """One end of the connection; counts what arrives."""

    def __init__(self) -> None:
        self.received = 0
        self.outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport = Transport((), self)

    def described(self, *, to: Literal["client", "server"], lite: bool) -> negotiate.Transport:
        """This end as the other one has to know it, which is to be DTLS client or server, and leads a lite one."""
        ufrag, pwd = self.transport.credentials
        return negotiate.Transport(ufrag, pwd, lite, tuple(self.transport.fingerprints), to)

    def transport_connected(self) -> None:
        """Part of ``TransportUser``."""
        if not self.outcome.done():
            self.outcome.set_result(None)

    def transport_ended(self, reason: str) -> None:
        """Part of ``TransportUser``."""
        if not self.outcome.done():
            self.outcome.set_exception(NoConnectionError(f"connecting to ourselves has {reason}"))

    def rtp_received(self, packet: bytes) -> None:  # noqa: ARG002 - that it came is enough
        """Part of ``TransportUser``."""
        self.received += 1

    def rtcp_received(self, packet: bytes) -> None:
        """Part of ``TransportUser``."""


async def measure_us() -> dict[str, float]:
    """CPU microseconds a packet, by the names in ``api.costs.WORK``; raises ``NoConnectionError``."""
    near, far = End(), End()
    try:
        await _connect(near, far)
        runs = [await _run(near, far) for _ in range(_RUNS)]
    finally:
        await asyncio.gather(near.transport.close(), far.transport.close())
    return {name: min(run[name] for run in runs) for name in runs[0]}


async def _connect(near: End, far: End) -> None:
    await asyncio.gather(near.transport.gather(), far.transport.gather())
    for end, other in ((near, far), (far, near)):
        for candidate in other.transport.candidates:
            end.transport.add_candidate(candidate)
    near.transport.connect(far.described(to="client", lite=True))
    far.transport.connect(near.described(to="server", lite=False))
    done, waiting = await asyncio.wait({near.outcome, far.outcome}, timeout=_CONNECT_S)
    for outcome in waiting:
        outcome.cancel()
    faults = [fault for outcome in done if (fault := outcome.exception())]
    if faults:
        raise faults[0]
    if waiting:
        raise NoConnectionError("connecting to ourselves takes too long: are packets filtered?")


async def _run(near: End, far: End) -> dict[str, float]:
    clock = MediaClock()
    lines = {line.role: line for line in negotiate.negotiate(parse_offer(OFFER)).lines}
    picture, sound = (
        VideoSender(lines["camera"], near.transport, clock),
        AudioSender(lines["audio"], near.transport, clock),
    )
    last = PICTURE_PACKETS - 1
    packets = [OutPacket(bytes(PICTURE_BYTES), 0, n == last, n == 0, keyframe=True) for n in range(PICTURE_PACKETS)]
    block = bytes(SOUND_BYTES)
    sending_ns, receiving_ns, received = await _exchange(
        far, lambda: picture.send(packets, clock.now_us()), len(packets)
    )
    sounding_ns, _, _ = await _exchange(far, lambda: sound.send(0, block), 1)
    return {
        "send_picture": sending_ns / 1000 / (_ROUNDS * PICTURE_PACKETS),
        "send_sound": sounding_ns / 1000 / _ROUNDS,
        "receive": receiving_ns / 1000 / received,
    }


async def _exchange(far: End, send: Callable[[], object], packets: int) -> tuple[int, int, int]:
    """CPU nanoseconds of sending and of receiving so many packets a round, and how many arrived."""
    sending_ns = receiving_ns = 0
    before = far.received
    for _ in range(_ROUNDS):
        started_ns = time.process_time_ns()
        send()
        sent_ns = time.process_time_ns()
        await _arrival(far, far.received + packets)
        sending_ns += sent_ns - started_ns
        receiving_ns += time.process_time_ns() - sent_ns
    if far.received == before:
        raise NoConnectionError("what we send to ourselves does not arrive")
    return sending_ns, receiving_ns, far.received - before


async def _arrival(far: End, expected: int) -> None:
    """Wait until so many have arrived; what the kernel has dropped is not waited for long."""
    until_s = time.monotonic() + _ARRIVE_S
    while far.received < expected and time.monotonic() < until_s:  # noqa: ASYNC110 - the loop has to turn for them to come
        await asyncio.sleep(0)
