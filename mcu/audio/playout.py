"""The playout buffer of one source: packets as the network brings them → 20 ms of sound at every tick.

Pure: time comes as an argument. A sample with the stream time ``r`` is played at ``base + r + delay``, where ``base``
is the fastest transit and ``delay`` follows the measured jitter. What is due and not there is recovered (in-band FEC)
or concealed; a play position off the wanted one is moved by resampling, by splices or, when far off, by a cut.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mcu.audio.arrivals import Arrivals, Packet, PlayoutStats, to_us
from mcu.audio.codecs import RTP_CLOCK_HZ, Decoder, make_decoder
from mcu.audio.decoding import PRE_ROLL_PACKETS, SourceDecoder
from mcu.audio.elastic import ElasticSound
from mcu.audio.mixing import ms, ramp
from mcu.audio.opus import MAX_PACKET_SAMPLES
from mcu.audio.repairs import LATENESS_US
from mcu.audio.samples import joined, silence
from mcu.media import SAMPLE_RATE_HZ, SAMPLES_PER_TICK, AudioCodec, AudioUnit, Samples

MIN_DELAY_US = 20_000
MAX_DELAY_US = 400_000
SILENCE_DBOV = -127.0

_MARGIN_US = 5_000  # for the tick's own lateness and the resampler's look-ahead
_CUT_ABOVE = ms(200)
_FEC_MEMORY_US = 5_000_000  # how long after a loss the buffer keeps room for the next packet's copy
_PACKETS_IN_HAND = 16  # decoded and not yet played: 2.5 ms the shortest
_UNHEARD_PACKETS = 32  # remembered of a silent sender: what may still be due when he speaks


@dataclass(frozen=True, slots=True)
class Played:
    """20 ms of one source.

    ``capture_us`` is the sender's clock at the first sample, None while unknown or made up. ``live`` is False when
    every sample is made up or stands for nothing received. ``arrival_us`` is when the newest packet came that begins in
    it, None when none does.
    """

    samples: Samples
    capture_us: int | None
    live: bool
    arrival_us: int | None = None


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
        self._decoder = SourceDecoder(channels, self.stats, make)
        self._sound = ElasticSound(channels)
        self._packet_samples = SAMPLES_PER_TICK
        self._level: float | None = SILENCE_DBOV  # as the sender said of the packet decoded last
        self._lost_us = -_FEC_MEMORY_US
        self._unheard: deque[AudioUnit] = deque(maxlen=_UNHEARD_PACKETS)  # came while at rest
        # what belongs to one run of timestamps
        self._arrivals = Arrivals(self.stats)
        self._cursor: int | None = None  # stream time of the next sample to be decoded, None before the start
        self._sequence = 0  # of the packet decoded last
        self._capture: tuple[int, int] | None = None  # stream time and capture time that belong together
        # where packets in hand begin, and when they came
        self._begun: deque[tuple[int, int]] = deque(maxlen=_PACKETS_IN_HAND)
        self._owed = 0  # samples made up while there was no telling what is missing

    def push(self, unit: AudioUnit) -> None:
        """Take a packet, whenever it comes."""
        self.stats.received += 1
        samples = self._decoder.duration(unit)
        if samples is None:
            return
        packet = Packet(unit, unit.rtp_time * (SAMPLE_RATE_HZ // RTP_CLOCK_HZ[unit.codec]), samples)
        if self._arrivals.jumped(packet):
            self._restart()
        self._arrivals.add(packet, self._cursor)
        if unit.repaired:
            self._lost_us = unit.arrival_us

    def level(self) -> float | None:
        """What the sender says of the next 20 ms in dBov; None when it does not say, -127 when there is nothing."""
        levels = [self._level] if len(self._sound) and not self._decoder.made_up else []
        if self._cursor is not None and len(self._sound) < SAMPLES_PER_TICK:
            first = self._arrivals.first()
            if first is not None:
                levels.append(None if first.unit.level_dbov is None else -float(first.unit.level_dbov))
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
        base_us = self._arrivals.estimator.base_us
        if base_us is None:
            return self._run_out()
        wanted = self._to_samples(now_us - base_us - self._wanted_delay_us(now_us, base_us, pictures_offset_us))
        if self._cursor is None and not self._start(wanted):
            return self._run_out()
        if wanted - self._position > _CUT_ABOVE:
            self._cut(wanted, decode=decode)
        live = self._fill(SAMPLES_PER_TICK, decode=decode) or self._decoder.made_up == 0
        position = self._position
        self.delay_us = now_us - base_us - to_us(position)
        capture_us = None
        if live and self._owed == 0 and self._capture is not None:
            capture_us = self._capture[1] + to_us(position - self._capture[0])
        behind = wanted - position if self._owed == 0 else 0

        def refill(count: int) -> bool:
            return self._fill_from_waiting(count, decode=decode)

        if decode:
            samples = self._sound.take(behind, refill, patient=now_us < self._arrivals.repairs.patient_until_us)
        else:
            samples = self._sound.take_unheard(behind, refill)
        self.stats.stretched = self._sound.stretched
        return Played(samples, capture_us, live, self._arrival_until(position + SAMPLES_PER_TICK))

    def _arrival_until(self, position: int) -> int | None:
        """When the newest packet came that begins before ``position``."""
        arrival_us = None
        while self._begun and self._begun[0][0] < position:
            arrival_us = self._begun.popleft()[1]
        return arrival_us

    # --- while the sender is silent ----------------------------------------------------------------------------------

    def rest(self) -> None:
        """Hold nothing ready until ``resume``: all that is to be done until then is ``skim``."""
        self._sound.clear()
        self._decoder.rest()
        self._begun.clear()
        self._cursor = None
        self._owed = 0
        self._level = SILENCE_DBOV

    def skim(self, units: Sequence[AudioUnit]) -> Sequence[AudioUnit]:
        """Packets that nobody is going to hear: note when they come, at a tenth of what playing silence costs.

        Returns:
            Those that no longer continue the timestamps, not noted: reason to ``resume``.
        """
        for number, unit in enumerate(units):
            start_us = unit.rtp_time * 1_000_000 // RTP_CLOCK_HZ[unit.codec]
            if not unit.repaired and not self._arrivals.keeps_pace(start_us, unit.arrival_us):
                return units[number:]
            self.stats.received += 1
            self._unheard.append(unit)
        return ()

    def would_play(self, now_us: int, pictures_offset_us: int | None = None) -> int | None:
        """The sender's clock at what would be played now, were it not at rest; None while unknown."""
        base_us = self._arrivals.estimator.base_us
        if base_us is None or not self._unheard or self._unheard[-1].arrival_us < now_us - MAX_DELAY_US:
            return None
        newest = self._unheard[-1]
        start_us = newest.rtp_time * 1_000_000 // RTP_CLOCK_HZ[newest.codec]
        if newest.capture_us is not None:
            self._capture = (self._to_samples(start_us), newest.capture_us)
        self.delay_us = self._wanted_delay_us(now_us, base_us, pictures_offset_us)
        if newest.capture_us is None:
            return None
        return newest.capture_us + now_us - base_us - self.delay_us - start_us

    def resume(self, units: Sequence[AudioUnit], now_us: int, pictures_offset_us: int | None = None) -> None:
        """Be ready to play: ``units`` have come, and one of them can be heard."""
        for unit in units:
            self.push(unit)
        base_us = self._arrivals.estimator.base_us
        if base_us is not None:
            wanted = self._to_samples(now_us - base_us - self._wanted_delay_us(now_us, base_us, pictures_offset_us))
            for unit in self._unheard:
                self._recall(unit, wanted - PRE_ROLL_PACKETS * self._packet_samples)
            self._decoder.skip(self._arrivals.take_until(wanted))
            self._start(wanted)
        self._unheard.clear()

    def _recall(self, unit: AudioUnit, since: int) -> None:
        """Keep a packet that came while at rest, unless it was over before ``since``."""
        start = unit.rtp_time * (SAMPLE_RATE_HZ // RTP_CLOCK_HZ[unit.codec])
        if start + MAX_PACKET_SAMPLES <= since:
            return
        samples = self._decoder.duration(unit)
        if samples is not None:
            self._arrivals.recall(Packet(unit, start, samples))

    # --- where to play -----------------------------------------------------------------------------------------------

    @staticmethod
    def _to_samples(duration_us: int) -> int:
        return duration_us * SAMPLE_RATE_HZ // 1_000_000

    @property
    def _position(self) -> int:
        """Stream time of the next sample to be played."""
        assert self._cursor is not None
        return self._cursor - len(self._sound)

    def _wanted_delay_us(self, now_us: int, base_us: int, pictures_offset_us: int | None) -> int:
        packet_us = to_us(self._packet_samples)
        lateness_us = self._arrivals.estimator.spread_us(now_us)
        if now_us - self._lost_us < _FEC_MEMORY_US and self._decoder.knows_opus:
            lateness_us += packet_us
        if now_us < self._arrivals.repairs.until_us:
            lateness_us = max(lateness_us, LATENESS_US)
        delay_us = lateness_us + packet_us + _MARGIN_US
        if pictures_offset_us is not None and self._capture is not None:
            start, capture_us = self._capture
            delay_us = max(delay_us, pictures_offset_us + capture_us - to_us(start) - base_us)
        return min(max(delay_us, MIN_DELAY_US), MAX_DELAY_US)

    def _start(self, wanted: int) -> bool:
        first = self._arrivals.first()
        if first is None or first.start > wanted:
            return False
        self._go_to(first)
        return True

    def _go_to(self, packet: Packet) -> None:
        self._cursor = packet.start
        self._sequence = packet.unit.sequence - 1
        self._owed = 0

    def _cut(self, wanted: int, *, decode: bool) -> None:
        """Skip what is hopelessly overdue."""
        dropped = self._arrivals.drop_until(wanted)
        first = self._arrivals.first()
        if first is None or self._cursor is None or first.start <= self._cursor:
            return
        self.stats.lost += max(0, first.unit.sequence - 1 - self._sequence - dropped)
        self._go_to(first)
        before = self._sound.clear()
        self._fill(SAMPLES_PER_TICK, decode=decode)
        self._sound.join(before)

    def _restart(self) -> None:
        self.stats.restarts += 1
        self._arrivals = Arrivals(self.stats)
        self._cursor = None
        self._capture = None
        self._begun.clear()
        self._owed = 0
        self._decoder.restart()
        self._unheard.clear()

    def _run_out(self) -> Played:
        """Silence, after what was left of the stream before."""
        rest = self._sound.clear()[:SAMPLES_PER_TICK]
        self._decoder.run_out()
        missing = silence(self._channels, SAMPLES_PER_TICK - len(rest))
        return Played(joined(ramp(rest, 1, 0), missing) if len(rest) else missing, None, live=False)

    # --- what is played ----------------------------------------------------------------------------------------------

    def _fill(self, count: int, *, decode: bool) -> bool:
        """Have ``count`` samples in hand, made up where packets miss. Says whether a packet was used."""
        used = self._fill_from_waiting(count, decode=decode)
        while len(self._sound) < count:
            self._bridge(decode=decode)
            used = self._fill_from_waiting(count, decode=decode) or used
        return used

    def _fill_from_waiting(self, count: int, *, decode: bool) -> bool:
        """As far as packets are there."""
        used = False
        while len(self._sound) < count and self._cursor is not None:
            packet = self._arrivals.take(self._cursor)
            if packet is None:
                break
            self._note(packet)
            self._sound.append(self._decoder.decode(packet, heard=decode))
            used = True
        return used

    def _note(self, packet: Packet) -> None:
        """This packet is played next."""
        unit = packet.unit
        self._cursor = packet.end
        self._sequence = unit.sequence
        self._owed = 0
        if unit.capture_us is not None:
            self._capture = (packet.start, unit.capture_us)
        self._packet_samples = packet.samples
        self._begun.append((packet.start, unit.arrival_us))
        self._level = None if unit.level_dbov is None else -float(unit.level_dbov)

    # --- what is missing ---------------------------------------------------------------------------------------------

    def _bridge(self, *, decode: bool) -> None:
        """Put something in the place of a packet that is not there."""
        following = self._arrivals.first()
        if following is None:  # late, lost or not sent: what comes next will tell
            self._owed += SAMPLES_PER_TICK
            self._sound.append(self._decoder.conceal(SAMPLES_PER_TICK, heard=decode))
            return
        assert self._cursor is not None
        gap = following.start - self._cursor
        if gap < 0:  # it overlaps what has been played
            self._arrivals.take(following.start)
            self.stats.late += 1
            return
        lost = following.unit.sequence > self._sequence + 1  # else the sender was silent (DTX)
        if gap > 0 and not lost:
            self._decoder.note_pause()
        bridged, self._owed = min(gap, self._owed), 0
        if bridged:  # it has been made up for already
            self._cursor += bridged
            self._count(following, bridged, lost=lost)
            return
        step = min(gap, self._packet_samples)
        self._cursor += step
        recovered = None
        if lost and step == gap and decode:
            recovered = self._decoder.recover(following.unit, step)
        if recovered is None:
            self._count(following, step, lost=lost)
            self._sound.append(self._decoder.conceal(step, heard=decode))
            return
        self.stats.fec_recovered += 1
        self._sequence = following.unit.sequence - 1
        self._arrivals.recovered.append(self._sequence)
        self._lost_us = following.unit.arrival_us
        self._sound.append(recovered)

    def _count(self, following: Packet, samples: int, *, lost: bool) -> None:
        if lost:
            packets = max(1, samples // self._packet_samples)
            self._sequence = min(self._sequence + packets, following.unit.sequence - 1)
            self.stats.lost += packets
            self.stats.concealed += samples
            self._lost_us = following.unit.arrival_us
