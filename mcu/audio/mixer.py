"""The audio mixer of one room: a thread that every 20 ms turns what came into what everybody hears.

Who talks hears a mix without himself, all others hear one shared mix. A talker comes into the shared mix by a ramp from
zero and hears his own mix-minus from that very block on; when he falls silent he is ramped out first and goes back to
the shared mix two blocks later. At both seams the two mixes are the same sound, so nothing clicks, and the number of
encodes follows the number of talkers, never that of participants.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Protocol

from mcu.audio.aac import AacEncoder
from mcu.audio.arrivals import PlayoutStats
from mcu.audio.mixing import Limiter, mix
from mcu.audio.outputs import Listener, Outputs
from mcu.audio.source import Source
from mcu.audio.speakers import SPEAKING_DBOV, Selection, SpeakerSelector
from mcu.clock import MediaClock, Ticker
from mcu.errors import UnknownParticipantError
from mcu.hub import PacketHub
from mcu.media import AUDIO_TICK_MS, SAMPLES_PER_TICK, AudioCodec, AudioUnit, Samples
from mcu.priority import prefer_this_thread, undisturbed
from mcu.sync import LipSync
from mcu.traces import SoundTrace

_log = logging.getLogger(__name__)

CHANNELS = 1
MIN_GAIN_DB, MAX_GAIN_DB = -60.0, 20.0
_GONE = "\0gone"  # marks the last block of who left, whose id may be back already
TICK_RATE_HZ = 1000 // AUDIO_TICK_MS
_LOOK_EVERY_TICKS = 5  # to see who receives what and who is muted; it takes a tenth of a tick in a full room
_MADE_UP_TICKS = 2  # a block that is up to 40 ms late is not a hole yet


@dataclass(frozen=True)
class Speaking:
    """Who speaks. ``muted``: by the mixer, or no packets, or digital silence, for 500 ms."""

    active: str | None
    speaking: frozenset[str]
    muted: frozenset[str]


@dataclass(frozen=True)
class MixedBlock:
    """20 ms of encoded sound; ``pts`` counts 48 kHz samples of media time. Who is not in ``own`` gets ``shared``."""

    pts: int
    shared: dict[AudioCodec, bytes]
    own: dict[str, bytes]
    trace: SoundTrace | None = None


OnSpeaking = Callable[[Speaking], None]


class AudioOutput(Protocol):
    """Where the mixes go."""

    def write(self, block: MixedBlock) -> None:
        """Take a block, on the audio thread; never blocks, never raises."""


class AudioInput(Protocol):
    """Where a participant's packets go."""

    def push(self, unit: AudioUnit) -> None:
        """Take a packet, from any thread; never blocks."""


class AudioMixer:
    """See the module.

    Args:
        clock: the room's media time.
        output: gets every block.
        max_talkers: how many are heard at once; the loudest.
        channels: 1, or 2 for music: stereo microphones are then heard in stereo.
        even_loudness: bring voices to one loudness; to be left out for music.
        audible_dbov: from here on somebody is heard.
    """

    def __init__(  # noqa: PLR0913 - what rooms differ in, all named at the call
        self,
        clock: MediaClock,
        output: AudioOutput,
        *,
        max_talkers: int = 6,
        channels: int = CHANNELS,
        even_loudness: bool = True,
        audible_dbov: float = SPEAKING_DBOV,
    ) -> None:
        self._wake = threading.Event()  # there is somebody again: a participant, a recording, or the end
        self.aac = PacketHub(request_keyframe=self._wake.set)
        self.on_speaking: OnSpeaking | None = None
        self._clock = clock
        self._output = output
        self._channels = channels
        self._even_loudness = even_loudness
        self._audible_dbov = audible_dbov
        self._selector = SpeakerSelector(max_talkers, audible_dbov)
        self._limiter = Limiter()
        self._outputs = Outputs(channels)
        self._aac: AacEncoder | None = None
        self._lock = threading.Lock()
        self._sources: dict[str, Source] = {}  # replaced, never changed, so that the thread reads it without the lock
        self._mixed: Mapping[str, Source] = {}  # as of the last tick
        self._listeners: Mapping[str, Listener] = {}  # the two as of the last look around
        self._muted: frozenset[str] = frozenset()
        self._former = PlayoutStats()  # sums over sources that have left
        self._former_failures = 0
        self._former_inbox_dropped = 0
        self._speaking = Speaking(None, frozenset(), frozenset())
        self._ticker = Ticker(TICK_RATE_HZ, made_up=_MADE_UP_TICKS)
        self._ticks = 0
        self._failures = 0
        self._aac_encodes = 0
        self._lateness_us = 0
        self._lateness_max_us = 0
        self._busy_us = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio-mixer", daemon=True)

    def start(self) -> None:
        """Begin to tick."""
        self._ticker.next = self._next_tick()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it; harmless when it never ran."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def add(self, participant_id: str, sync: LipSync, *, codec_out: AudioCodec | None) -> AudioInput:
        """A participant comes, who hears the mix in ``codec_out``; None for no sound."""
        source = Source(
            participant_id,
            sync,
            codec_out,
            self._channels,
            even_loudness=self._even_loudness,
            audible_dbov=self._audible_dbov,
        )
        with self._lock:
            self._retire(self._sources.get(participant_id))
            self._sources = {**self._sources, participant_id: source}
        self._wake.set()
        return source

    def remove(self, participant_id: str) -> None:
        """A participant goes; unknown ones are ignored."""
        with self._lock:
            self._retire(self._sources.get(participant_id))
            self._sources = {who: source for who, source in self._sources.items() if who != participant_id}

    def report_loss(self, participant_id: str, percent: float) -> None:
        """A receiver report says that so much of this participant's sound gets lost; his mix then carries FEC."""
        source = self._sources.get(participant_id)
        if source is not None:
            source.report_loss(percent, self._clock.now_us())

    def set_gain(self, participant_id: str, gain_db: float) -> None:
        """Mix a participant louder or softer, from the next tick on; any thread. A rejoin starts at 0 dB again.

        Raises:
            UnknownParticipantError: nobody of that id is here.
            ValueError: the gain is not between -60 and 20 dB.
        """
        if not MIN_GAIN_DB <= gain_db <= MAX_GAIN_DB:
            raise ValueError(f"a gain of {gain_db} dB is not between {MIN_GAIN_DB} and {MAX_GAIN_DB}")
        self._source(participant_id).gain_db = gain_db

    def set_muted(self, participant_id: str, muted: bool) -> None:
        """Let nobody hear a participant, from the next tick on; any thread. He does not count as speaking.

        Raises:
            UnknownParticipantError: nobody of that id is here.
        """
        self._source(participant_id).muted_here = muted

    def _source(self, participant_id: str) -> Source:
        source = self._sources.get(participant_id)
        if source is None:
            raise UnknownParticipantError(f"no participant {participant_id!r} in the mix")
        return source

    def _retire(self, source: Source | None) -> None:
        if source is None:
            return
        self._former = _add(self._former, source.playout.stats)
        self._former_failures += source.failures
        self._former_inbox_dropped += source.inbox_dropped

    # --- the thread --------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        prefer_this_thread()
        while not self._stopped.wait(self._ticker.wait_us(self._clock.now_us()) / 1_000_000):
            now_us = self._clock.now_us()
            if self._ticker.wait_us(now_us) == 0:
                with undisturbed():
                    self.tick(self._ticker.take(now_us))
            self._sleep_while_empty()

    def _sleep_while_empty(self) -> None:
        """An empty room that nobody records costs nothing."""
        self._wake.clear()
        if self._sources or self._mixed or self.aac.in_use or self._stopped.is_set():
            return
        self._wake.wait()
        self._ticker.next = self._next_tick()

    def _next_tick(self) -> int:
        return self._clock.now_us() // (AUDIO_TICK_MS * 1000) + 1

    def tick(self, number: int) -> None:
        """Do the work of one tick. Called by the thread; callable by whoever owns the time, instead of ``start``."""
        due_us = int(number * self._ticker.period_us)
        began_us = self._clock.now_us()
        self._lateness_us = max(0, began_us - due_us)
        self._lateness_max_us = max(self._lateness_max_us, self._lateness_us)
        try:
            self._mix(number * SAMPLES_PER_TICK, due_us, began_us)
        except Exception:  # noqa: BLE001 - one bad tick must not end the room's sound
            self._failures += 1
            if self._failures == 1 or self._failures % 500 == 0:
                _log.exception("audio tick failed, %d times so far", self._failures)
        self._ticks += 1
        self._busy_us += self._clock.now_us() - began_us

    def _mix(self, pts: int, now_us: int, began_us: int) -> None:
        full, block, selection = self._made(pts, now_us, began_us)
        self._output.write(block)
        self._record(pts, full)
        self._tell(selection)
        for who in selection.talkers:
            self._mixed[who].measure()

    def _made(self, pts: int, now_us: int, began_us: int) -> tuple[Samples, MixedBlock, Selection]:
        """The full mix, what everybody hears, and who speaks."""
        sources = self._sources
        awake = {who: source for who, source in sources.items() if not source.rests(now_us)}
        heard = {who: source.listen(now_us) for who, source in awake.items()}
        levels = {who: level for who, level in heard.items() if level is not None}
        selection = self._selector.update(now_us, levels, sources.keys() - awake.keys())
        contributions = {}
        for who, source in awake.items():
            part = source.contribute(now_us, now_us, talks=who in selection.talkers)
            if part is not None:
                contributions[who] = part
        if self._mixed is not sources or self._ticks % _LOOK_EVERY_TICKS == 0:
            self._look_around(sources, now_us)
        if self._mixed is not sources:
            self._ramp_out_who_left(sources, contributions, now_us)
        full, minus, largest = mix(contributions, self._channels)
        for who, source in awake.items():
            if source.needs_own_mix and who not in minus:
                minus[who] = full
        full, minus = self._limiter.limit(full, minus, largest)
        shared, own = self._outputs.encode(full, minus, self._listeners)
        arrivals = {who: s.arrival_us for who, s in awake.items() if s.arrival_us is not None}
        block = MixedBlock(pts, shared, own, SoundTrace(arrivals, began_us, self._clock.now_us()))
        return full, block, selection

    def _look_around(self, sources: Mapping[str, Source], now_us: int) -> None:
        listeners = {who: source.listener(now_us) for who, source in sources.items()}
        self._listeners = {who: listener for who, listener in listeners.items() if listener is not None}
        self._muted = frozenset(who for who, source in sources.items() if source.muted(now_us))

    def _ramp_out_who_left(self, sources: Mapping[str, Source], contributions: dict[str, Samples], now_us: int) -> None:
        for who, source in self._mixed.items():
            if sources.get(who) is not source:
                part = source.contribute(now_us, now_us, talks=False)
                if part is not None:
                    contributions[who + _GONE] = part
        self._mixed = sources

    def _record(self, pts: int, full: Samples) -> None:
        if not self.aac.in_use:
            self._aac = None
            return
        if self._aac is None:
            self._aac = AacEncoder(self._channels)
        for unit in self._aac.encode(pts, full):
            self._aac_encodes += 1
            self.aac.publish(unit)

    def _tell(self, selection: Selection) -> None:
        speaking = Speaking(selection.active, selection.speaking, self._muted)
        if speaking == self._speaking:
            return
        self._speaking = speaking
        if self.on_speaking is not None:
            self.on_speaking(speaking)

    # --- numbers -----------------------------------------------------------------------------------------------------

    def metrics(self) -> dict[str, float]:
        """Counters and gauges by their Prometheus names."""
        sources = list(self._sources.values())
        total = self._former
        for source in sources:
            total = _add(total, source.playout.stats)
        delays = [source.playout.delay_us for source in sources if source.playout.delay_us]
        inbox_dropped = self._former_inbox_dropped + sum(source.inbox_dropped for source in sources)
        return {
            "tutti_audio_ticks_total": self._ticks,
            "tutti_audio_ticks_skipped_total": self._ticker.skipped,
            "tutti_audio_tick_failures_total": self._failures,
            "tutti_audio_tick_lateness_seconds": self._lateness_us / 1e6,
            "tutti_audio_tick_lateness_max_seconds": self._lateness_max_us / 1e6,
            "tutti_audio_busy_seconds_total": self._busy_us / 1e6,
            "tutti_audio_encodes_total": self._outputs.encodes,
            "tutti_audio_encoders": self._outputs.running,
            "tutti_audio_aac_encodes_total": self._aac_encodes,
            "tutti_audio_packets_received_total": total.received,
            "tutti_audio_packets_lost_total": total.lost,
            "tutti_audio_concealed_seconds_total": total.concealed / 48_000,
            "tutti_audio_fec_recovered_total": total.fec_recovered,
            "tutti_audio_packets_repaired_total": total.repaired,
            "tutti_audio_dropped_late_total": total.late,
            "tutti_audio_dropped_duplicate_total": total.duplicate,
            "tutti_audio_dropped_malformed_total": total.malformed,
            "tutti_audio_dropped_overflow_total": total.overflow,
            "tutti_audio_dropped_overdue_total": total.overdue,
            "tutti_audio_dropped_inbox_total": inbox_dropped,
            "tutti_audio_stretched_seconds_total": total.stretched / 48_000,
            "tutti_audio_stream_restarts_total": total.restarts,
            "tutti_audio_source_failures_total": self._former_failures + sum(s.failures for s in sources),
            "tutti_audio_playout_delay_seconds_max": max(delays, default=0) / 1e6,
            "tutti_audio_playout_delay_seconds_mean": sum(delays) / len(delays) / 1e6 if delays else 0.0,
            "tutti_audio_levels_distrusted": sum(not source.trusted for source in sources),
            "tutti_audio_limiter_gain": self._limiter.gain,
        }


def _add(left: PlayoutStats, right: PlayoutStats) -> PlayoutStats:
    ours, theirs = asdict(left), asdict(right)
    return PlayoutStats(**{name: ours[name] + theirs[name] for name in ours})
