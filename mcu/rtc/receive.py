"""Pictures that come in on one media line: packets into frames, and the feedback that this takes.

A thin shell: the thinking is done in ``reassembly``, ``nack`` and ``reception``, which get the time from here.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from mcu.clock import MediaClock
from mcu.media import VIDEO_CLOCK_HZ, VideoCodec, VideoUnit
from mcu.rtc import rtcp
from mcu.rtc.fec import FecDecoder, Protection
from mcu.rtc.keyframes import KeyframeRequests
from mcu.rtc.nack import NackSchedule
from mcu.rtc.negotiate import AnswerLine, apt
from mcu.rtc.reassembly import Frame, FrameAssembler, VideoPacket
from mcu.rtc.reception import Reception
from mcu.rtc.rtp import ABS_SEND_TIME_URI, RtpPacket
from mcu.rtc.uplink import UplinkEstimate

_RTX_HEADER_BYTES = 2
_US = 1_000_000


class VideoInput(Protocol):
    """Where received pictures go."""

    def push(self, unit: VideoUnit) -> None:
        """Take a frame; must not block."""


@dataclass(slots=True)
class Link:
    """What a receiver needs of its peer; ``rtt_us`` is the last round trip that the peer's reports told of."""

    loop: asyncio.AbstractEventLoop
    clock: MediaClock
    own_ssrc: int
    send_rtcp: Callable[[bytes], None]
    uplink: UplinkEstimate
    uplink_fell: Callable[[], None]
    rtt_us: int | None = None


class _VideoStream:
    """State of one incoming SSRC."""

    def __init__(self, ssrc: int, protection: Protection) -> None:
        self.reception = Reception(ssrc, VIDEO_CLOCK_HZ)
        self.fec = FecDecoder(ssrc, protection, lambda sequence: self.reception.place(sequence, 0)[0])
        self.assembler = FrameAssembler()
        self.nack = NackSchedule()
        self.restarts = 0  # of the assembler, when the schedule was last renewed


class VideoReceiver:
    """Pictures from one line.

    Args:
        line: what was agreed on.
        link: the peer.
    """

    def __init__(self, line: AnswerLine, link: Link) -> None:
        self.sink: VideoInput | None = None
        self.drops: Counter[str] = Counter()
        self.frames = 0
        self.keyframes = 0
        self.plis = 0
        self.nacks = 0  # packets asked for
        self.fec_recovered = 0  # packets that were lost and worked out of others
        self._codecs = {c.payload_type: VideoCodec(c.name) for c in line.codecs if c.is_media}
        self._rtx = {c.payload_type: apt(c) for c in line.codecs if c.name == "rtx"}
        self._originals = frozenset({*self._codecs, *(c.payload_type for c in line.codecs if c.name == "red")})
        self._send_time_id = line.extensions.get(ABS_SEND_TIME_URI)
        ulpfec = next((c.payload_type for c in line.codecs if c.name == "ulpfec"), None)
        self._protection = Protection(ulpfec, self._send_time_id)
        self._announced = next((s for s in line.offered.ssrcs if s not in line.offered.rtx_of), None)
        self._link = link
        self._stream: _VideoStream | None = None
        self._keyframe_wanted = False  # by somebody behind us
        self._requests = KeyframeRequests()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def rtt_us(self) -> int | None:
        """Round-trip time as learnt from retransmissions."""
        return self._stream.nack.rtt_us if self._stream is not None else None

    def receptions(self) -> Iterator[Reception]:
        """The streams to report on."""
        if self._stream is not None:
            yield self._stream.reception

    def rtp(self, packet: RtpPacket, now_us: int) -> None:
        """Take a packet of media, with or without protection, or a retransmission."""
        if self._link.uplink.packet(len(packet.payload), packet.extension(self._send_time_id), now_us):
            self._link.uplink_fell()
        if packet.payload_type in self._originals:
            if self._stream is None or self._stream.reception.ssrc != packet.ssrc:
                self._count_drops()
                self._stream = _VideoStream(packet.ssrc, self._protection)
            place = self._stream.reception.received(packet.sequence, packet.timestamp, len(packet.payload), now_us)
            self._mend(self._stream, place[0], now_us, original=bool(self._rtx))
            self._take(self._stream, packet, place, now_us)
        elif packet.payload_type in self._rtx:
            self._retransmitted(packet, self._rtx[packet.payload_type], now_us)
        else:
            self.drops["payload_type"] += 1

    def _retransmitted(self, packet: RtpPacket, payload_type: int | None, now_us: int) -> None:
        stream = self._stream
        if stream is None or payload_type not in self._originals or len(packet.payload) <= _RTX_HEADER_BYTES:
            self.drops["rtx"] += 1  # padding that probes the line, mostly
            return
        sequence, payload = int.from_bytes(packet.payload[:_RTX_HEADER_BYTES]), packet.payload[_RTX_HEADER_BYTES:]
        place = stream.reception.place(sequence, packet.timestamp)
        self._mend(stream, place[0], now_us, original=False)
        original = RtpPacket(payload_type, packet.marker, sequence, packet.timestamp, stream.reception.ssrc, payload)
        self._take(stream, original, place, now_us)

    def _mend(self, stream: _VideoStream, sequence: int, now_us: int, *, original: bool) -> None:
        """Note for the schedule what came; after too large a hole begin again."""
        if not stream.nack.received(sequence, now_us, original=original):
            stream.assembler.abandon()

    def _take(self, stream: _VideoStream, packet: RtpPacket, place: tuple[int, int], now_us: int) -> None:
        """Take a packet by its unwrapped sequence number and timestamp."""
        if packet.payload_type in self._codecs:
            self._part_of_frame(stream, packet, place, now_us)
            return
        try:
            part = stream.fec.unwrap(packet)
            self._part_of_frame(stream, part, place, now_us)
            for sequence, lost in stream.fec.recovered(place[0], packet, part):
                self.fec_recovered += 1
                stream.nack.came_otherwise(sequence)
                time = stream.reception.place(lost.sequence, lost.timestamp)[1]
                self._part_of_frame(stream, lost, (sequence, time), now_us)
        except ValueError:
            self.drops["fec"] += 1

    def _part_of_frame(self, stream: _VideoStream, packet: RtpPacket, place: tuple[int, int], now_us: int) -> None:
        """Take a packet of media, or an empty one that stands where there is none."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None and packet.payload:
            self.drops["payload_type"] += 1
            return
        part = VideoPacket(*place, packet.marker, codec or VideoCodec.VP8, packet.payload, now_us)
        frames = stream.assembler.push(part, now_us)
        self._settle(stream, frames, now_us)

    def _settle(self, stream: _VideoStream, frames: list[Frame], now_us: int) -> None:
        """After anything happened: hand on what is complete, ask for what is missing, see when to look again."""
        for frame in frames:
            self._deliver(stream, frame, now_us)
        if stream.restarts != stream.assembler.restarts:
            stream.restarts = stream.assembler.restarts
            stream.nack = NackSchedule()
        oldest = stream.assembler.oldest_wanted
        if oldest is not None:
            stream.nack.forget_before(oldest)
        if stream.assembler.keyframe_wanted or self._keyframe_wanted:
            self._send_pli(stream.reception.ssrc, now_us)
        self._arm(stream, now_us)

    def _deliver(self, stream: _VideoStream, frame: Frame, now_us: int) -> None:
        self.frames += 1
        if frame.keyframe:
            self.keyframes += 1
            self._keyframe_wanted = False
            self._requests.arrived(now_us)
        if self.sink is not None:
            capture_us = stream.reception.clock.capture_us(frame.time)
            self.sink.push(
                VideoUnit(
                    frame.codec,
                    frame.data,
                    frame.time,
                    frame.arrival_us,
                    capture_us,
                    frame.keyframe,
                    frame.first_us,
                    now_us,
                )
            )

    def keyframe_wanted(self) -> None:
        """Ask the sender for a keyframe, now or as soon as it may be asked again."""
        self._keyframe_wanted = True
        ssrc = self._stream.reception.ssrc if self._stream is not None else self._announced
        if ssrc is not None:
            self._send_pli(ssrc, self._link.clock.now_us())

    def _send_pli(self, ssrc: int, now_us: int) -> None:
        if self._requests.ask(now_us):
            self.plis += 1
            self._link.send_rtcp(rtcp.pli(self._link.own_ssrc, ssrc))

    # --- time ---------------------------------------------------------------------------------------------------------

    def _arm(self, stream: _VideoStream, now_us: int) -> None:
        due = min(filter(None, (stream.nack.next_due_us(), stream.assembler.expires_us())), default=None)
        if due is None or self._timer is not None:
            return
        self._timer = self._link.loop.call_later(max(0, due - now_us) / _US, self._look_again)

    def _look_again(self) -> None:
        self._timer = None
        stream = self._stream
        if stream is None:
            return
        now_us = self._link.clock.now_us()
        lost = stream.nack.due(now_us)
        if lost:
            self.nacks += len(lost)
            self._link.send_rtcp(rtcp.nack(self._link.own_ssrc, stream.reception.ssrc, lost))
        self._settle(stream, stream.assembler.expire(now_us), now_us)

    def close(self) -> None:
        """Stop the clockwork."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- statistics ---------------------------------------------------------------------------------------------------

    def _count_drops(self) -> None:
        """Keep the counts of a stream that is replaced."""
        self.drops = self.all_drops()

    def all_drops(self) -> Counter[str]:
        """Packets and frames dropped, by reason."""
        drops = Counter(self.drops)
        if self._stream is not None:
            assembler = self._stream.assembler
            drops.update(late=assembler.late, given_up=assembler.given_up, broken=assembler.broken)
        return drops
