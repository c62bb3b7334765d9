"""Sound that comes in on one line: packets into units, and lost ones asked for again.

A thin shell, as ``receive`` is: which packets to ask for, and when, is for ``nack`` to know.
"""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from mcu.media import AudioCodec, AudioUnit
from mcu.rtc import rtcp
from mcu.rtc.nack import NackSchedule
from mcu.rtc.negotiate import AnswerLine
from mcu.rtc.receive import Link
from mcu.rtc.reception import Reception
from mcu.rtc.rtp import AUDIO_LEVEL_URI, RtpPacket

if TYPE_CHECKING:
    import asyncio

MAX_MISSING = 16  # packets; a larger hole is an outage, over before anything of it could be sent again
PATIENCE_US = 200_000  # what has not come by then would not be waited for (``mcu.audio.repairs``)
_US = 1_000_000


class AudioInput(Protocol):
    """Where received sound goes."""

    def push(self, unit: AudioUnit) -> None:
        """Take a packet; must not block."""


class AudioReceiver:
    """Sound from one line: every packet becomes a unit as it comes.

    A new stream (another SSRC) continues the count of the one before, so that nobody behind sees it. Where the peer
    sends lost packets again, it is asked to; on the same SSRC, since no browser does it otherwise for sound. Those are
    not counted as received, unless the lost one comes too: our reports go on telling the truth about the line, by which
    the peer decides on FEC and on how much it sends.

    Args:
        line: what was agreed on.
        link: the peer.
    """

    def __init__(self, line: AnswerLine, link: Link) -> None:
        self.sink: AudioInput | None = None
        self.drops: Counter[str] = Counter()
        self.nacks = 0  # packets asked for
        self._codecs = {c.payload_type: (AudioCodec(c.name), c.clock_hz) for c in line.codecs}
        self._level_id = line.extensions.get(AUDIO_LEVEL_URI)
        self._link = link
        self._stream: Reception | None = None
        self._shift = (0, 0)  # from the stream's own sequence numbers and timestamps to the units'
        self._newest = (0, 0, 0)  # sequence, timestamp, arrival of the newest unit
        self._repairs = any("nack" in c.feedback for c in line.codecs)
        self._nack = _schedule()
        self._expected = 0  # sequence number on the wire that comes next when nothing is amiss
        self._timer: asyncio.TimerHandle | None = None

    def receptions(self) -> Iterator[Reception]:
        """The streams to report on."""
        if self._stream is not None:
            yield self._stream

    def rtp(self, packet: RtpPacket, now_us: int) -> None:
        """Take a packet."""
        known = self._codecs.get(packet.payload_type)
        if known is None:
            self.drops["payload_type"] += 1
            return
        codec, clock_hz = known
        stream = self._stream
        if stream is None or stream.ssrc != packet.ssrc:
            stream = self._begin_stream(packet, clock_hz, now_us)
        if packet.sequence == self._expected:  # nearly all do
            self._expected = packet.sequence + 1 & 0xFFFF
            number, time = stream.received(packet.sequence, packet.timestamp, len(packet.payload), now_us)
            repaired = False
        else:
            number, time, repaired = self._out_of_order(stream, packet, now_us)
        capture_us = stream.clock.capture_us(time)
        number, time = number + self._shift[0], time + self._shift[1]
        if not repaired and number >= self._newest[0]:
            self._newest = (number, time, now_us)
        if self.sink is None:
            return
        if not packet.payload:
            self.drops["empty"] += 1
            return
        level = packet.extension(self._level_id)
        level_dbov = level[0] & 0x7F if level else None
        self.sink.push(AudioUnit(codec, packet.payload, number, time, now_us, capture_us, level_dbov, repaired))

    def _begin_stream(self, packet: RtpPacket, clock_hz: int, now_us: int) -> Reception:
        if self._stream is not None:
            number, time, arrival_us = self._newest
            elapsed = (now_us - arrival_us) * clock_hz // _US
            self._shift = (number + 1 - packet.sequence, time + elapsed - packet.timestamp)
        self._stream = Reception(packet.ssrc, clock_hz)
        self._expected = packet.sequence
        self._newest = (packet.sequence + self._shift[0] - 1, 0, now_us)
        self._nack = _schedule()
        return self._stream

    # --- what is missing ----------------------------------------------------------------------------------------------

    def _out_of_order(self, stream: Reception, packet: RtpPacket, now_us: int) -> tuple[int, int, bool]:
        """The place of a packet that others went before or are missing before, and whether it was sent again."""
        number, time = stream.place(packet.sequence, packet.timestamp)
        if not self._repairs:
            again = False
        else:
            self._nack.line_rtt_us = self._link.rtt_us
            again = self._nack.answered(number, now_us) or self._nack.doubled(number)
            if self._nack.premature(number):
                stream.came_after_all(len(packet.payload))
            self._nack.came_in_order(self._newest[0] - self._shift[0])
            self._nack.received(number, now_us, original=not again)
            self._arm(now_us)
        if not again:
            stream.received(packet.sequence, packet.timestamp, len(packet.payload), now_us)
        if number + self._shift[0] > self._newest[0]:
            self._expected = packet.sequence + 1 & 0xFFFF
        return number, time, again

    def _arm(self, now_us: int) -> None:
        due_us = self._nack.next_due_us()
        if due_us is not None and self._timer is None:
            self._timer = self._link.loop.call_later(max(0, due_us - now_us) / _US, self._ask)

    def _ask(self) -> None:
        self._timer = None
        if self._stream is None:
            return
        now_us = self._link.clock.now_us()
        lost = self._nack.due(now_us)
        if lost:
            self.nacks += len(lost)
            self._link.send_rtcp(rtcp.nack(self._link.own_ssrc, self._stream.ssrc, lost))
        self._arm(now_us)

    def close(self) -> None:
        """Stop the clockwork."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def keyframe_wanted(self) -> None:
        """Sound has none."""


def _schedule() -> NackSchedule:
    return NackSchedule(max_missing=MAX_MISSING, patience_us=PATIENCE_US)
