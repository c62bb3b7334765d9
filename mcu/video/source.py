"""One video source: encoded units in, the picture to show now out."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Protocol

from layouts.geometry import Size
from mcu.clock import MediaClock
from mcu.errors import CodecError
from mcu.media import Picture, VideoUnit
from mcu.traces import PictureTrace
from mcu.video.budget import DecodeBudget
from mcu.video.decode import Decoder, vp8_size
from mcu.video.pictures import PictureQueue
from mcu.video.scale import halved
from mcu.video.scene import SourceState
from mcu.video.shape import Shape
from mcu.video.thinning import Thinner

_log = logging.getLogger(__name__)

MAX_UNITS, MAX_BYTES = 30, 8_000_000
"""Encoded pictures that may wait for the decode pool."""

LIVE_US = 1_500_000
"""A camera is live if a picture came within this time."""

SCREEN_LIVE_US = 3_000_000
"""A screen likewise: browsers repeat one that stands still about once a second."""

DROPS = (
    "off_stage", "no_keyframe", "overflow", "over_budget", "thinned", "undecodable", "empty", "closed", "late", "early",
)  # fmt: skip
"""Why units and pictures are dropped; *late* pictures were overtaken by a newer one, *early* ones by a full queue."""

_COSTLY_US = 20_000_000  # how long it counts as costly after its budget was spent
_MAX_HOLD_US = 500_000  # a picture never waits longer for its sound
_LATELY_US = 1_000_000  # that long a wait for the decoder says something
_ASK_AGAIN_US = 1_000_000  # a keyframe that was asked for and did not come


class VideoInput(Protocol):
    """Where a participant's received video goes."""

    def push(self, unit: VideoUnit) -> None:
        """Take one encoded picture, in decoding order without holes. Any thread; never blocks."""


class Sync(Protocol):
    """When a picture is to be shown, see ``mcu.sync.LipSync``."""

    def due_us(self, capture_us: int | None, arrival_us: int) -> int:
        """The media time at which a picture, captured and arrived then, is due."""


class VideoSource:
    """Decodes while on stage; off stage a unit costs next to nothing.

    Units wait in a bounded queue, drop policy *to-keyframe*: when it is full, all of it goes and the source starts
    again at the next keyframe, which it asks for. It does the same after a unit that cannot be decoded, and when it has
    spent its decode budget. At most one job of a source is with the pool, so its pictures stay in order.

    Args:
        sync: says when each picture is due.
        request_keyframe: asks the sender for a keyframe; any thread.
        submit: runs a job on the decode pool.
        live_us: how long after its last picture it still counts as live.
        clock: the room's; without one no traces are kept.
        largest: no tile is larger; pictures beyond twice that are halved in the pool, which the tick would do anyway.
        cpu_us: processor time of the calling thread, in microseconds.
    """

    def __init__(  # noqa: PLR0913 - made in one place
        self,
        sync: Sync,
        request_keyframe: Callable[[], None],
        submit: Callable[[Callable[[], None]], None],
        live_us: int = LIVE_US,
        clock: MediaClock | None = None,
        *,
        largest: Size | None = None,
        cpu_us: Callable[[], int] = lambda: time.thread_time_ns() // 1000,
    ) -> None:
        self.budget = DecodeBudget()
        self.drops: Counter[str] = Counter()  # units dropped, by reason
        self.decoded = 0
        self.keyframe_requests = 0
        self.pictures = PictureQueue()
        self.size = (0, 0)  # of the last picture that is known of; off stage, of the last VP8 keyframe
        self.shown: Picture | None = None  # what the tile shows; the video thread's own
        self._sync = sync
        self._request_keyframe = request_keyframe
        self._submit = submit
        self._live_us = live_us
        self._largest = largest
        self._cpu_us = cpu_us
        self._clock = clock
        self._lock = threading.Lock()
        self._units: deque[VideoUnit] = deque()
        self._on_stage = False
        self._closed = False
        self._busy = False  # a job of this source is with the pool
        self._needs_keyframe = True
        self._asked_us: int | None = None  # when the sender was last asked for a keyframe
        self._decoder: Decoder | None = None  # touched by the job alone, or under the lock while there is none
        self._surprises = 0  # exceptions that no bitstream should bring about
        self._shape = Shape()
        self._thinner = Thinner()
        self._overspent_us: int | None = None  # when its budget was last spent
        self._waited: tuple[int, int] | None = None  # when the last unit's turn to be decoded came, after how long
        self._sign_us: int | None = None  # last sign of life: a picture; off stage, a unit

    def push(self, unit: VideoUnit) -> None:
        """Take one encoded picture (see ``VideoInput``)."""
        with self._lock:
            ask = self._admit(unit)
            submit = bool(self._units) and not self._busy
            self._busy |= submit
        if ask:
            self._ask()
        if submit:
            self._submit(self._work)

    def _admit(self, unit: VideoUnit) -> bool:
        """Queue or drop; returns whether to ask for a keyframe."""
        if self._closed or not unit.data:
            self.drops["closed" if self._closed else "empty"] += 1
            return False
        if not self._on_stage:
            self.drops["off_stage"] += 1
            self._sign_us = unit.arrival_us
            if unit.keyframe and (size := vp8_size(unit.data)) and all(size):
                self.size = size
                self._shape.note(*size, unit.arrival_us)
            return False
        if not self.budget.allows(unit.arrival_us):
            self._units.append(unit)
            self._drop_over_budget()
            return False
        if len(self._units) >= MAX_UNITS or sum(len(waiting.data) for waiting in self._units) > MAX_BYTES:
            self.drops["overflow"] += len(self._units)
            self._units.clear()
            self._needs_keyframe = True
        if self._needs_keyframe and not unit.keyframe:
            self.drops["no_keyframe"] += 1
            return self._may_ask(unit.arrival_us)
        self._needs_keyframe = False
        if self._thinner.spares(unit):
            self.drops["thinned"] += 1
            return False
        self._units.append(unit)
        return False

    def _drop_over_budget(self) -> None:
        """Nothing more until there is time for it again, and then from a keyframe on."""
        self.drops["over_budget"] += len(self._units)
        self._overspent_us = self._sign_us = self._units[-1].arrival_us  # it is there, only too costly
        self._units.clear()
        self._needs_keyframe = True

    def set_stage(self, *, on: bool, now_us: int) -> None:
        """Begin or end decoding; coming on stage asks for a keyframe."""
        with self._lock:
            if on == self._on_stage or self._closed:
                return
            self._on_stage = on
            self._forget()
            self._asked_us = now_us
        if on:
            self._ask()
        else:
            self.shown = None

    def close(self) -> None:
        """End for good."""
        with self._lock:
            self._closed = True
            self._forget()

    def take(self, now_us: int) -> Picture | None:
        """What the tile shows at ``now_us``: the last picture that came due, None when the source is not live."""
        picture = self.pictures.take(now_us)
        if picture is not None:
            self.shown = picture
        elif self.shown is not None and not self.state(now_us).live:
            self.shown = None
        return self.shown

    def state(self, now_us: int) -> SourceState:
        """Shape, liveness and cost."""
        with self._lock:
            live = self._sign_us is not None and now_us - self._sign_us <= self._live_us
            costly = self._overspent_us is not None and now_us - self._overspent_us < _COSTLY_US
            return SourceState(self._shape.aspect, live, costly)

    def waited_us(self, now_us: int) -> int | None:
        """How long the unit waited that was decoded last; None if that is a while ago."""
        waited = self._waited
        return waited[1] if waited is not None and now_us - waited[0] < _LATELY_US else None

    @property
    def decoding(self) -> bool:
        """Whether it holds a decoder."""
        return self._decoder is not None

    def all_drops(self) -> Counter[str]:
        """Units and pictures dropped, by reason."""
        waited = Counter(late=self.pictures.overtaken, early=self.pictures.overflowed)
        with self._lock:
            return self.drops + waited

    def _forget(self) -> None:
        self._units.clear()
        self._needs_keyframe = True
        self.pictures.clear()
        if not self._busy:
            self._decoder = None

    def _may_ask(self, now_us: int) -> bool:
        if self._asked_us is not None and now_us - self._asked_us < _ASK_AGAIN_US:
            return False
        self._asked_us = now_us
        return True

    def _ask(self) -> None:
        self.keyframe_requests += 1
        try:
            self._request_keyframe()
        except Exception:  # noqa: BLE001 - the way back to a peer may break at any moment; its media thread must not
            _log.exception("a keyframe cannot be asked for")

    def _work(self) -> None:
        """The job: decode one unit, then queue up again behind the other sources."""
        with self._lock:
            if self._units and not self.budget.allows(self._units[0].arrival_us):
                self._drop_over_budget()
            unit = self._units.popleft() if self._units else None
        began_us = self._cpu_us()
        if unit is not None:
            self._note_wait(unit)
            self._decode(unit)
        with self._lock:
            self.budget.spend(self._cpu_us() - began_us)
            self._busy = bool(self._units)
            again = self._busy
            if not again and (self._closed or not self._on_stage):
                self._decoder = None
        if again:
            self._submit(self._work)

    def _note_wait(self, unit: VideoUnit) -> None:
        if self._clock is not None:
            now_us = self._clock.now_us()
            self._waited = (now_us, now_us - (unit.arrival_us if unit.whole_us is None else unit.whole_us))

    def _decode(self, unit: VideoUnit) -> None:
        try:
            picture = self._picture(unit)
        except CodecError as error:
            _log.debug("a unit of %d bytes is dropped: %s", len(unit.data), error)
            self._fail(unit)
            return
        except Exception:  # noqa: BLE001 - whatever a hostile bitstream brings about costs its sender alone
            self._surprises += 1
            if (
                self._surprises & (self._surprises - 1) == 0
            ):  # the 1st, 2nd, 4th, 8th …: nobody fills the disk with them
                _log.exception("a unit of %d bytes broke its decoder (%d times)", len(unit.data), self._surprises)
            self._fail(unit)
            return
        with self._lock:
            self.decoded += 1
            if picture is None or self._closed or not self._on_stage:
                return
            self._sign_us = unit.arrival_us
            self._shape.note(*self.size, unit.arrival_us)
            self.pictures.push(picture)

    def _picture(self, unit: VideoUnit) -> Picture | None:
        if self._decoder is None or self._decoder.codec is not unit.codec:
            self._decoder = Decoder(unit.codec)
        picture = self._decoder.decode(unit.data)
        if picture is None:
            return None
        self.size = (picture.width, picture.height)
        if self._largest is not None:
            picture = halved(picture, self._largest)
        due_us = min(self._sync.due_us(unit.capture_us, unit.arrival_us), unit.arrival_us + _MAX_HOLD_US)
        return Picture(picture.y, picture.u, picture.v, due_us, self._trace(unit))

    def _trace(self, unit: VideoUnit) -> PictureTrace | None:
        if self._clock is None:
            return None
        first_us = unit.arrival_us if unit.first_us is None else unit.first_us
        whole_us = unit.arrival_us if unit.whole_us is None else unit.whole_us
        return PictureTrace(first_us, unit.arrival_us, whole_us, self._clock.now_us())

    def _fail(self, unit: VideoUnit) -> None:
        """Start again at a keyframe, with a fresh decoder."""
        self._decoder = None
        with self._lock:
            self.drops["undecodable"] += 1
            while self._units and not self._units[0].keyframe:
                self._units.popleft()
                self.drops["no_keyframe"] += 1
            self._needs_keyframe = not self._units
            ask = self._needs_keyframe and self._may_ask(unit.arrival_us)
        if ask:
            self._ask()
