"""An actor with its source: what is seen and heard of it at a time."""

from mcu.audio.mixing import ramp
from mcu.audio.samples import joined, silence
from mcu.media import SAMPLE_RATE_HZ, Picture, Samples
from mcu.offline.scenario import Actor, span_at
from mcu.offline.sources import MediaSource

_SPEAKING_DBOV, _SILENT_DBOV = -20.0, -127.0


class Performer:
    """Plays one actor, forward in time.

    Args:
        actor: what it does.
        source: its picture and sound; whoever opened it closes it.
    """

    def __init__(self, actor: Actor, source: MediaSource) -> None:
        self.actor = actor
        self.name = actor.name or source.name
        self.end_us = actor.here[-1][1] if actor.here else 0
        self._source = source
        self._start_us = actor.here[0][0] if actor.here else 0
        self._gain: float | None = None  # of the last block; the first one is not faded in

    @property
    def known_end_us(self) -> int | None:
        """When it is over, as far as its file tells; None when that is unknown."""
        length_us = self._source.length_us
        return None if length_us is None else min(self.end_us, self._start_us + length_us)

    @property
    def is_still(self) -> bool:
        """Whether it never ends by itself."""
        return self._source.length_us == 0

    def since_us(self, now_us: int) -> int | None:
        """When it came; None while it is not here."""
        span = span_at(self.actor.here, now_us)
        return None if span is None else span[0]

    def picture(self, now_us: int) -> Picture | None:
        """What it shows; time never goes back."""
        if now_us < self._start_us:
            return None
        picture = self._source.picture(now_us - self._start_us)
        return None if span_at(self.actor.camera_off, now_us) else picture

    def sound(self, first: int, count: int) -> Samples:
        """The samples from number ``first`` on, each asked for once, in order; fades where it is muted."""
        late = min(count, max(0, self._start_us * SAMPLE_RATE_HZ // 1_000_000 - first))
        block = silence(1, count) if late == count else self._source.sound(count - late)
        if late < count:
            gain = self._wanted_gain(first, count)
            block = ramp(block, gain if self._gain is None else self._gain, gain)
            self._gain = gain
        return block if len(block) == count else _after(late, block)

    def level_dbov(self, now_us: int, heard_dbov: float) -> float:
        """How loud it counts, when its sound has ``heard_dbov``."""
        if self.actor.speaks is None:
            return heard_dbov
        return _SPEAKING_DBOV if self._is_open(now_us) else _SILENT_DBOV

    def is_over(self, now_us: int) -> bool:
        """Whether nothing new comes from ``now_us`` on."""
        return now_us >= self.end_us or (now_us >= self._start_us and self._source.is_over(now_us - self._start_us))

    def _wanted_gain(self, first: int, count: int) -> float:
        return float(self._is_open((first + count // 2) * 1_000_000 // SAMPLE_RATE_HZ))

    def _is_open(self, now_us: int) -> bool:
        speaks = self.actor.speaks is None or span_at(self.actor.speaks, now_us) is not None
        return speaks and span_at(self.actor.here, now_us) is not None and not span_at(self.actor.muted, now_us)


def _after(late: int, block: Samples) -> Samples:
    return joined(silence(1, late), block)
