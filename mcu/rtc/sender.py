"""Our streams to one peer: headers, retransmission, reports. The payloads are shared with everybody else's."""

import secrets
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from mcu.clock import MediaClock
from mcu.media import AudioCodec, EncodedFrame, Rung, VideoCodec
from mcu.rtc import rtcp
from mcu.rtc.budget import TokenBucket
from mcu.rtc.losses import LossShare
from mcu.rtc.negotiate import AnswerLine
from mcu.rtc.rtcp import ReportBlock
from mcu.rtc.rtp import ABS_SEND_TIME_URI, MID_URI, HeaderWriter, abs_send_time
from mcu.rtc.rungs import LineReport, RungChooser
from mcu.rtc.transport import Transport

AUDIO_HISTORY_PACKETS = 64  # 1.3 s; whoever asks later has played something else
AUDIO_RESEND_INTERVAL_US, AUDIO_RESEND_BURST = 40_000, 32  # half as many packets as are sent, and so many at once
HISTORY_PACKETS = 512  # kept for retransmission: 2.5 s at 2 Mbps
LOSS_OF_SOUND, LOSS_OF_PICTURE, LOSS_OF_PADDING = 50, 100, 50  # packets of which the lost share is told
KEYFRAME_INTERVAL_US = 5_000_000  # one peer may ask for a keyframe so often
KEYFRAME_BURST = 3  # and for so many at once, where nobody else pays for it
PADDING_BYTES = 255  # the most that one packet can carry
RESEND_BURST, RESEND_INTERVAL_US = 200, 10_000  # packets sent again at once, and then how often, at 2 Mbps
MAX_LATE_US = 100_000  # feedback that may have waited longer in this process tells of us, not of the peer's line
NTP_UNIX_US = 2_208_988_800_000_000  # from 1900 to 1970
PADDED = 0x20  # in the first byte of an RTP header
_PADDING = bytes(PADDING_BYTES - 1) + bytes([PADDING_BYTES])
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
    """The mix's sound to one peer. Lost packets are sent again, as they were, where that was agreed on.

    ``send`` is for the audio thread, everything else for the loop.
    """

    def __init__(self, line: AnswerLine, transport: Transport, clock: MediaClock) -> None:
        super().__init__(line, transport, clock)
        self.codec = AudioCodec(self.codec_name)
        self.on_loss: Callable[[float], None] | None = None  # told what percentage is lost, now and then
        self.resent = 0
        self.unknown = 0  # asked for again, but not kept any more
        self.resends = TokenBucket(AUDIO_RESEND_INTERVAL_US, AUDIO_RESEND_BURST)
        codec = line.send_codec
        kept = AUDIO_HISTORY_PACKETS if codec is not None and "nack" in codec.feedback else 0
        self._history = [(-1, b"")] * kept  # number and datagram of the newest packets, by the number's last bits
        self._missed = [-1] * kept  # the numbers of those that were asked for, likewise
        self._losses = LossShare(LOSS_OF_SOUND)
        self._missed_since = 0  # asked for since ``_losses`` told a share
        self._packets_before = 0  # sent until then

    def reported(self, block: ReportBlock, now_us: int) -> None:
        """Note what the peer tells about its reception of this stream.

        What was asked for again counts as lost: reports do not tell of it once it has come, which may be too late.
        """
        super().reported(block, now_us)
        lost = self._losses.reported(block.highest_sequence, block.packets_lost)
        if lost is None:
            return
        missed = self._missed_since / max(1, self.packets - self._packets_before)
        self._missed_since, self._packets_before = 0, self.packets
        self.line_lost(max(lost, missed))

    def line_lost(self, fraction: float) -> None:
        """Note what the line loses; the picture's reports tell it sooner: it has more packets."""
        if self.on_loss is not None:
            self.on_loss(100 * fraction)

    def send(self, pts_48k: int, payload: bytes) -> None:
        """Send a block that begins at ``pts_48k`` (media time in 48 kHz samples)."""
        sequence, timestamp = self._sequence, self._origin + pts_48k * self._clock_hz // 48_000 & 0xFFFFFFFF
        first = self.packets == 0  # the marker tells where a talk spurt begins (RFC 3551, section 4.1)
        header = self._headers.header(self._payload_type | first << 7, sequence, timestamp, 0)
        self._sequence = sequence + 1 & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        datagram = self._transport.sound.send(header + payload)
        if self._history:
            self._history[sequence % AUDIO_HISTORY_PACKETS] = (sequence, datagram)

    def resend(self, sequences: Iterable[int], now_us: int) -> None:
        """Send again what the peer reports lost, as far as it is kept and the budget goes."""
        for sequence in sequences:
            place = sequence % AUDIO_HISTORY_PACKETS
            kept, datagram = self._history[place] if self._history else (-1, b"")
            if kept != sequence or not datagram:
                self.unknown += 1
                continue
            self._missed_since += self._missed[place] != sequence
            self._missed[place] = sequence
            if self.resends.take(now_us):
                self.resent += 1
                self._transport.send_datagram(datagram)


class VideoSender(OutStream):
    """The mix's picture to one peer.

    It begins at a keyframe. When the socket takes no more, what follows is dropped to the next keyframe. It goes from
    one rung to another at a keyframe of the other: between two whole pictures, numbered and timed as one stream.
    """

    def __init__(self, line: AnswerLine, transport: Transport, clock: MediaClock) -> None:
        super().__init__(line, transport, clock)
        assert line.send_codec is not None
        self.codec = VideoCodec(self.codec_name)
        self.keyframes = TokenBucket(KEYFRAME_INTERVAL_US, KEYFRAME_BURST)
        self.shared_keyframes = TokenBucket(KEYFRAME_INTERVAL_US, 1)  # on a rung that others are on too
        self.dropped = 0  # packets skipped because the socket was full
        self.resent = 0
        self.unknown = 0  # asked for again, but not kept any more
        self.resends = TokenBucket(RESEND_INTERVAL_US, RESEND_BURST)
        self.remb_bps: int | None = None  # the peer's last estimate
        self.rung = Rung.FULL  # what it sends
        self.target = Rung.FULL  # what it is to send from that rung's next keyframe on
        self.yielding = False  # until then it begins no other picture
        self.chooser: RungChooser | None = None  # is given the peer's feedback
        self.on_feedback: Callable[[], None] | None = None  # called when it has been
        self.late_us: Callable[[], int] = lambda: 0  # by how much feedback may be older than it looks
        self.on_begun: Callable[[EncodedFrame], None] | None = (
            None  # told when the first packet of a frame has gone out
        )
        self.on_line_loss: Callable[[float], None] | None = None  # told what share is lost, now and then
        self.padding_octets = 0
        self._losses = LossShare(LOSS_OF_PICTURE)
        self._padding_losses = LossShare(LOSS_OF_PADDING)
        self._waiting = True  # for a keyframe
        self._full = False  # the wait is because of a full socket
        self._between = True  # two pictures: the last packet was the end of one
        self._time = -1  # of the last picture
        self._history: list[OutPacket | None] = [None] * HISTORY_PACKETS  # the newest, by the last bits of their number
        self._times = array("q", bytes(8 * HISTORY_PACKETS))  # what each was timed as to this peer
        self._rtx_payload_type = line.rtx_for(line.send_codec.payload_type)
        self.rtx_ssrc = (secrets.randbits(32) or 1) if self._rtx_payload_type is not None else None
        self._rtx_sequence = secrets.randbits(15)
        self._rtx_headers = HeaderWriter(self.rtx_ssrc or 0, self._mid, line.extensions.get(ABS_SEND_TIME_URI))

    @property
    def waiting(self) -> bool:
        """Whether nothing is sent until there is a keyframe."""
        return self._waiting

    @property
    def can_pad(self) -> bool:
        """Whether there is a retransmission stream, which takes padding too."""
        return self._rtx_payload_type is not None

    def limit_resends(self, bitrate_bps: int) -> None:
        """Send again no more than half of what the rung takes, and nothing of what went before."""
        share = min(1.0, bitrate_bps / 2_000_000)
        self.resends = TokenBucket(round(RESEND_INTERVAL_US / share), max(10, round(RESEND_BURST * share)))

    # --- feedback -----------------------------------------------------------------------------------------------------

    def reported(self, block: ReportBlock, now_us: int) -> None:
        """Note what the peer tells about its reception of this stream."""
        super().reported(block, now_us)
        if self.chooser is not None and self.late_us() <= MAX_LATE_US:
            sent = LineReport(block.packets_lost, block.highest_sequence, self.packets, self.octets, self.rtt_us)
            self.chooser.report(sent, now_us)
        lost = self._losses.reported(block.highest_sequence, block.packets_lost)
        if lost is not None and self.on_line_loss is not None:
            self.on_line_loss(lost)
        self._fed()

    def padding_reported(self, block: ReportBlock, now_us: int) -> None:
        """Note what the peer tells about the retransmission stream."""
        lost = self._padding_losses.reported(block.highest_sequence, block.packets_lost)
        if lost is not None and self.chooser is not None:
            self.chooser.padding_lost(lost, now_us)

    def estimated(self, bitrate_bps: int, now_us: int) -> None:
        """Note the peer's REMB."""
        self.remb_bps = bitrate_bps
        if self.chooser is not None:
            self.chooser.remb(bitrate_bps, now_us)
        self._fed()

    def _fed(self) -> None:
        if self.on_feedback is not None:
            self.on_feedback()

    # --- packets ------------------------------------------------------------------------------------------------------

    def send(self, packets: Iterable[OutPacket], now_us: int, rung: Rung = Rung.FULL) -> bool:
        """Send packets of one or more frames of ``rung``; False when this peer now needs a keyframe to go on."""
        if rung not in {self.rung, self.target}:
            return True
        send_time = abs_send_time(now_us)
        cut_off = not self._waiting and self._transport.congested
        if cut_off:
            self._waiting = self._full = True
        if self._waiting or self.yielding or rung is not self.rung:
            packets = self._wanted(packets, rung)
        out = self._made(packets, send_time)
        if out:
            self._transport.send_many(out)
        return not cut_off

    def _wanted(self, packets: Iterable[OutPacket], rung: Rung) -> Iterator[OutPacket]:
        """Those that are sent. Each is asked for when the one before has been made."""
        for packet in packets:
            if self._waiting or rung is not self.rung:
                begins = packet.first and packet.keyframe and (self._between or self._waiting)
                if not begins or rung is not self.target or self._transport.congested:
                    self.dropped += self._full and rung is self.rung
                    continue
                self._begin(rung)
            if not (self.yielding and self._between):
                yield packet

    def _begin(self, rung: Rung) -> None:
        if self.yielding:  # a crowded line is not to carry again what nobody needs for what comes now
            self._history = [None] * HISTORY_PACKETS
        self._waiting = self._full = self.yielding = False
        self.rung = rung

    def _made(self, packets: Iterable[OutPacket], send_time: int) -> list[bytes]:
        made = []
        for packet in packets:
            if packet.first:  # a keyframe of another rung may be of the instant that has been sent already
                self._time = max(packet.time, self._time + 1)
            self._between = packet.marker
            sequence, payload = self._sequence, packet.payload
            self._sequence = sequence + 1 & 0xFFFF
            place = sequence % HISTORY_PACKETS
            self._history[place], self._times[place] = packet, self._time
            self.packets += 1
            self.octets += len(payload)
            second, timestamp = self._payload_type | packet.marker << 7, self._origin + self._time & 0xFFFFFFFF
            made.append(self._headers.header(second, sequence, timestamp, send_time) + payload)
        return made

    def resend(self, sequences: Iterable[int], now_us: int) -> None:
        """Send again what the peer reports lost, as far as it is kept and the budget goes."""
        send_time = abs_send_time(now_us)
        missing = 0
        for sequence in sequences:
            missing += 1
            place, back = sequence % HISTORY_PACKETS, (self._sequence - sequence) & 0xFFFF
            packet = self._history[place] if 0 < back <= HISTORY_PACKETS else None
            if packet is None:
                self.unknown += 1
            elif self.resends.take(now_us):
                self._resend_one(sequence, packet, self._times[place], send_time)
        if self.chooser is not None:
            self.chooser.missing(missing, self.packets, now_us)

    def _resend_one(self, sequence: int, packet: OutPacket, time: int, send_time: int) -> None:
        timestamp = self._origin + time & 0xFFFFFFFF
        marker = packet.marker << 7
        self.resent += 1
        if self._rtx_payload_type is None:
            header = self._headers.header(self._payload_type | marker, sequence, timestamp, send_time)
            self._transport.send_rtp(header + packet.payload)
            return
        header = self._rtx_headers.header(self._rtx_payload_type | marker, self._rtx_sequence, timestamp, send_time)
        self._rtx_sequence = self._rtx_sequence + 1 & 0xFFFF
        self._transport.send_rtp(header + sequence.to_bytes(2) + packet.payload)

    def pad(self, octets: float, now_us: int) -> int:
        """Send about so much padding on the retransmission stream, to try the line out; how much it was."""
        if self._rtx_payload_type is None or self._waiting:
            return 0
        count, send_time = max(0, round(octets / PADDING_BYTES)), abs_send_time(now_us)
        timestamp = self._origin + self._time & 0xFFFFFFFF
        out: list[bytes] = []
        for _ in range(count):
            header = self._rtx_headers.header(self._rtx_payload_type, self._rtx_sequence, timestamp, send_time)
            self._rtx_sequence = self._rtx_sequence + 1 & 0xFFFF
            out.append(bytes([header[0] | PADDED]) + header[1:] + _PADDING)
        if out:
            self._transport.send_many(out)
        self.padding_octets += count * PADDING_BYTES
        return count * PADDING_BYTES
