"""Which quantiser each picture is coded with, so that a stream keeps its bitrate.

Bits flow into a buffer at the bitrate, and each picture takes what it is coded with (a leaky bucket, as in H.264,
annex C). A picture is given its share, more while the buffer is fuller than wanted and less while it is not; from what
the ones before took at their quantisers follows the one at which it takes that much. The quantiser's step doubles with
each six (H.264, section 8.5), and the change of a picture takes half the bits then.

x264 does likewise, but finds out first what a picture will take by coding it roughly at half its size: a seventh of all
its time, for nothing where one picture is much like the one before.
"""

import math
from dataclasses import dataclass

from mcu.video.novelty import Look

FINEST, COARSEST = 18, 51
"""The quantisers chosen from: what is finer than the first takes bits and time that nobody sees."""

_BUFFER_S = 0.5
_FULL = 0.9  # of the buffer is wanted to be in it;
_REFILL_S = 1.0  # what is missing is taken from the pictures of so long, and what is too much given to them
_LEAST_SHARE = 0.2  # of its time's bits is for a picture, however little is in the buffer
_KEYFRAME = 0.75  # of what is in the buffer goes to a keyframe,
_FIRST = 0.48  # less to the first, of which little is known,
_LEAST_KEYFRAME = 0.2  # but at least this of a full buffer;
_NEW, _NEW_ENOUGH = 0.6, 0.5  # so much to a picture of which so much is new, and less to one of which less is;
_STILL = 0.3  # and so much to one that stands still, to get finer
_NEXT_TO_NOTHING = 0.1  # of its time's bits: who takes no more stands still
_REFINES = 0.5  # of the bits that it would take anew is what a picture takes to get finer
_KEYFRAME_FINER = 9  # than the pictures before it, at most: a third of their step
_FALLOFF = 0.72  # of what is coded by itself: bits fall with this power of the step, by half with each 8 quantisers
_GUESS = 24.0  # bits of a macroblock for each step of detail, coded by itself at a step of 1: before any was coded
_BEFORE = 2.0  # steps of detail are what was known before a keyframe worth: an empty canvas tells next to nothing
_GUESS_CHANGE = 0.3  # of a first picture's bits for the second, likewise
_TELLS, _STILL_TELLS, _NEW_TELLS = 0.3, 0.4, 0.1  # how far one change tells what the next takes


@dataclass(frozen=True, slots=True)
class _Plan:
    """What was decided for the picture that is being coded, and how many bits its time brought."""

    look: Look
    keyframe: bool
    quantiser: int
    share: float


class RateControl:
    """One stream's.

    Args:
        bitrate_bps: what the pictures take on average, over seconds.
        macroblocks: of one picture.
    """

    def __init__(self, bitrate_bps: int, macroblocks: int) -> None:
        self.bitrate_bps = bitrate_bps
        self._buffered = self._capacity  # bits; below zero when a picture took more than there was
        self._per_detail = _GUESS * macroblocks
        self._effort: float | None = None  # bits that the change of a picture usually takes at a step of 1
        self._before = 0  # the last quantiser
        self._still = False  # the last picture took next to nothing
        self._coded_at = 0  # the quantiser of the last that took more
        self._plan: _Plan | None = None

    @property
    def _capacity(self) -> float:
        return self.bitrate_bps * _BUFFER_S

    def follow(self, bitrate_bps: int) -> None:
        """Go on with another bitrate."""
        self._buffered *= bitrate_bps / self.bitrate_bps
        self.bitrate_bps = bitrate_bps

    def quantiser(self, look: Look, seconds: float, *, keyframe: bool) -> int:
        """For a picture that comes so long after the one before; the first is a keyframe. ``spent`` is to follow."""
        gained = self.bitrate_bps * seconds
        self._buffered = min(self._buffered + gained, self._capacity)
        if self._effort is None:
            wanted = self._alone(look, _FIRST)
        elif keyframe:
            wanted = max(self._alone(look, _KEYFRAME), self._before - _KEYFRAME_FINER)
        else:
            wanted = self._changed(look, gained, seconds, self._effort)
        quantiser = max(FINEST, min(math.floor(wanted + 0.5), COARSEST))
        self._plan = _Plan(look, keyframe, quantiser, gained)
        return quantiser

    def spent(self, bits: int) -> None:
        """What the picture took."""
        plan = self._plan
        assert plan is not None
        self._buffered -= bits
        self._still = bits < _NEXT_TO_NOTHING * plan.share
        if not self._still:
            self._coded_at = plan.quantiser
        effort = bits * _step(plan.quantiser)
        if self._effort is None:
            self._effort, self._before = _GUESS_CHANGE * effort, plan.quantiser + _KEYFRAME_FINER // 2
        elif plan.keyframe:
            self._before = max(self._before, plan.quantiser)
        else:
            self._before = plan.quantiser
            tells = _STILL_TELLS if self._still else _NEW_TELLS if plan.look.novelty else _TELLS
            self._effort += tells * (effort - self._effort)
        if plan.keyframe:  # what looks new may have been foretold by motion after all: it tells nothing
            told = bits * math.pow(_step(plan.quantiser), _FALLOFF)
            self._per_detail = (told + _BEFORE * self._per_detail) / (plan.look.detail + _BEFORE)

    def _alone(self, look: Look, share: float) -> float:
        """For a picture that is coded by itself."""
        return self._where_new(look.detail, max(_LEAST_KEYFRAME * self._capacity, share * self._buffered))

    def _changed(self, look: Look, gained: float, seconds: float, effort: float) -> float:
        """For a picture that is coded as the change of the one before."""
        missing = _FULL * self._capacity - self._buffered
        share = max(_LEAST_SHARE * gained, gained - missing * min(1.0, seconds / _REFILL_S))
        for_new = _NEW * min(1.0, look.novelty / _NEW_ENOUGH) * self._buffered
        bits = min(max(share, for_new), _NEW * self._capacity)
        finer = max(bits, _STILL * self._buffered) if self._still else bits
        return max(
            _quantiser(effort / bits),
            self._where_new(look.novelty * look.detail, bits),
            self._where_new(look.detail, self._anew(look.detail) + finer / _REFINES),
        )

    def _anew(self, detail: float) -> float:
        """Bits that what is there would take anew, as fine as it is."""
        return self._per_detail * detail / math.pow(_step(self._coded_at), _FALLOFF)

    def _where_new(self, detail: float, bits: float) -> float:
        """At which so much detail takes so many bits, coded by itself."""
        return _quantiser(math.pow(self._per_detail * detail / bits, 1 / _FALLOFF))


def _step(quantiser: int) -> float:
    """In units of that of quantiser 12."""
    return math.pow(2, (quantiser - 12) / 6)


def _quantiser(step: float) -> float:
    return 12 + 6 * math.log2(max(step, 1.0))
