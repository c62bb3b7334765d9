"""One lean participant: what it sends, what it notes of what comes, and the feedback a browser would give."""

import contextlib
import time
from dataclasses import dataclass

import pylibsrtp

from benchmarks.lean import sdp
from benchmarks.lean.inflow import Inflow
from benchmarks.lean.link import Link
from benchmarks.lean.media import Library
from benchmarks.lean.out import AudioOut, OutStream, VideoOut
from mcu.rtc import rtcp

_LITTLE_BPS = 160_000  # a limit below this makes a camera send its little film
_REMB_BPS = 8_000_000
_BUFFER = bytearray(2048)  # for all: nothing stays in it


@dataclass(frozen=True)
class Part:
    """Who somebody is. ``film`` and ``voice`` are places in the library; None: camera off, silent, no microphone.

    ``phase`` is when in a frame's time this camera takes its pictures, 0 to 1.
    """

    id: str
    film: int | None
    voice: int | None
    phase: float = 0.0
    microphone: bool = True
    h264: bool = True
    probe: bool = False


class Peer:
    """See the module."""

    def __init__(self, part: Part, library: Library) -> None:
        self.part = part
        self.link = Link(stamped=part.probe)
        self.flows = {sdp.OPUS: Inflow(), sdp.H264: Inflow(), sdp.VP8: Inflow()}
        self.others = 0  # packets of retransmissions and padding
        self.plis = self.nacks = 0  # that the room sent
        self.kept: list[tuple[float, bytes]] | None = None  # of a probe: arrival, decrypted packet
        voice = library.silence if part.voice is None else library.voices[part.voice]
        self.audio = AudioOut(self.link, voice)
        self.video = VideoOut(self.link, library.films[part.film or 0], library.little)

    def offer(self) -> str:
        """The session description."""
        return sdp.offer(self.link, self.audio.ssrc, self.video.ssrc, h264=self.part.h264)

    def accept(self, answer: str) -> None:
        """Take the room's answer."""
        self.link.accept(answer)
        self.audio.dtx = "usedtx=1" in answer

    def drain(self) -> None:
        """Take everything that waits at the socket."""
        if not self.link.connected:
            self._drain_control()
            return
        receive = self._received_stamped if self.kept is not None else self._received
        try:
            while True:
                receive()
        except (BlockingIOError, ConnectionError):
            return

    def _drain_control(self) -> None:
        try:
            while not self.link.connected:
                self.link.control(*self.link.socket.recvfrom(2048))
        except (BlockingIOError, ConnectionError):
            return

    def _received(self) -> None:
        size = self.link.socket.recv_into(_BUFFER)
        self._take(size)

    def _received_stamped(self) -> None:
        size, came = self.link.receive(_BUFFER)
        if self._take(size) and self.kept is not None:
            self.kept.append((came, self.link.unprotect(bytes(_BUFFER[:size]))))

    def _take(self, size: int) -> bool:
        """Whether it was media."""
        second = _BUFFER[1]
        if not 128 <= _BUFFER[0] < 192:
            self.link.control(bytes(_BUFFER[:size]), self.link.socket.getpeername())
        elif 192 <= second < 224:
            self._control(bytes(_BUFFER[:size]))
        elif (flow := self.flows.get(second & 0x7F)) is not None:
            flow.take(_BUFFER, audio=second & 0x7F == sdp.OPUS)
            return True
        else:
            self.others += 1
        return False

    # --- feedback -----------------------------------------------------------------------------------------------------

    def _control(self, data: bytes) -> None:
        try:
            packets = rtcp.parse(self.link.unprotect_rtcp(data))
        except (ValueError, pylibsrtp.Error):
            return
        for packet in packets:
            if isinstance(packet, rtcp.SenderReport):
                self._report_came(packet)
            elif isinstance(packet, rtcp.Nack):
                self.nacks += len(packet.lost)
            elif isinstance(packet, rtcp.Feedback):
                if rtcp.asks_for_keyframe(packet, self.video.ssrc):
                    self.plis += 1
                    self.video.start_over()
                elif (bitrate_bps := rtcp.remb_bitrate(packet)) is not None:
                    self.video.limit(little=bitrate_bps < _LITTLE_BPS)

    def _report_came(self, packet: rtcp.SenderReport) -> None:
        for flow in self.flows.values():
            if flow.ssrc == packet.ssrc:
                flow.report_middle = packet.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
                flow.report_came = time.time()

    def report(self) -> None:
        """Tell the room once a second what was sent and what came."""
        now = time.time()
        blocks = [flow.block(now) for flow in self.flows.values() if flow.packets]
        sending: list[OutStream] = [stream for stream in (self.audio, self.video) if stream.packets]
        for stream in sending:
            self._send(stream.report(blocks))
            blocks = []
        if not sending:
            self._send(rtcp.receiver_report(self.audio.ssrc, blocks, "lean"))
        ssrcs = [flow.ssrc for kind, flow in self.flows.items() if flow.packets and kind != sdp.OPUS]
        if ssrcs:
            self._send(rtcp.remb(self.video.ssrc, _REMB_BPS, ssrcs))

    def ask_for_keyframe(self) -> None:
        """As a decoder that just began."""
        flow = self.flows[sdp.H264 if self.part.h264 else sdp.VP8]
        self._send(rtcp.pli(self.video.ssrc, flow.ssrc))

    def _send(self, packet: bytes) -> None:
        with contextlib.suppress(OSError):  # as any datagram that is lost
            self.link.socket.send(self.link.protect_rtcp(packet))
