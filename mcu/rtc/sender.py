"""Our streams to one peer: headers, retransmission, reports. The payloads are shared with everybody else's."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mcu.clock import MediaClock
from mcu.media import AudioCodec, VideoCodec
from mcu.rtc import rtcp
from mcu.rtc.budget import TokenBucket
from mcu.rtc.negotiate import AnswerLine
from mcu.rtc.rtcp import ReportBlock
from mcu.rtc.rtp import ABS_SEND_TIME_URI, MID_URI, HeaderWriter, abs_send_time
from mcu.rtc.transport import Transport

HISTORY_PACKETS = 512  # kept for retransmission: 2.5 s at 2 Mbps
KEYFRAME_BURST, KEYFRAME_INTERVAL_US = (
    3,
    5_000_000,
)  # how many keyframes one peer may ask for at once, and then how often
RESEND_BURST, RESEND_INTERVAL_US = 200, 10_000  # packets sent again at once, and then how often
NTP_UNIX_US = 2_208_988_800_000_000  # from 1900 to 1970
_US = 1_000_000


def ntp_from_unix_us(unix_us: int) -> int:
    """Unix microseconds as a 64-bit NTP timestamp."""
    return ((unix_us + NTP_UNIX_US) << 32) // _US


@dataclass(frozen=True, slots=True)
class OutPacket:
    """One payload of a picture on its way to everybody; ``time`` is media time in ticks of 90 kHz."""

    payload: bytes
    time: int
    marker: bool
    first: bool
    keyframe: bool


class OutStream:
    """What sound and picture have in common: numbering and reports.

    Reports tie the media clock's wall time to RTP timestamps, not the moment of sending, so that the peer plays sound
    and picture of one instant of the mix together.
    """

    def __init__(self, line: AnswerLine, transport: Transport, clock: MediaClock) -> None:
        codec = line.send_codec
        assert codec is not None
        self.ssrc = secrets.randbits(32) or 1
        self.codec_name = codec.name
        self.packets = 0
        self.octets = 0
        self.rtt_us: int | None = None
        self.fraction_lost = 0.0  # of the last reported interval
        self._clock_hz = codec.clock_hz
        self._clock = clock
        self._transport = transport
        self._payload_type = codec.payload_type
        # The lower half, so that packets lost at the start do not confuse SRTP's guess of the roll-over counter.
        self._sequence = secrets.randbits(15)
        self._origin = secrets.randbits(32)
        mid_id = line.extensions.get(MID_URI)
        self._mid = (mid_id, line.offered.mid) if mid_id is not None and line.offered.mid else None
        self._headers = HeaderWriter(self.ssrc, self._mid, line.extensions.get(ABS_SEND_TIME_URI))

    def report(self, now_us: int, blocks: Sequence[ReportBlock], cname: str) -> bytes:
        """A sender report for ``now_us``."""
        return rtcp.sender_report(
            self.ssrc,
            ntp_from_unix_us(self._clock.wall_us(now_us)),
            self._origin + now_us * self._clock_hz // _US,
            self.packets,
            self.octets,
            blocks,
            cname,
        )

    def reported(self, block: ReportBlock, now_us: int) -> None:
        """Note what the peer tells about its reception of this stream."""
        self.fraction_lost = block.fraction_lost / 256
        if block.lsr:
            now = ntp_from_unix_us(self._clock.wall_us(now_us)) >> 16 & 0xFFFFFFFF
            round_trip = (now - block.lsr - block.dlsr) & 0xFFFFFFFF
            if round_trip < 60 << 16:  # else the peer's numbers make no sense
                self.rtt_us = round_trip * _US >> 16


class AudioSender(OutStream):
    """The mix's sound to one peer."""

    def __init__(self, line: AnswerLine, transport: Transport, clock: MediaClock) -> None:
        super().__init__(line, transport, clock)
        self.codec = AudioCodec(self.codec_name)

    def send(self, pts_48k: int, payload: bytes) -> None:
        """Send a block that begins at ``pts_48k`` (media time in 48 kHz samples)."""
        timestamp = self._origin + pts_48k * self._clock_hz // 48_000 & 0xFFFFFFFF
        first = self.packets == 0  # the marker tells where a talk spurt begins (RFC 3551, section 4.1)
        header = self._headers.header(self._payload_type | first << 7, self._sequence, timestamp, 0)
        self._sequence = self._sequence + 1 & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        self._transport.send_rtp(header + payload)


class VideoSender(OutStream):
    """The mix's picture to one peer.

    It begins at a keyframe. When the socket takes no more, what follows is dropped to the next keyframe.
    """

    def __init__(self, line: AnswerLine, transport: Transport, clock: MediaClock) -> None:
        super().__init__(line, transport, clock)
        assert line.send_codec is not None
        self.codec = VideoCodec(self.codec_name)
        self.keyframes = TokenBucket(KEYFRAME_INTERVAL_US, KEYFRAME_BURST)
        self.dropped = 0  # packets skipped because the socket was full
        self.resent = 0
        self.unknown = 0  # asked for again, but not kept any more
        self.resends = TokenBucket(RESEND_INTERVAL_US, RESEND_BURST)
        self.remb_bps: int | None = None  # the peer's last estimate
        self._waiting = True  # for a keyframe
        self._full = False  # the wait is because of a full socket
        self._history: list[tuple[int, OutPacket] | None] = [None] * HISTORY_PACKETS
        self._rtx_payload_type = line.rtx_for(line.send_codec.payload_type)
        self.rtx_ssrc = (secrets.randbits(32) or 1) if self._rtx_payload_type is not None else None
        self._rtx_sequence = secrets.randbits(15)
        self._rtx_headers = HeaderWriter(self.rtx_ssrc or 0, self._mid, line.extensions.get(ABS_SEND_TIME_URI))

    @property
    def waiting(self) -> bool:
        """Whether nothing is sent until there is a keyframe."""
        return self._waiting

    def send(self, packets: Iterable[OutPacket], now_us: int) -> bool:
        """Send packets of one or more frames; False when this peer now needs a keyframe to go on."""
        send_time = abs_send_time(now_us)
        cut_off = not self._waiting and self._transport.congested
        if cut_off:
            self._waiting = self._full = True
        for packet in packets:
            if self._waiting:
                if not (packet.first and packet.keyframe) or self._transport.congested:
                    self.dropped += self._full
                    continue
                self._waiting = self._full = False
            self._send_one(packet, send_time)
        return not cut_off

    def _send_one(self, packet: OutPacket, send_time: int) -> None:
        sequence = self._sequence
        header = self._headers.header(
            self._payload_type | packet.marker << 7, sequence, self._origin + packet.time & 0xFFFFFFFF, send_time
        )
        self._history[sequence % HISTORY_PACKETS] = (sequence, packet)
        self._sequence = sequence + 1 & 0xFFFF
        self.packets += 1
        self.octets += len(packet.payload)
        self._transport.send_rtp(header + packet.payload)

    def resend(self, sequences: Iterable[int], now_us: int) -> None:
        """Send again what the peer reports lost, as far as it is kept and the budget goes."""
        send_time = abs_send_time(now_us)
        for sequence in sequences:
            kept = self._history[sequence % HISTORY_PACKETS]
            if kept is None or kept[0] != sequence:
                self.unknown += 1
            elif self.resends.take(now_us):
                self._resend_one(sequence, kept[1], send_time)

    def _resend_one(self, sequence: int, packet: OutPacket, send_time: int) -> None:
        timestamp = self._origin + packet.time & 0xFFFFFFFF
        marker = packet.marker << 7
        self.resent += 1
        if self._rtx_payload_type is None:
            header = self._headers.header(self._payload_type | marker, sequence, timestamp, send_time)
            self._transport.send_rtp(header + packet.payload)
            return
        header = self._rtx_headers.header(self._rtx_payload_type | marker, self._rtx_sequence, timestamp, send_time)
        self._rtx_sequence = self._rtx_sequence + 1 & 0xFFFF
        self._transport.send_rtp(header + sequence.to_bytes(2) + packet.payload)
