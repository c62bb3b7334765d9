"""Decoded sound on its way out, which can be played a little faster or slower to move the play position."""

from collections.abc import Callable

from mcu.audio import stretch
from mcu.audio.mixing import crossfade, level_dbfs, ms
from mcu.audio.samples import joined, silence
from mcu.media import SAMPLES_PER_TICK, Samples

_TRIM_ABOVE, _TRIM_BELOW = ms(2), ms(0.5)  # resampling starts and stops at these distances from the wanted position
_FASTER_ABOVE = ms(5)
_SLOW_TRIM, _FAST_TRIM = 3, stretch.MAX_TRIM  # samples a block
_SPLICE_ABOVE = ms(15)
_MOST = ms(400)  # in the queue: no delay is longer
_FAR = ms(60)  # behind; there two splices are made at once
_SOFT_DBFS = -45.0  # between words; there a moment more or less is not heard
_QUIET_DBFS = -55.0  # below it a cut anywhere is inaudible


class ElasticSound:
    """A queue of samples from which blocks of 20 ms are taken.

    Args:
        channels: of the sound.
    """

    def __init__(self, channels: int) -> None:
        self.stretched = 0  # samples gained or lost by splices
        self._channels = channels
        self._sound = silence(channels, 0)  # not yet played
        self._past = silence(channels, stretch.LONGEST_LAG)  # played last
        self._trim = 0  # samples that each block gains by resampling

    def __len__(self) -> int:
        return len(self._sound)

    def append(self, piece: Samples) -> None:
        """Queue what comes next."""
        self._sound = joined(self._sound, piece) if len(self._sound) else piece

    def clear(self) -> Samples:
        """Empty the queue; what was in it."""
        rest, self._sound = self._sound, silence(self._channels, 0)
        return rest

    def join(self, before: Samples) -> None:
        """Go over from ``before``, which was cleared, to what is queued now."""
        if len(before) >= stretch.OVERLAP and len(self._sound) >= stretch.OVERLAP:
            head = crossfade(before[: stretch.OVERLAP], self._sound[: stretch.OVERLAP])
            self._sound = joined(head, self._sound[stretch.OVERLAP :])

    def take(self, behind: int, refill: Callable[[int], object], *, patient: bool = False) -> Samples:
        """The next 960 samples.

        Args:
            behind: by how many samples the position is behind the wanted one (negative: ahead); a part is made up for.
            refill: called with a number of samples, queues what is there to have that many in hand.
            patient: a large part is made up for in pauses only, and there at once.
        """
        if abs(behind) > _SPLICE_ABOVE:
            moved = self._leap(behind, refill) or patient or self._splice(behind, refill)
            self._trim = 0 if moved else _FAST_TRIM  # too little in hand to splice, which is so only behind
        elif abs(behind) > _TRIM_ABOVE:
            trim = _FAST_TRIM if abs(behind) > _FASTER_ABOVE else _SLOW_TRIM
            self._trim = trim if behind > 0 else -trim
        elif abs(behind) < _TRIM_BELOW:
            self._trim = 0
        trim = self._trim
        if trim:
            refill(stretch.look_ahead(trim))
            if len(self._sound) < stretch.look_ahead(trim):
                trim = 0
        taken = SAMPLES_PER_TICK + trim
        block = stretch.resample(self._past, self._sound, trim) if trim else self._sound[:taken]
        self._past = self._sound[:taken][-stretch.LONGEST_LAG :]
        self._sound = self._sound[taken:]
        return block

    def take_unheard(self, behind: int, refill: Callable[[int], object]) -> Samples:
        """As ``take``, when nobody hears how the position moves."""
        self._trim = 0
        if behind > _TRIM_ABOVE:
            refill(SAMPLES_PER_TICK + min(behind, SAMPLES_PER_TICK))
            self._sound = self._sound[min(behind, len(self._sound) - SAMPLES_PER_TICK) :]
        elif behind < -_TRIM_ABOVE:
            more = silence(self._channels, min(-behind, SAMPLES_PER_TICK))
            self._sound = joined(more, self._sound)
        block, self._sound = self._sound[:SAMPLES_PER_TICK], self._sound[SAMPLES_PER_TICK:]
        return block

    def _leap(self, behind: int, refill: Callable[[int], object]) -> bool:
        """Move the position at once, where the sound is soft and as far as it is."""
        if level_dbfs(self._sound[:SAMPLES_PER_TICK]) >= _SOFT_DBFS:
            return False
        if behind < 0:
            return self._dwell(-behind)
        refill(SAMPLES_PER_TICK + behind)
        most = min(behind, len(self._sound) - SAMPLES_PER_TICK)
        blocks = range(0, most, SAMPLES_PER_TICK)
        loud = (at for at in blocks if level_dbfs(self._sound[at : at + SAMPLES_PER_TICK]) >= _SOFT_DBFS)
        left_out = min(most, next(loud, most))
        self._sound = stretch.cut(self._sound, left_out)
        self.stretched += left_out
        return True

    def _dwell(self, samples: int) -> bool:
        """Repeat 20 ms, backwards and forwards, so that all ends join, for about so many samples."""
        soft = self._sound[:SAMPLES_PER_TICK]
        room = _MOST - len(self._sound)
        turns = max(0, min(round(samples / (2 * SAMPLES_PER_TICK)), room // (2 * SAMPLES_PER_TICK)))
        self._sound = joined(soft, *[soft[::-1], soft] * turns, self._sound[SAMPLES_PER_TICK:])
        self.stretched += turns * 2 * SAMPLES_PER_TICK
        return turns > 0

    def _splice(self, behind: int, refill: Callable[[int], object]) -> bool:
        """Move the position by a pitch period or two; False when too little is in hand."""
        if behind < 0:
            self._sound, moved = stretch.lengthen(self._past, self._sound)
            self.stretched += moved
            return True
        quiet = level_dbfs(self._sound[:SAMPLES_PER_TICK]) < _QUIET_DBFS
        most = min(behind, SAMPLES_PER_TICK) if quiet else stretch.LONGEST_LAG
        refill(SAMPLES_PER_TICK + (2 if behind > _FAR else 1) * most + stretch.OVERLAP)
        if len(self._sound) < SAMPLES_PER_TICK + most + stretch.OVERLAP:
            return False
        if quiet:
            self._sound, moved = stretch.cut(self._sound, most), most
        else:
            self._sound, moved = stretch.shorten(self._sound)
            if behind > _FAR and len(self._sound) >= SAMPLES_PER_TICK + most + stretch.OVERLAP:
                self._sound, more = stretch.shorten(self._sound)
                moved += more
        self.stretched += moved
        return True
