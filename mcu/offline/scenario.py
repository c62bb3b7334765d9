"""A conference as it is to be rendered: who is there from when to when, and what they do. Frozen values."""

from dataclasses import dataclass, field
from pathlib import Path

from layouts.model import Kind, Options
from layouts.motion import DEFAULT_DURATION_US
from layouts.templates import Template
from mcu.messages import VideoConfig
from mcu.video.style import NO_STYLE, CanvasStyle

FOREVER_US = 1 << 60
Spans = tuple[tuple[int, int], ...]
"""Stretches of media time, from (inclusive) to (exclusive), in microseconds; rising, none overlaps the next."""

ALWAYS: Spans = ((0, FOREVER_US),)
NEVER: Spans = ()


def span_at(spans: Spans, now_us: int) -> tuple[int, int] | None:
    """The stretch that ``now_us`` lies in; None between and beside them."""
    return next((span for span in spans if span[0] <= now_us < span[1]), None)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody, or somebody's screen.

    Attributes:
        id: unique.
        source: a file, or a pattern (``mcu.offline.patterns``). Its time begins when the actor first comes.
        name: as written on the tile; "" for the source's own.
        kind: camera or screen.
        here: when the actor is in the room.
        camera_off: when nothing is to be seen of it; a screen is gone meanwhile.
        muted: when it is not heard, and marked so.
        speaks: when it is heard and counts as speaking; None: as its sound tells.
        trouble: when its tile bears the sign of a bad network.
    """

    id: str
    source: Path | str
    name: str = ""
    kind: Kind = Kind.CAMERA
    here: Spans = ALWAYS
    camera_off: Spans = NEVER
    muted: Spans = NEVER
    speaks: Spans | None = None
    trouble: Spans = NEVER


@dataclass(frozen=True, slots=True)
class Look:
    """How the canvas looks from ``at_us`` on."""

    at_us: int = 0
    layout: str | Template = "grid"
    options: Options = field(default_factory=Options)
    style: CanvasStyle = NO_STYLE


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that decides the movie.

    Attributes:
        actors: in order of joining, where they come at the same time.
        looks: rising in time, the first at 0.
        video: canvas, frame rate and bitrate.
        labels: whether names and signs are written on the tiles, and who speaks is framed.
        as_room: layouts that were not made for screens give way to ``presentation`` while one is shared, as in a room.
        motion_us: how long tiles take from one layout to the next; 0 for a jump.
        length_us: None: as long as the longest clip; of pictures and patterns alone, five seconds after the last thing
            that happens.
    """

    actors: tuple[Actor, ...] = ()
    looks: tuple[Look, ...] = (Look(),)
    video: VideoConfig = field(default_factory=VideoConfig)
    labels: bool = True
    as_room: bool = False
    motion_us: int = DEFAULT_DURATION_US
    length_us: int | None = None

    def look(self, now_us: int) -> Look:
        """The one in force."""
        return next(look for look in reversed(self.looks) if look.at_us <= now_us or look is self.looks[0])

    @property
    def last_event_us(self) -> int:
        """When the last change takes place that the scenario itself names."""
        spans = [
            span
            for actor in self.actors
            for part in (actor.here, actor.camera_off, actor.muted, actor.speaks or (), actor.trouble)
            for span in part
        ]
        times = [time_us for span in spans for time_us in span if time_us < FOREVER_US]
        return max([*times, *(look.at_us for look in self.looks)])
