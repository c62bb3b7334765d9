"""Which receiver an incoming packet belongs to, and how fast packets come."""

from mcu.rtc import rtp
from mcu.rtc.negotiate import AnswerLine
from mcu.rtc.receive import VideoReceiver
from mcu.rtc.receive_audio import AudioReceiver

MAX_STREAMS = 64  # SSRCs of one peer that are told apart; packets of others are dropped


class Routes:
    """Which receiver a packet belongs to (RFC 8843, section 9.2): by SSRC, else by MID, else by payload type."""

    def __init__(self) -> None:
        self.unrouted = 0  # packets that belong to nobody, or are no packets
        self._by_ssrc: dict[int, AudioReceiver | VideoReceiver] = {}
        self._by_mid: dict[bytes, AudioReceiver | VideoReceiver] = {}
        self._by_payload_type: dict[int, set[AudioReceiver | VideoReceiver]] = {}
        self._mid_ids: set[int] = set()

    def add(self, line: AnswerLine, receiver: AudioReceiver | VideoReceiver) -> None:
        """Note what the offer tells about a line's packets."""
        offered = line.offered
        for ssrc in offered.ssrcs[:MAX_STREAMS]:
            self._by_ssrc[ssrc] = receiver
        if offered.mid and (mid_id := line.extensions.get(rtp.MID_URI)) is not None:
            self._by_mid[offered.mid.encode()] = receiver
            self._mid_ids.add(mid_id)
        for codec in line.codecs:
            self._by_payload_type.setdefault(codec.payload_type, set()).add(receiver)

    def find(self, packet: rtp.RtpPacket) -> AudioReceiver | VideoReceiver | None:
        """The receiver of a packet; None (counted) for a packet of nobody's."""
        receiver = self._by_ssrc.get(packet.ssrc)
        if receiver is None:
            receiver = self._find_new(packet)
            if receiver is None or len(self._by_ssrc) >= MAX_STREAMS:
                self.unrouted += 1
                return None
            self._by_ssrc[packet.ssrc] = receiver
        return receiver

    def _find_new(self, packet: rtp.RtpPacket) -> AudioReceiver | VideoReceiver | None:
        for id_ in self._mid_ids:
            mid = packet.extension(id_)
            if mid is not None and mid in self._by_mid:
                return self._by_mid[mid]
        receivers = self._by_payload_type.get(packet.payload_type, set())
        return next(iter(receivers)) if len(receivers) == 1 else None


class Rates:
    """Bits per second, from octet counters looked at now and then."""

    def __init__(self) -> None:
        self.in_bps = self.out_bps = 0.0
        self._before = (0, 0, 0)

    def update(self, now_us: int, octets_in: int, octets_out: int) -> None:
        """Note the counters."""
        then_us, before_in, before_out = self._before
        elapsed_us = max(1, now_us - then_us)
        self.in_bps = max(0, octets_in - before_in) * 8_000_000 / elapsed_us
        self.out_bps = max(0, octets_out - before_out) * 8_000_000 / elapsed_us
        self._before = (now_us, octets_in, octets_out)
