"""The media of one peer: its lines in both directions, and the RTCP that goes with them."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from mcu.clock import MediaClock
from mcu.rtc import rtcp, rtp
from mcu.rtc.answer import OutgoingStream
from mcu.rtc.negotiate import Agreement, AnswerLine
from mcu.rtc.receive import Link, VideoReceiver
from mcu.rtc.receive_audio import AudioReceiver
from mcu.rtc.reception import Reception
from mcu.rtc.routes import Rates, Routes
from mcu.rtc.sender import HISTORY_PACKETS, AudioSender, OutStream, VideoSender
from mcu.rtc.transport import Transport
from mcu.rtc.uplink import UplinkEstimate

VideoKind = Literal["camera", "screen"]

MAX_BPS: dict[VideoKind, int] = {"camera": 1_500_000, "screen": 2_500_000}  # what a sender is told that we take


class MediaSession:
    """Receivers and senders of one peer, as agreed on.

    Args:
        agreement: the negotiated lines.
        transport: carries everything.
        clock: the room's.
        cname: names us in RTCP.
    """

    def __init__(self, agreement: Agreement, transport: Transport, clock: MediaClock, cname: str) -> None:
        self.audio_sender: AudioSender | None = None
        self.video_sender: VideoSender | None = None
        self.audio: AudioReceiver | None = None
        self.videos: dict[VideoKind, VideoReceiver] = {}
        self.uplink = UplinkEstimate(sum(MAX_BPS.values()))
        self.on_keyframe_asked: Callable[[], None] | None = None  # the peer's decoder wants a keyframe
        self._transport = transport
        self._clock = clock
        self._cname = cname
        self._routes = Routes()
        self._rates = Rates()
        self._limits_bps = dict(MAX_BPS)
        self._least_bps = 0  # that is told of them all together
        self._packets_before: dict[VideoKind, int] = {}  # received until the last report
        self._video_before = (0, 0)  # packets of video expected, and lost, until the last report
        self._takes: tuple[int, list[int]] = (0, [])  # bits a second of these streams, as far as it is up to us
        self._out_mids: dict[str, str] = {}  # mid by track name
        for line in agreement.lines:
            self._build_sender(line)
        if self.video_sender is not None and self.audio_sender is not None:
            self.video_sender.on_line_loss = self.audio_sender.line_lost
        first = next(self._senders(), None)
        self._own_ssrc = first.ssrc if first is not None else secrets.randbits(32) or 1  # signs our feedback
        link = self._link = Link(
            asyncio.get_running_loop(), clock, self._own_ssrc, transport.send_rtcp, self.uplink, self._tell_remb
        )
        for line in agreement.lines:
            self._build_receiver(line, link)

    def _build_sender(self, line: AnswerLine) -> None:
        if line.sends and line.role == "audio":
            self.audio_sender = AudioSender(line, self._transport, self._clock)
            self._out_mids["audio"] = line.offered.mid
        elif line.sends:
            self.video_sender = VideoSender(line, self._transport, self._clock)
            self._out_mids["video"] = line.offered.mid

    def _build_receiver(self, line: AnswerLine, link: Link) -> None:
        if not line.receives or line.role is None:
            return
        if line.role == "audio":
            self.audio = AudioReceiver(line, link)
            self._routes.add(line, self.audio)
        else:
            self.videos[line.role] = VideoReceiver(line, link)
            self._routes.add(line, self.videos[line.role])

    def outgoing(self) -> dict[str, OutgoingStream]:
        """What the answer says of our streams, by mid."""
        streams = {}
        if self.audio_sender is not None:
            track = f"audio-{self._cname}"
            streams[self._out_mids["audio"]] = OutgoingStream(self.audio_sender.ssrc, None, track)
        if self.video_sender is not None:
            track = f"video-{self._cname}"
            streams[self._out_mids["video"]] = OutgoingStream(self.video_sender.ssrc, self.video_sender.rtx_ssrc, track)
        return streams

    def close(self) -> None:
        """Stop all timers and tell the peer that our streams end."""
        for receiver in self.videos.values():
            receiver.close()
        if self.audio is not None:
            self.audio.close()
        ssrcs = [sender.ssrc for sender in self._senders()]
        if ssrcs:
            self._transport.send_rtcp(rtcp.bye(ssrcs))

    def _senders(self) -> Iterator[OutStream]:
        yield from (sender for sender in (self.audio_sender, self.video_sender) if sender is not None)

    def _receptions(self) -> Iterator[Reception]:
        if self.audio is not None:
            yield from self.audio.receptions()
        for receiver in self.videos.values():
            yield from receiver.receptions()

    # --- what arrives -------------------------------------------------------------------------------------------------

    def rtp_received(self, data: bytes) -> None:
        """Take a decrypted RTP packet."""
        try:
            packet = rtp.parse(data)
        except ValueError:
            self._routes.unrouted += 1
            return
        receiver = self._routes.find(packet)
        if receiver is not None:
            receiver.rtp(packet, self._clock.now_us())

    def rtcp_received(self, data: bytes) -> None:
        """Take a decrypted compound RTCP packet."""
        try:
            packets = rtcp.parse(data)
        except ValueError:
            self._routes.unrouted += 1
            return
        now_us = self._clock.now_us()
        for packet in packets:
            if isinstance(packet, rtcp.SenderReport):
                self._sender_report(packet, now_us)
            if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport):
                self._blocks(packet.reports, now_us)
            elif isinstance(packet, rtcp.Nack):
                self._nack(packet, now_us)
            elif isinstance(packet, rtcp.Feedback):
                self._feedback(packet, now_us)

    def _sender_report(self, report: rtcp.SenderReport, now_us: int) -> None:
        for reception in self._receptions():
            if reception.ssrc == report.ssrc:
                info = report.sender_info
                reception.sender_report(info.ntp_timestamp, info.rtp_timestamp, now_us)

    def _blocks(self, blocks: Sequence[rtcp.ReportBlock], now_us: int) -> None:
        video = self.video_sender
        for block in blocks:
            if video is not None and video.rtx_ssrc == block.ssrc:
                video.padding_reported(block, now_us)
        for block in blocks:
            for sender in self._senders():
                if sender.ssrc == block.ssrc:
                    sender.reported(block, now_us)
                    self._link.rtt_us = sender.rtt_us

    def _nack(self, packet: rtcp.Nack, now_us: int) -> None:
        if self.video_sender is not None and packet.media_ssrc == self.video_sender.ssrc:
            self.video_sender.resend((sequence & 0xFFFF for sequence in packet.lost[:HISTORY_PACKETS]), now_us)
        elif self.audio_sender is not None and packet.media_ssrc == self.audio_sender.ssrc:
            self.audio_sender.resend((sequence & 0xFFFF for sequence in packet.lost[:HISTORY_PACKETS]), now_us)

    def _feedback(self, packet: rtcp.Feedback, now_us: int) -> None:
        if self.video_sender is None:
            return
        if rtcp.asks_for_keyframe(packet, self.video_sender.ssrc):
            if self.on_keyframe_asked is not None:
                self.on_keyframe_asked()
        elif (bitrate_bps := rtcp.remb_bitrate(packet)) is not None:
            self.video_sender.estimated(bitrate_bps, now_us)

    # --- what we tell -------------------------------------------------------------------------------------------------

    def report(self) -> None:
        """Tell the peer what we received and sent; to be called about once a second."""
        now_us = self._clock.now_us()
        blocks = [reception.report(now_us) for reception in self._receptions()]
        sending = [sender for sender in self._senders() if sender.packets]
        for sender in sending:
            self._transport.send_rtcp(sender.report(now_us, blocks, self._cname))
            blocks = []
        if not sending:
            self._transport.send_rtcp(rtcp.receiver_report(self._own_ssrc, blocks, self._cname))
        self._look_at_uplink(now_us)
        self._send_remb()
        octets_in = sum(reception.octets for reception in self._receptions())
        self._rates.update(now_us, octets_in, sum(sender.octets for sender in sending))

    def limit_camera(self, bitrate_bps: int, least_bps: int = 0) -> None:
        """How much the camera is to send at most, and the line at least; told at once when it is more than before."""
        self._least_bps = least_bps
        before, self._limits_bps["camera"] = self._limits_bps["camera"], bitrate_bps
        if bitrate_bps > before:
            self._send_remb()

    def _send_remb(self) -> None:
        """See how much we take of what the peer sends, and tell; the limit holds for all its streams together."""
        limit_bps, ssrcs = 0, []
        for kind, receiver in self.videos.items():
            for reception in receiver.receptions():
                ssrcs.append(reception.ssrc)
                if reception.packets != self._packets_before.get(kind):
                    limit_bps += self._limits_bps[kind]
                self._packets_before[kind] = reception.packets
        self._takes = (max(limit_bps, self._least_bps) if limit_bps else 0, ssrcs)
        self._tell_remb()

    def _tell_remb(self) -> None:
        """Tell the peer what we take, but no more than its line bears."""
        limit_bps, ssrcs = self._takes
        if limit_bps:
            bitrate_bps = min(limit_bps, round(self.uplink.bps or limit_bps))
            self._transport.send_rtcp(rtcp.remb(self._own_ssrc, bitrate_bps, ssrcs))

    def _look_at_uplink(self, now_us: int) -> None:
        receptions = [reception for receiver in self.videos.values() for reception in receiver.receptions()]
        lost = sum(reception.lost for reception in receptions)
        expected = lost + sum(reception.packets for reception in receptions)
        expected_before, lost_before = self._video_before
        self._video_before = (expected, lost)
        self.uplink.report(expected - expected_before, lost - lost_before, now_us)

    def drops(self) -> Counter[tuple[str, str]]:
        """What was dropped of what came, by what it was of (``packets``, ``audio``, ``camera``, ``screen``) and why."""
        drops = Counter({("packets", "unrouted"): self._routes.unrouted})
        if self.audio is not None:
            drops.update({("audio", reason): count for reason, count in self.audio.drops.items()})
        for kind, receiver in self.videos.items():
            drops.update({(kind, reason): count for reason, count in receiver.all_drops().items()})
        return drops

    def stats(self) -> dict[str, float]:
        """Counters since the start, and rates over the last second."""
        receptions = list(self._receptions())
        stats: dict[str, float] = {
            "bitrate_in_bps": self._rates.in_bps,
            "bitrate_out_bps": self._rates.out_bps,
            "packets_in": sum(r.packets for r in receptions),
            "packets_lost_in": max(0, sum(r.lost for r in receptions)),
            "packets_unrouted": self._routes.unrouted,
            "packets_out": sum(sender.packets for sender in self._senders()),
            "uplink_queue_ms": self.uplink.queue_us / 1000,
        }
        if self.uplink.bps is not None:
            stats["uplink_bps"] = round(self.uplink.bps)
        for kind, receiver in self.videos.items():
            stats[f"{kind}_frames_in"] = receiver.frames
            stats[f"{kind}_nacks"] = receiver.nacks
            stats[f"{kind}_fec_recovered"] = receiver.fec_recovered
            stats[f"{kind}_plis"] = receiver.plis
        stats |= {f"{of}_dropped_{reason}": count for (of, reason), count in self.drops().items() if of != "packets"}
        if self.audio is not None:
            stats["audio_nacks"] = self.audio.nacks
        if self.audio_sender is not None:
            stats["audio_resent"] = self.audio_sender.resent
            stats["audio_resends_unknown"] = self.audio_sender.unknown
            stats["audio_resends_refused"] = self.audio_sender.resends.refused
        if self.video_sender is not None:
            stats["packets_resent"] = self.video_sender.resent
            stats["packets_dropped_out"] = self.video_sender.dropped
            stats["loss_out"] = self.video_sender.fraction_lost
            stats["remb_bps"] = self.video_sender.remb_bps or 0
            stats["rung"] = self.video_sender.rung
            stats["padding_bytes_out"] = self.video_sender.padding_octets
            if (chooser := self.video_sender.chooser) is not None:
                stats["rung_probes"] = chooser.probes
                stats |= {f"rung_probes_failed_{reason}": count for reason, count in chooser.failures.items()}
        for sender in self._senders():
            if sender.rtt_us is not None:
                stats["rtt_ms"] = sender.rtt_us / 1000
        return stats
