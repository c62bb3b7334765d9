"""The playout buffer of one source: packets as the network brings them → 20 ms of sound at every tick.

Pure: time comes as an argument. A sample with the stream time ``r`` is played at ``base + r + delay``, where ``base``
is the fastest transit and ``delay`` follows the measured jitter. What is due and not there is recovered (in-band FEC)
or concealed; a play position off the wanted one is moved by resampling, by splices or, in silence and when far off, by
a cut. Drop policy when full: *drop-oldest*.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mcu.audio import stretch
from mcu.audio.codecs import RTP_CLOCK_HZ, Decoder, make_decoder
from mcu.audio.jitter import DelayEstimator
from mcu.audio.mixing import crossfade, level_dbfs, ms, ramp, silence
from mcu.errors import CodecError
from mcu.media import SAMPLE_RATE_HZ, SAMPLES_PER_TICK, AudioCodec, AudioUnit, Samples

MAX_PACKETS = 128
MIN_DELAY_US = 20_000
MAX_DELAY_US = 400_000
SILENCE_DBOV = -127.0

_MARGIN_US = 5_000  # for the tick's own lateness and the resampler's look-ahead
_TRIM_ABOVE, _TRIM_BELOW = ms(2), ms(0.5)  # resampling starts and stops at these distances from the wanted position
_SPLICE_ABOVE = ms(15)
_CUT_ABOVE = ms(200)
_QUIET_DBFS = -55.0  # below it a cut anywhere is inaudible
_FADE_AFTER, _FADE_LENGTH = ms(60), ms(100)  # concealment is trusted for 60 ms, then it fades away
_FADE_AFTER_IN_DTX = ms(1000)  # a DTX sender refreshes its comfort noise every 400 ms
_LONG_SILENT = 10 * SAMPLE_RATE_HZ  # made up for so long that the next sound fades in
_DTX_BYTES = 2  # an Opus packet that says "nothing to hear" (RFC 6716 section 2.1.9)
_AHEAD_US = -1_000_000  # nothing overtakes the fastest packet by a second: the stream's clock has jumped
_BEHIND_US = MAX_DELAY_US + 200_000
_BEHIND_PACKETS, _BEHIND_SPAN_US = 5, 80_000  # as many that far behind, at their usual pace, are a new timeline
_REMEMBERED = 512  # sequence numbers by which a duplicate is told from a late packet
_FEC_MEMORY_US = 5_000_000  # how long after a loss the buffer keeps room for the next packet's copy


@dataclass(slots=True)
class PlayoutStats:
    """What happened to one source's sound since it came."""

    received: int = 0
    lost: int = 0  # packets that never came in time
    concealed: int = 0  # samples made up for them
    fec_recovered: int = 0  # packets taken from the copy in the next one
    late: int = 0
    duplicate: int = 0
    malformed: int = 0  # no packets of their codec
    overflow: int = 0  # dropped from a full buffer
    overdue: int = 0  # dropped by a cut
    restarts: int = 0
    stretched: int = 0  # samples gained or lost by splices


@dataclass(frozen=True, slots=True)
class Played:
    """20 ms of one source.

    ``capture_us`` is the sender's clock at the first sample, None while unknown or made up. ``live`` is False when
    every sample is made up or stands for nothing received.
    """

    samples: Samples
    capture_us: int | None
    live: bool


@dataclass(frozen=True, slots=True)
class _Packet:
    unit: AudioUnit
    start: int  # stream time of the first sample, 48 kHz
    samples: int

    @property
    def end(self) -> int:
        return self.start + self.samples


def _us(samples: int) -> int:
    return samples * 1_000_000 // SAMPLE_RATE_HZ


@dataclass(slots=True)
class _Stream:
    """What belongs to one run of timestamps and is forgotten at a restart."""

    estimator: DelayEstimator = field(default_factory=DelayEstimator)
    packets: dict[int, _Packet] = field(default_factory=dict)  # by start
    cursor: int | None = None  # stream time of the next sample to be decoded, None before the start
    behind: list[int] = field(default_factory=list)  # arrivals of the packets in a row that were far too late
    seen: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    sequence: int = 0  # of the packet decoded last
    capture: tuple[int, int] | None = None  # stream time and capture time that belong together
    owed: int = 0  # samples made up while there was no telling what is missing


class Playout:
    """See the module.

    Args:
        channels: of the sound that comes out.
        make: makes the decoder of a codec.
    """

    def __init__(self, channels: int = 1, make: Callable[[AudioCodec, int], Decoder] = make_decoder) -> None:
        self.stats = PlayoutStats()
        self.delay_us = 0  # of the last block, over the fastest transit
        self._channels = channels
        self._make = make
        self._decoder: Decoder | None = None
        self._codec: AudioCodec | None = None
        self._stream = _Stream()
        self._sound = silence(channels, 0)  # decoded, not yet played
        self._past = silence(channels, stretch.LONGEST_LAG)  # played last
        self._packet_samples = SAMPLES_PER_TICK
        self._level: float | None = SILENCE_DBOV  # as the sender said of the packet decoded last
        self._made_up = _LONG_SILENT  # samples concealed in a row
        self._in_dtx = False
        self._trim = 0
        self._lost_us = -_FEC_MEMORY_US
        self._skipped: deque[_Packet] = deque(maxlen=2)  # not decoded, but known to the decoder before it is heard

    # --- packets in --------------------------------------------------------------------------------------------------

    def push(self, unit: AudioUnit) -> None:
        """Take a packet, whenever it comes."""
        self.stats.received += 1
        try:
            packet = self._parse(unit)
        except CodecError:
            self.stats.malformed += 1
            return
        if self._jumped(packet):
            self._restart()
        stream = self._stream
        if unit.sequence in stream.seen:
            self.stats.duplicate += 1
            return
        stream.seen.append(unit.sequence)
        stream.estimator.note(_us(packet.start), unit.arrival_us)
        if stream.cursor is not None and packet.start < stream.cursor:
            self.stats.late += 1
            return
        stream.packets[packet.start] = packet
        if len(stream.packets) > MAX_PACKETS:
            del stream.packets[min(stream.packets)]
            self.stats.overflow += 1

    def _parse(self, unit: AudioUnit) -> _Packet:
        if unit.codec is not self._codec:
            self._decoder = self._make(unit.codec, self._channels)
            self._codec = unit.codec
            self._skipped.clear()
        assert self._decoder is not None
        samples = self._decoder.duration(unit.data)
        return _Packet(unit, unit.rtp_time * (SAMPLE_RATE_HZ // RTP_CLOCK_HZ[unit.codec]), samples)

    def _jumped(self, packet: _Packet) -> bool:
        """Whether the stream's timestamps no longer continue."""
        stream = self._stream
        if stream.estimator.base_us is None:
            return False
        behind_us = packet.unit.arrival_us - _us(packet.start) - stream.estimator.base_us
        if behind_us <= _BEHIND_US:
            stream.behind.clear()
            return behind_us < _AHEAD_US
        stream.behind.append(packet.unit.arrival_us)
        return len(stream.behind) >= _BEHIND_PACKETS and stream.behind[-1] - stream.behind[0] >= _BEHIND_SPAN_US

    def _restart(self) -> None:
        self.stats.restarts += 1
        self._stream = _Stream()
        self._skipped.clear()
        if self._codec is not None:
            self._decoder = self._make(self._codec, self._channels)

    # --- sound out ---------------------------------------------------------------------------------------------------

    def level(self) -> float | None:
        """What the sender says of the next 20 ms in dBov; None when it does not say, -127 when there is nothing."""
        stream = self._stream
        levels = [self._level] if len(self._sound) and not self._made_up else []
        if stream.cursor is not None and len(self._sound) < SAMPLES_PER_TICK and stream.packets:
            dbov = stream.packets[min(stream.packets)].unit.level_dbov
            levels.append(None if dbov is None else -float(dbov))
        known = [level for level in levels if level is not None]
        if len(known) < len(levels):
            return None
        return max(known, default=SILENCE_DBOV)

    def pull(self, now_us: int, *, decode: bool = True, pictures_offset_us: int | None = None) -> Played:
        """The next 20 ms, shape (960, channels).

        Args:
            now_us: the tick's media time.
            decode: False when nobody hears this source: time goes on, the sound is silence.
            pictures_offset_us: media time minus capture time at which the source's pictures can be shown; its sound
                waits for them.
        """
        stream = self._stream
        base_us = stream.estimator.base_us
        if base_us is None:
            return self._run_out()
        wanted_us = now_us - base_us - self._wanted_delay_us(now_us, pictures_offset_us)
        wanted = wanted_us * SAMPLE_RATE_HZ // 1_000_000
        if stream.cursor is None and not self._start(wanted):
            return self._run_out()
        self._jump(wanted, decode=decode)
        live = self._fill(SAMPLES_PER_TICK, decode=decode) or self._made_up == 0
        assert stream.cursor is not None
        position = stream.cursor - len(self._sound)
        self.delay_us = now_us - base_us - _us(position)
        capture_us = None
        if live and stream.owed == 0 and stream.capture is not None:
            capture_us = stream.capture[1] + _us(position - stream.capture[0])
        samples = self._take(wanted - position if stream.owed == 0 else 0, decode=decode)
        return Played(samples, capture_us, live)

    def _run_out(self) -> Played:
        """Silence, after what was left of the stream before."""
        block = silence(self._channels)
        rest = self._sound[:SAMPLES_PER_TICK]
        block[: len(rest)] = ramp(rest, 1, 0)
        self._sound = silence(self._channels, 0)
        self._made_up = _LONG_SILENT
        return Played(block, None, live=False)

    def _wanted_delay_us(self, now_us: int, pictures_offset_us: int | None) -> int:
        stream = self._stream
        packet_us = _us(self._packet_samples)
        delay_us = stream.estimator.spread_us(now_us) + packet_us + _MARGIN_US
        if now_us - self._lost_us < _FEC_MEMORY_US and self._codec is AudioCodec.OPUS:
            delay_us += packet_us
        if pictures_offset_us is not None and stream.capture is not None and stream.estimator.base_us is not None:
            start, capture_us = stream.capture
            delay_us = max(delay_us, pictures_offset_us + capture_us - _us(start) - stream.estimator.base_us)
        return min(max(delay_us, MIN_DELAY_US), MAX_DELAY_US)

    def _start(self, wanted: int) -> bool:
        first = min(self._stream.packets, default=None)
        if first is None or first > wanted:
            return False
        self._stream.cursor = first
        self._stream.sequence = self._stream.packets[first].unit.sequence - 1
        return True

    def _jump(self, wanted: int, *, decode: bool) -> None:
        """Drop what is hopelessly overdue."""
        stream = self._stream
        assert stream.cursor is not None
        if wanted - (stream.cursor - len(self._sound)) < _CUT_ABOVE or not stream.packets:
            return
        newest = max(stream.packets)
        target = min((start for start, packet in stream.packets.items() if packet.end > wanted), default=newest)
        if target <= stream.cursor:
            return
        overdue = [start for start in stream.packets if start < target]
        for start in overdue:
            del stream.packets[start]
        self.stats.overdue += len(overdue)
        missing = stream.packets[target].unit.sequence - 1 - stream.sequence - len(overdue)
        self.stats.lost += max(0, missing)
        stream.sequence = stream.packets[target].unit.sequence - 1
        stream.cursor = target
        stream.owed = 0
        before = self._sound[: stretch.OVERLAP]
        self._sound = silence(self._channels, 0)
        self._fill(SAMPLES_PER_TICK, decode=decode)
        if len(before) == stretch.OVERLAP:
            self._sound[: stretch.OVERLAP] = crossfade(before, self._sound[: stretch.OVERLAP])

    def _fill(self, samples: int, *, decode: bool, make_up: bool = True) -> bool:
        """Decode until ``samples`` are in hand; without ``make_up`` only what is there. Says if a packet was used."""
        used = False
        while len(self._sound) < samples:
            packet = self._stream.packets.pop(self._cursor, None)
            if packet is not None:
                piece = self._decode(packet, decode=decode)
                used = True
            elif make_up:
                piece = self._bridge(decode=decode)
            else:
                break
            self._sound = np.concatenate([self._sound, piece])
        return used

    @property
    def _cursor(self) -> int:
        assert self._stream.cursor is not None
        return self._stream.cursor

    def _decode(self, packet: _Packet, *, decode: bool) -> Samples:
        stream, unit = self._stream, packet.unit
        stream.cursor = packet.end
        stream.sequence = unit.sequence
        stream.owed = 0
        if unit.capture_us is not None:
            stream.capture = (packet.start, unit.capture_us)
        self._packet_samples = packet.samples
        self._level = None if unit.level_dbov is None else -float(unit.level_dbov)
        self._in_dtx = unit.codec is AudioCodec.OPUS and len(unit.data) <= _DTX_BYTES
        if not decode:
            self._skipped.append(packet)
            self._made_up = 0
            return silence(self._channels, packet.samples)
        assert self._decoder is not None
        try:
            while self._skipped:  # let the decoder know what went before, or its first block is off
                self._decoder.decode(self._skipped.popleft().unit.data)
            piece = self._decoder.decode(unit.data)
        except CodecError:
            self.stats.malformed += 1
            return self._conceal(packet.samples, decode=True)
        return self._resume(piece)

    def _resume(self, piece: Samples) -> Samples:
        """Fade back in after concealment that had faded."""
        gain = self._fade(self._made_up)
        self._made_up = 0
        if gain == 1:
            return piece
        piece = piece.copy()
        head = piece[: stretch.OVERLAP]
        head *= np.linspace(gain, 1, len(head), dtype=np.float32)[:, np.newaxis]
        return piece

    def _fade(self, made_up: int) -> float:
        after = _FADE_AFTER_IN_DTX if self._in_dtx else _FADE_AFTER
        return min(1.0, max(0.0, 1 - (made_up - after) / _FADE_LENGTH))

    def _conceal(self, samples: int, *, decode: bool) -> Samples:
        start, end = self._fade(self._made_up), self._fade(self._made_up + samples)
        self._made_up += samples
        if not decode or self._decoder is None or start == 0:
            return silence(self._channels, samples)
        piece = self._decoder.conceal(samples)
        if end < 1:
            piece = piece * np.linspace(start, end, samples, dtype=np.float32)[:, np.newaxis]
        return piece

    def _bridge(self, *, decode: bool) -> Samples:
        """Something for the place of a packet that is not there."""
        stream = self._stream
        if not stream.packets:  # late, lost or not sent: what comes next will tell
            stream.owed += SAMPLES_PER_TICK
            return self._conceal(SAMPLES_PER_TICK, decode=decode)
        following = stream.packets[min(stream.packets)]
        gap = following.start - self._cursor
        lost = following.unit.sequence > stream.sequence + 1  # else the sender was silent (DTX)
        bridged = min(gap, stream.owed)
        stream.owed = 0
        if bridged:
            self._count_lost(following.unit, bridged, lost=lost)
            stream.cursor = self._cursor + bridged
            return silence(self._channels, 0)
        step = min(gap, self._packet_samples)
        stream.cursor = self._cursor + step
        if lost and step == gap and decode and self._decoder is not None:
            recovered = self._decoder.recover(following.unit.data, step)
            if recovered is not None:
                self.stats.fec_recovered += 1
                stream.sequence = following.unit.sequence - 1
                self._lost_us = following.unit.arrival_us
                return self._resume(recovered)
        self._count_lost(following.unit, step, lost=lost)
        return self._conceal(step, decode=decode)

    def _count_lost(self, following: AudioUnit, samples: int, *, lost: bool) -> None:
        if lost:
            packets = max(1, samples // self._packet_samples)
            self._stream.sequence = min(self._stream.sequence + packets, following.sequence - 1)
            self.stats.lost += packets
            self.stats.concealed += samples
            self._lost_us = following.arrival_us

    # --- keeping the delay -------------------------------------------------------------------------------------------

    def _take(self, behind: int, *, decode: bool) -> Samples:
        """Play 960 samples, on the way moving the position by some of the ``behind`` samples it is off."""
        if not decode:
            return self._take_unheard(behind)
        if abs(behind) > _SPLICE_ABOVE:
            self._trim = 0
            self._splice(behind, decode=decode)
        elif abs(behind) > _TRIM_ABOVE:
            self._trim = stretch.MAX_TRIM if behind > 0 else -stretch.MAX_TRIM
        elif abs(behind) < _TRIM_BELOW:
            self._trim = 0
        trim = self._trim
        if trim:
            self._fill(stretch.look_ahead(trim), decode=decode, make_up=False)
            if len(self._sound) < stretch.look_ahead(trim):
                trim = 0
        taken = SAMPLES_PER_TICK + trim
        block = stretch.resample(self._past, self._sound, trim) if trim else self._sound[:taken]
        self._past = np.concatenate([self._past, self._sound[:taken]])[-stretch.LONGEST_LAG :]
        self._sound = self._sound[taken:]
        return block

    def _take_unheard(self, behind: int) -> Samples:
        self._trim = 0
        if behind > _TRIM_ABOVE:
            self._fill(SAMPLES_PER_TICK + min(behind, SAMPLES_PER_TICK), decode=False, make_up=False)
            self._sound = self._sound[min(behind, len(self._sound) - SAMPLES_PER_TICK) :]
        elif behind < -_TRIM_ABOVE:
            more = silence(self._channels, min(-behind, SAMPLES_PER_TICK))
            self._sound = np.concatenate([more, self._sound])
        block, self._sound = self._sound[:SAMPLES_PER_TICK], self._sound[SAMPLES_PER_TICK:]
        return block

    def _splice(self, behind: int, *, decode: bool) -> None:
        quiet = level_dbfs(self._sound[:SAMPLES_PER_TICK]) < _QUIET_DBFS
        if behind < 0:
            self._sound, moved = stretch.lengthen(self._past, self._sound)
            self.stats.stretched += moved
            return
        most = min(behind, SAMPLES_PER_TICK) if quiet else stretch.LONGEST_LAG
        self._fill(SAMPLES_PER_TICK + most + stretch.OVERLAP, decode=decode, make_up=False)
        if len(self._sound) < SAMPLES_PER_TICK + most + stretch.OVERLAP:
            return
        if quiet:
            self._sound, moved = stretch.cut(self._sound, most), most
        else:
            self._sound, moved = stretch.shorten(self._sound)
        self.stats.stretched += moved
