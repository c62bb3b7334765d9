"""One participant's microphone in the mixer: a bounded inbox, a playout buffer, and the gain it is mixed with."""

import itertools
import logging
import math
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mcu.audio.levels import LevelCheck
from mcu.audio.loudness import LoudnessGain
from mcu.audio.mixing import level_dbfs, ramp
from mcu.audio.outputs import Listener
from mcu.audio.playout import SILENCE_DBOV, Played, Playout
from mcu.audio.samples import energy, peak, piecewise
from mcu.audio.speakers import SPEAKING_DBOV
from mcu.media import AUDIO_TICK_MS, AudioCodec, AudioUnit, Samples
from mcu.sync import LipSync

_log = logging.getLogger(__name__)

INBOX_UNITS = 128
_turns = itertools.count()
_MUTED_AFTER_US = 500_000
_DIGITAL_SILENCE_DBFS = -72.0  # measured; PCMA has no zero, its softest code is at -72.2
_LOSS_WORTH_FEC_PERCENT = 2.0
_LOSS_MEMORY_US = 10_000_000  # FEC stays on for as long after the last report of loss
_RESTS_AFTER_US = 1_000_000  # of silence; longer than the speaker selection holds on to anybody
_TENDED_EVERY_US = 400_000  # while at rest; less than makes anybody count as muted, or forgets his sound's delay
_LINGER_BLOCKS = 2  # a mix-minus outlives its owner's ramp-out by one block: Opus codes 6.5 ms of the past


def _within_scale(block: Samples) -> Samples:
    return np.clip(block, -1, 1)


class Source:
    """What the mixer knows of one participant. ``push`` may be called from any thread, the rest from the mixer's.

    Who says that he is silent is soon *at rest*: nothing is done for him in a tick, until a packet says otherwise. So a
    tick costs what is heard in it, however many are in the room.

    Drop policy of the inbox: *drop-oldest*. It fills only while the mixer's thread stands still.

    Args:
        participant_id: whose it is.
        sync: told when this sound is played.
        codec_out: what this participant receives, None for nothing.
        channels: of the mix.
        even_loudness: whether a slow gain brings this voice to the loudness of the others.
        audible_dbov: what is softer is never heard.
    """

    def __init__(  # noqa: PLR0913 - what rooms differ in, named at the one call
        self,
        participant_id: str,
        sync: LipSync,
        codec_out: AudioCodec | None,
        channels: int,
        *,
        even_loudness: bool = True,
        audible_dbov: float = SPEAKING_DBOV,
    ) -> None:
        self.id = participant_id
        self.codec_out = codec_out
        self.playout = Playout(channels)
        self.inbox_dropped = 0
        self.failures = 0
        self.level: float = SILENCE_DBOV  # of the coming 20 ms
        self.arrival_us: int | None = None  # of the newest packet that began to be heard in the last block
        self.gain_db = 0.0  # set from outside, from any thread
        self.muted_here = False  # as well
        self._audible_dbov = audible_dbov
        self._sync = sync
        self._lock = threading.Lock()
        self._inbox: deque[AudioUnit] = deque()
        self._played: Played | None = None  # pulled already, because its level had to be measured
        self._unmeasured: Samples | None = None  # a block that the next line has not been told of
        self._loudness = LoudnessGain() if even_loudness else None
        self._check = LevelCheck()
        self._caught = False  # lying, since the last tick
        self._claim: float | None = None  # what the sender says of the coming 20 ms
        self._gain = 0.0  # at the end of the last block, all gains together
        self._linger = 0
        self._sounded_us: int | None = None
        self._resting = False
        self._roused = False  # a packet has come since the last look at the inbox that may be heard
        self._quiet_since_us: int | None = None
        self._tend_us = 0  # when it is looked after next
        self._turn_us = next(_turns) * AUDIO_TICK_MS * 1000 % _TENDED_EVERY_US  # not all in one tick
        self._broken = False  # failed in this tick
        self._listener = None if codec_out is None else Listener(codec_out)
        self._loss_percent = 0
        self._loss_us = 0

    def push(self, unit: AudioUnit) -> None:
        """Take a packet; never blocks."""
        with self._lock:
            if len(self._inbox) >= INBOX_UNITS:
                self._inbox.popleft()
                self.inbox_dropped += 1
            self._inbox.append(unit)
            if unit.level_dbov is None or unit.level_dbov <= -self._audible_dbov:
                self._roused = True

    def rests(self, now_us: int) -> bool:
        """Whether there is nothing to do for this one in this tick."""
        if not self._resting:
            return False
        try:
            if self._roused:
                self._resume(self._take_inbox(), now_us)
            elif now_us >= self._tend_us:
                self._tend(now_us)
        except Exception:  # noqa: BLE001 - whatever one source does, the others go on
            self._resting = False
            self._fail()
        return self._resting

    def _resume(self, units: Sequence[AudioUnit], now_us: int) -> None:
        self._resting, self._quiet_since_us = False, None
        self.playout.resume(units, now_us, self._sync.pictures_offset_us(now_us))

    def _tend(self, now_us: int) -> None:
        """Take note of what came, and tell the pictures what the delay of the sound would be."""
        self._tend_us = now_us + _TENDED_EVERY_US
        units = self._take_inbox()
        if any(unit.level_dbov != -SILENCE_DBOV for unit in units):
            self._sounded_us = now_us
        left = self.playout.skim(units)
        if left:
            self._resume(left, now_us)
            return
        capture_us = self.playout.would_play(now_us, self._sync.pictures_offset_us(now_us))
        if capture_us is not None:
            self._sync.note_audio(capture_us, now_us)
        if units:
            self._sync.note_delay(self.playout.delay_us)

    def _settle(self, now_us: int) -> None:
        """Come to rest after a while in which the sender said that he was silent."""
        quiet = self._check.trusted and self._claim is not None and self._claim < self._audible_dbov
        if not quiet or self._broken:
            self._quiet_since_us = None
        elif self._quiet_since_us is None:
            self._quiet_since_us = now_us
        elif now_us - self._quiet_since_us >= _RESTS_AFTER_US:
            self._resting = True
            self._tend_us = now_us + self._turn_us
            self.playout.rest()

    def listen(self, now_us: int) -> float | None:
        """Take in what has come; the level of the coming 20 ms, measured when the sender does not tell, or lies.

        None: not to be considered. He is muted here, or has just been caught lying and loses the place he had.
        """
        self._played = None
        self._broken = False
        muted = self.muted_here
        try:
            for unit in self._take_inbox():
                self.playout.push(unit)
            self._claim = told = self.playout.level()
            if told is None or not self._check.trusted:
                decode = not muted or self._gain > 0
                self._played = self._pull(now_us, decode=decode)
                told = self._measure(self._played)
                if decode:
                    self._verify(self._played, told)
            self.level = told
        except Exception:  # noqa: BLE001 - whatever one source does, the others go on
            self._fail()
        if self.level > SILENCE_DBOV:
            self._sounded_us = now_us
        caught, self._caught = self._caught, False
        return None if muted or caught else self.level

    def contribute(self, now_us: int, playout_us: int, *, talks: bool) -> Samples | None:
        """This source's part of the mix, None when it has none; its gain moves in ramps of one block."""
        start, self._gain, self.arrival_us = self._gain, 0.0, None
        heard = start > 0 or talks
        self._linger = _LINGER_BLOCKS if heard else max(0, self._linger - 1)
        if self._broken:
            return None
        try:
            played = self._played or self._pull(now_us, decode=heard)
            if played.live:
                self._sync.note_delay(self.playout.delay_us)
            if played.capture_us is not None:
                self._sync.note_audio(played.capture_us, playout_us)
            if not heard:
                self._settle(now_us)
                return None
            self._quiet_since_us = None
            wanted = self._wanted_gain(played)
            self._gain = wanted if talks else 0.0
            self.arrival_us = played.arrival_us
            return ramp(played.samples, start, self._gain)
        except Exception:  # noqa: BLE001 - whatever one source does, the others go on
            self._fail()
            return None

    def measure(self) -> None:
        """Let the gain that evens this voice follow the last block. It takes a while: once that has gone out."""
        sound, self._unmeasured = self._unmeasured, None
        if sound is not None and self._loudness is not None:
            self._loudness.update(sound)

    def report_loss(self, percent: float, now_us: int) -> None:
        """This participant says that so much of what we send does not arrive."""
        if percent >= _LOSS_WORTH_FEC_PERCENT:
            self._loss_percent, self._loss_us = min(30, round(percent)), now_us

    def listener(self, now_us: int) -> Listener | None:
        """What this participant receives, None for nothing."""
        if self._loss_percent > 0 and self.codec_out is not None and now_us - self._loss_us < _LOSS_MEMORY_US:
            return Listener(self.codec_out, self._loss_percent)
        return self._listener

    @property
    def needs_own_mix(self) -> bool:
        """Whether the shared mix holds, or just held, this participant's own voice."""
        return self._linger > 0

    def muted(self, now_us: int) -> bool:
        """Muted here, or no packets, or digital silence, for half a second."""
        return self.muted_here or self._sounded_us is None or now_us - self._sounded_us >= _MUTED_AFTER_US

    @property
    def trusted(self) -> bool:
        """Whether the levels that the sender claims are believed."""
        return self._check.trusted

    @property
    def loudness_gain_db(self) -> float:
        """What evens this voice with the others."""
        return 0.0 if self._loudness is None else self._loudness.gain_db

    def _take_inbox(self) -> list[AudioUnit]:
        with self._lock:
            units = list(self._inbox)
            self._inbox.clear()
            self._roused = False
        return units

    def _pull(self, now_us: int, *, decode: bool) -> Played:
        offset_us = self._sync.pictures_offset_us(now_us)
        played = self.playout.pull(now_us, decode=decode, pictures_offset_us=offset_us)
        if not decode:
            return played
        if not math.isfinite(energy(played.samples)):
            raise ValueError("the decoder gave numbers that are none")
        # A damaged Opus packet may be 40 dB over full scale, for which the limiter would hush everybody for a second.
        if peak(played.samples) > 1:
            return replace(played, samples=piecewise(_within_scale, played.samples))
        return played

    def _wanted_gain(self, played: Played) -> float:
        """All gains together, after this block."""
        self._unmeasured = played.samples if played.live else None
        if played.live and self._check.trusted:
            self._verify(played, level_dbfs(played.samples))
        return float(10 ** ((self.gain_db + self.loudness_gain_db) / 20))

    def _verify(self, played: Played, measured: float) -> None:
        """Compare with the claim, if there is one."""
        if played.live and self._claim is not None and self._check.note(self._claim, measured):
            self._caught = True

    @staticmethod
    def _measure(played: Played) -> float:
        level = level_dbfs(played.samples) if played.live else SILENCE_DBOV
        return level if level > _DIGITAL_SILENCE_DBFS else SILENCE_DBOV

    def _fail(self) -> None:
        """Silence this source for this tick; the others go on."""
        self.failures += 1
        self._broken = True
        self._gain = 0.0
        self.level = SILENCE_DBOV
        if self.failures == 1 or self.failures % 500 == 0:
            _log.exception("sound of %s failed, %d times so far", self.id, self.failures)
