"""One participant's connection, from the offer to the end: signalling and life. Its media is in ``session``.

All of it runs on the event loop, except ``request_keyframe``, which may be called from anywhere.
"""

import asyncio
import random
import secrets
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from mcu.clock import MediaClock
from mcu.errors import BadOfferError
from mcu.messages import IceServer
from mcu.rtc.answer import LocalTransport, write_answer
from mcu.rtc.negotiate import Agreement, Negotiated, negotiate
from mcu.rtc.receive import VideoInput
from mcu.rtc.receive_audio import AudioInput
from mcu.rtc.sdp import parse_fragment, parse_offer
from mcu.rtc.sender import AudioSender, VideoSender
from mcu.rtc.session import MediaSession, VideoKind
from mcu.rtc.transport import Transport

DEAD_AFTER_S = 20.0  # without a single datagram from the peer
REPORT_INTERVAL_S = 1.0
FIRST_REPORT_S = 0.1


class PeerEvents(Protocol):
    """What becomes of a peer; told on the loop."""

    def connected(self) -> None:
        """Media flows from now on."""

    def closed(self, reason: str) -> None:
        """It is over: ``left``, ``timeout`` or ``failed``. Told at most once."""


class Peer:
    """A WebRTC connection to one participant.

    Args:
        participant_id: who.
        clock: the room's.
        ice_servers: STUN and TURN for our side; an empty list means none.
        events: who is told what becomes of it.
        connect_timeout_s: how long connecting may take.
        stereo: whether its sound is wanted in stereo, as ours is.
        give_way: called before the work on each packet.
    """

    def __init__(  # noqa: PLR0913 - what a room knows and a peer has to
        self,
        participant_id: str,
        clock: MediaClock,
        ice_servers: Sequence[IceServer],
        events: PeerEvents,
        *,
        connect_timeout_s: float,
        stereo: bool = False,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self.participant_id = participant_id
        self.negotiated = Negotiated()
        self._clock = clock
        self._ice_servers = ice_servers
        self._events = events
        self._connect_timeout_s = connect_timeout_s
        self._stereo = stereo
        self._give_way = give_way
        self._loop = asyncio.get_running_loop()
        self._cname = uuid.uuid4().hex
        self._agreement: Agreement | None = None  # the four from here on are there once answered
        self._transport: Transport | None = None
        self._media: MediaSession | None = None
        self._timer: asyncio.TimerHandle | None = None  # first the connect time-out, then the next report
        self._heard = (0, 0.0)  # datagrams that came through, and the loop's time when there were fewer
        self._told_closed = False
        self._closing: asyncio.Task[None] | None = None

    # --- signalling ---------------------------------------------------------------------------------------------------

    async def answer(self, offer_sdp: str) -> str:
        """Answer the offer, and begin to connect.

        Raises:
            BadOfferError: the offer makes no sense or has nothing for us.
        """
        if self._agreement is not None:
            raise BadOfferError("this participant has been answered already; a new offer needs a new participant")
        agreement = negotiate(parse_offer(offer_sdp), stereo=self._stereo)
        transport = Transport(self._ice_servers, self, self._give_way)
        self._media = MediaSession(agreement, transport, self._clock, self._cname)
        self._agreement, self._transport, self.negotiated = agreement, transport, agreement.negotiated
        await transport.gather()
        if self._closing is not None:
            raise BadOfferError("the participant left before the offer was answered")
        for line in agreement.lines:
            for candidate in line.offered.candidates if line.role is not None else ():
                transport.add_candidate(candidate)
        answer = write_answer(agreement, self._local(transport), self._media.outgoing())
        self._timer = self._loop.call_later(self._connect_timeout_s, self._end, "timeout")
        transport.connect(agreement.transport)
        return answer

    def _local(self, transport: Transport) -> LocalTransport:
        ufrag, pwd = transport.credentials
        return LocalTransport(
            session_id=secrets.randbits(62),
            ice_ufrag=ufrag,
            ice_pwd=pwd,
            fingerprints=transport.fingerprints,
            candidates=transport.candidates,
            stream_id=f"mix-{self._cname}",
            cname=self._cname,
        )

    async def trickle(self, fragment: str) -> None:
        """Take ICE candidates that came after the offer.

        Raises:
            BadOfferError: the fragment makes no sense, or wants an ICE restart.
        """
        parsed = parse_fragment(fragment)
        if self._agreement is None or self._transport is None:
            raise BadOfferError("candidates came before the offer")
        if parsed.ufrag and parsed.ufrag != self._agreement.transport.ice_ufrag:
            raise BadOfferError("ICE restarts are not supported: join again with a new connection")
        if not set(parsed.mids) <= {line.offered.mid for line in self._agreement.lines}:
            raise BadOfferError("the fragment names a media line that was not offered")
        if self._closing is None:
            for candidate in parsed.candidates:
                self._transport.add_candidate(candidate)

    # --- media --------------------------------------------------------------------------------------------------------

    @property
    def audio_sender(self) -> AudioSender | None:
        """The mix's sound to this peer; None when it receives none."""
        return self._media.audio_sender if self._media is not None else None

    @property
    def video_sender(self) -> VideoSender | None:
        """The mix's picture to this peer; None when it receives none."""
        return self._media.video_sender if self._media is not None else None

    def loop_late_us(self, late_us: Callable[[], int]) -> None:
        """What tells by how much this loop is behind: then packets come late that are not."""
        if self._media is not None:
            self._media.uplink.late_us = late_us

    def on_keyframe_asked(self, call: Callable[[], None] | None) -> None:
        """Whom to tell when the peer's decoder wants a keyframe."""
        if self._media is not None:
            self._media.on_keyframe_asked = call

    def feed(self, *, audio: AudioInput | None, camera: VideoInput | None, screen: VideoInput | None) -> None:
        """Where received media goes from now on; None drops it."""
        if self._media is None:
            return
        if self._media.audio is not None:
            self._media.audio.sink = audio
        for kind, receiver in self._media.videos.items():
            receiver.sink = camera if kind == "camera" else screen
            if receiver.sink is not None and receiver.frames:
                receiver.keyframe_wanted()  # the earlier ones went nowhere

    @property
    def uplink_bps(self) -> float | None:
        """What the line from the peer to us bears; None while nothing speaks against more."""
        return self._media.uplink.bps if self._media is not None else None

    def limit_camera(self, bitrate_bps: int, least_bps: int = 0) -> None:
        """Tell the peer how much its camera is to send at most; a screen it shares keeps its own share.

        Both together are never told less than ``least_bps``.
        """
        if self._media is not None:
            self._media.limit_camera(bitrate_bps, least_bps)

    def request_keyframe(self, kind: VideoKind) -> None:
        """Ask the sender for a keyframe, at most every half second; from any thread."""
        receiver = self._media.videos.get(kind) if self._media is not None else None
        if receiver is not None and self._closing is None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(receiver.keyframe_wanted)

    def rtp_received(self, packet: bytes) -> None:
        """Part of ``TransportUser``."""
        if self._media is not None:
            self._media.rtp_received(packet)

    def rtcp_received(self, packet: bytes) -> None:
        """Part of ``TransportUser``."""
        if self._media is not None:
            self._media.rtcp_received(packet)

    def drops(self) -> Counter[tuple[str, str]]:
        """What was dropped of what the peer sent, by what it was of and why (see ``MediaSession.drops``)."""
        drops = self._media.drops() if self._media is not None else Counter[tuple[str, str]]()
        if self._transport is not None:
            drops.update({("datagrams", reason): count for reason, count in self._transport.drops.items()})
        return drops

    def stats(self) -> dict[str, float]:
        """Counters since the start, and rates over the last second."""
        stats = self._media.stats() if self._media is not None else {}
        if self._transport is not None:
            stats |= {f"datagrams_dropped_{reason}": count for reason, count in self._transport.drops.items()}
        return stats

    # --- life ---------------------------------------------------------------------------------------------------------

    def transport_connected(self) -> None:
        """Part of ``TransportUser``."""
        if self._closing is None:
            self._heard = (0, self._loop.time())
            self._arm(FIRST_REPORT_S)
            self._events.connected()

    def transport_ended(self, reason: str) -> None:
        """Part of ``TransportUser``."""
        self._end(reason)

    def _arm(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, self._report)

    def _report(self) -> None:
        assert self._transport is not None
        assert self._media is not None
        if self._is_dead(self._transport.heard):
            self._end("timeout")
            return
        self._arm(REPORT_INTERVAL_S * (0.8 + 0.4 * random.random()))  # noqa: S311 - spreads load, no secret
        self._media.report()

    def _is_dead(self, heard: int) -> bool:
        now = self._loop.time()
        if heard != self._heard[0]:
            self._heard = (heard, now)
        return now - self._heard[1] > DEAD_AFTER_S

    def _end(self, reason: str) -> asyncio.Task[None]:
        """Begin to close, once; whoever waits for the end waits for the task."""
        if self._closing is None:
            self._closing = self._loop.create_task(self._close_all())
        if not self._told_closed:
            self._told_closed = True
            self._events.closed(reason)
        return self._closing

    async def close(self) -> None:
        """End the connection; the peer is told by DTLS. May be called again."""
        await asyncio.shield(self._end("left"))

    async def _close_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._media is not None:
            self._media.close()
        if self._transport is not None:
            await self._transport.close()
