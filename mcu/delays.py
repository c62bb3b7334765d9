"""How long pictures and sounds take through the mixer, stage by stage.

For the room since its start, for each participant lately.

Written on the room's loop, when the first packet of a mix has gone out; ``mcu.traces`` tells what was before.
"""

from bisect import bisect_left
from collections.abc import Iterable
from struct import Struct

from mcu.clock import MediaClock
from mcu.media import EncodedFrame
from mcu.messages import DelayHistogram, StageDelay
from mcu.stage import SCREEN_SUFFIX
from mcu.traces import Shown, SoundTrace

BOUNDS_MS = (1, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 250, 500, 1000)
RECENT_US = 10_000_000
RECENT_ROWS = 300  # of each way: 10 s of pictures

PICTURE, SCREEN, SOUND = "picture", "screen", "sound"
_WAYS = {
    (PICTURE, "in"): ("receive", "decode", "hold", "wait", "compose", "encode", "total"),
    (SCREEN, "in"): ("receive", "decode", "hold", "wait", "compose", "encode", "total"),
    (SOUND, "in"): ("wait", "mix", "total"),
    (PICTURE, "out"): ("send",),
    (SOUND, "out"): ("send",),
}
_BOUNDS_US = tuple(1000 * bound for bound in BOUNDS_MS)
_BOUNDS_S = tuple(bound / 1000 for bound in BOUNDS_MS)
_FORMS = {way: Struct(f"={1 + len(stages)}q") for way, stages in _WAYS.items()}  # of a row


class _Histogram:
    """How many delays were within each bound and beyond the one before, and beyond the last."""

    __slots__ = ("counts", "sum_us")

    def __init__(self) -> None:
        self.counts = [0] * (len(_BOUNDS_US) + 1)
        self.sum_us = 0

    def add(self, delay_us: int) -> None:
        self.counts[bisect_left(_BOUNDS_US, delay_us)] += 1
        self.sum_us += delay_us


class _Recent:
    """The newest rows of one way: when, and a delay for each stage. Drop policy when full: *drop oldest*.

    Packed, for there are 60,000 in a room of a hundred: as tuples they were more than half of all objects that a
    garbage collection went through.
    """

    __slots__ = ("_form", "_next", "_rows")

    def __init__(self, form: Struct) -> None:
        self._form = form
        self._rows = bytearray()
        self._next = 0  # where the next is written once all are

    def add(self, now_us: int, delays_us: tuple[int, ...]) -> None:
        if len(self._rows) < RECENT_ROWS * self._form.size:
            self._rows += self._form.pack(now_us, *delays_us)
            return
        self._form.pack_into(self._rows, self._next, now_us, *delays_us)
        self._next = (self._next + self._form.size) % len(self._rows)

    def since(self, at_us: int) -> list[tuple[int, ...]]:
        """The delays of the rows from then on, in no order."""
        return [row[1:] for row in self._form.iter_unpack(self._rows) if row[0] >= at_us]


class DelayBook:
    """The delays of one room. Everything on the room's loop.

    Args:
        clock: the room's.
    """

    def __init__(self, clock: MediaClock) -> None:
        self._clock = clock
        self._histograms = {way: tuple(_Histogram() for _ in stages) for way, stages in _WAYS.items()}
        self._recent: dict[str, dict[tuple[str, str], _Recent]] = {}  # by participant

    def join(self, participant_id: str) -> None:
        """Keep a record of somebody from now on."""
        self._recent[participant_id] = {}

    def leave(self, participant_id: str) -> None:
        """Forget somebody."""
        self._recent.pop(participant_id, None)

    # --- writing ------------------------------------------------------------------------------------------------------

    def picture_sent(self, participant_id: str, frame: EncodedFrame) -> None:
        """The first packet of ``frame`` has gone out to this participant."""
        now_us = self._clock.now_us()
        self._note(participant_id, (PICTURE, "out"), now_us, (now_us - frame.encoded_us,))
        mix = frame.mix
        if mix is None or mix.sent:
            return
        mix.sent = True
        for source_id, shown in mix.shown.items():
            owner = source_id.removesuffix(SCREEN_SUFFIX)
            way = (PICTURE if owner == source_id else SCREEN, "in")
            self._note(owner, way, now_us, _picture(shown, mix.painted_us, frame.encoded_us, now_us))

    def sound_sent(self, participant_ids: Iterable[str], trace: SoundTrace, sent_us: int) -> None:
        """A block of sound has gone out to these participants by then."""
        for id_ in participant_ids:
            self._note(id_, (SOUND, "out"), sent_us, (sent_us - trace.mixed_us,))
        for who, arrival_us in trace.arrivals.items():
            delays = (trace.begun_us - arrival_us, trace.mixed_us - trace.begun_us, sent_us - arrival_us)
            self._note(who, (SOUND, "in"), sent_us, delays)

    def _note(self, participant_id: str, way: tuple[str, str], now_us: int, delays: tuple[int, ...]) -> None:
        recent = self._recent.get(participant_id)
        if recent is None:
            return
        for histogram, delay_us in zip(self._histograms[way], delays, strict=True):
            histogram.add(delay_us)
        rows = recent.get(way)
        if rows is None:
            rows = recent[way] = _Recent(_FORMS[way])
        rows.add(now_us, delays)

    # --- reading ------------------------------------------------------------------------------------------------------

    def recent(self, participant_id: str) -> dict[str, dict[str, StageDelay]]:
        """The last seconds of somebody by medium and stage; what there was nothing of is left out."""
        since_us = self._clock.now_us() - RECENT_US
        told: dict[str, dict[str, StageDelay]] = {}
        for way, rows in self._recent.get(participant_id, {}).items():
            columns = zip(*rows.since(since_us), strict=True)
            for stage, column in zip(_WAYS[way], columns, strict=False):  # no rows, no columns
                told.setdefault(way[0], {})[stage] = _summary(column)
        return told

    def histograms(self) -> dict[str, dict[str, DelayHistogram]]:
        """Since the room's start, of everybody together, by medium and stage; empty ones are left out."""
        told: dict[str, dict[str, DelayHistogram]] = {}
        for way, histograms in self._histograms.items():
            for stage, histogram in zip(_WAYS[way], histograms, strict=True):
                if any(histogram.counts):
                    counts, sum_s = tuple(histogram.counts), histogram.sum_us / 1e6
                    told.setdefault(way[0], {})[stage] = DelayHistogram(bounds_s=_BOUNDS_S, counts=counts, sum_s=sum_s)
        return told


def _picture(shown: Shown, painted_us: int, encoded_us: int, now_us: int) -> tuple[int, ...]:
    """The stages of ``_WAYS``, in their order: but for *receive* and *total* one begins where the other ends."""
    trace = shown.trace
    held_until_us = max(trace.decoded_us, min(shown.due_us, shown.taken_us))
    return (
        trace.whole_us - trace.first_us,
        trace.decoded_us - trace.whole_us,
        held_until_us - trace.decoded_us,
        shown.taken_us - held_until_us,
        painted_us - shown.taken_us,
        encoded_us - painted_us,
        now_us - trace.last_us,
    )


def _summary(delays_us: Iterable[int]) -> StageDelay:
    ordered = sorted(delays_us)

    def percentile_ms(percent: int) -> float:
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1000

    return StageDelay(count=len(ordered), p50_ms=percentile_ms(50), p95_ms=percentile_ms(95))
