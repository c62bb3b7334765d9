"""Who is speaking, who is heard, and who is the active speaker: a pure function of levels over time.

The thresholds are absolute, so a steady tone speaks for ever and no noise floor swallows it. Attack is instant: a level
over the threshold counts in the same tick. What ends is held for ``HANGOVER_US``, so that no gap between words switches
anything.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

SPEAKING_DBOV = -50.0  # from here a source starts to speak
STILL_SPEAKING_DBOV = -55.0  # down to here it goes on
MUSIC_DBOV = -75.0  # from here music is heard, which may be soft for long
HANGOVER_US = 800_000
_INCUMBENT_DB = 6.0  # a newcomer must be louder by this to take a talker's place
_ACTIVE_DB = 3.0  # as much, on average, to become the active speaker instead of one who still speaks
_ACTIVE_AFTER_US = 600_000  # and for as long
_DECAY_DB_PER_S = 25.0  # of the loudness by which talkers are ranked
_AVERAGE_US = 400_000  # time constant of the loudness that decides the active speaker
_FLOOR_DBOV = -90.0
_HYSTERESIS_DB = SPEAKING_DBOV - STILL_SPEAKING_DBOV


@dataclass(frozen=True, slots=True)
class Selection:
    """Who is who in one tick. ``talkers`` are who is heard: the loudest of ``speaking``, with music of all audible."""

    talkers: frozenset[str] = frozenset()
    speaking: frozenset[str] = frozenset()
    active: str | None = None


@dataclass(slots=True)
class _Voice:
    loudness: float = _FLOOR_DBOV  # instant attack, slow decay
    average: float = _FLOOR_DBOV
    spoke_us: int | None = None  # when it was last over the threshold
    speaking: bool = False
    sounded_us: int | None = None  # when it was last loud enough to be heard
    audible: bool = False

    def update(self, level: float, now_us: int, elapsed_us: int, audible_dbov: float) -> None:
        level = max(level, _FLOOR_DBOV)
        self.loudness = max(level, self.loudness - _DECAY_DB_PER_S * elapsed_us / 1_000_000)
        self.average += (level - self.average) * min(1.0, elapsed_us / _AVERAGE_US)
        if level >= (STILL_SPEAKING_DBOV if self.speaking else SPEAKING_DBOV):
            self.spoke_us = now_us
        self.speaking = self.spoke_us is not None and now_us - self.spoke_us < HANGOVER_US
        if level >= audible_dbov - (_HYSTERESIS_DB if self.audible else 0):
            self.sounded_us = now_us
        self.audible = self.sounded_us is not None and now_us - self.sounded_us < HANGOVER_US


class SpeakerSelector:
    """Call ``update`` once a tick.

    Args:
        max_talkers: how many are heard at once.
        audible_dbov: from here on somebody is heard, whether he counts as speaking or not.
    """

    def __init__(self, max_talkers: int, audible_dbov: float = SPEAKING_DBOV) -> None:
        self._max_talkers = max_talkers
        self._audible_dbov = audible_dbov
        self._voices: dict[str, _Voice] = {}
        self._selection = Selection()
        self._challenger: tuple[str, int] | None = None  # who would be the active speaker, and since when
        self._now_us: int | None = None

    def update(self, now_us: int, levels: Mapping[str, float], resting: AbstractSet[str] = frozenset()) -> Selection:
        """One tick.

        Args:
            now_us: media time.
            levels: in dBov (0 loudest, -127 silence).
            resting: who has been silent for longer than the hangover. Who is in neither has left.
        """
        elapsed_us = 20_000 if self._now_us is None else max(0, now_us - self._now_us)
        self._now_us = now_us
        self._voices = {who: self._voices.get(who) or _Voice() for who in levels}
        for who, level in levels.items():
            self._voices[who].update(level, now_us, elapsed_us, self._audible_dbov)
        speaking = frozenset(who for who, voice in self._voices.items() if voice.speaking)
        self._selection = Selection(self._talkers(), speaking, self._active(speaking, resting, now_us))
        return self._selection

    def _talkers(self) -> frozenset[str]:
        before = self._selection.talkers
        audible = [who for who, voice in self._voices.items() if voice.audible]

        def rank(who: str) -> tuple[float, str]:
            return -self._voices[who].loudness - (_INCUMBENT_DB if who in before else 0.0), who

        return frozenset(sorted(audible, key=rank)[: self._max_talkers])

    def _active(self, speaking: frozenset[str], resting: AbstractSet[str], now_us: int) -> str | None:
        current = self._selection.active
        if current not in self._voices and current not in resting:
            current = None
        loudest = max(speaking, key=lambda who: (self._voices[who].average, who), default=None)
        if loudest is None or loudest == current:
            self._challenger = None
            return current
        if current not in speaking:
            self._challenger = None
            return loudest
        if self._voices[loudest].average < self._voices[current].average + _ACTIVE_DB:
            self._challenger = None
            return current
        if self._challenger is None or self._challenger[0] != loudest:
            self._challenger = (loudest, now_us)
        if now_us - self._challenger[1] < _ACTIVE_AFTER_US:
            return current
        self._challenger = None
        return loudest
