"""Who is where at the moment: a scenario, played forward."""

from collections.abc import Mapping, Sequence

from layouts.geometry import Rect, Size
from layouts.model import Kind, Layout, Source
from mcu.audio.speakers import Selection
from mcu.direction import Direction
from mcu.media import Picture
from mcu.offline.performer import Performer
from mcu.offline.picture import Painter, arrange
from mcu.offline.scenario import Look, Scenario, span_at
from mcu.video.emptyroom import dressed
from mcu.video.moves import Steering
from mcu.video.scene import Scene, TileInfo


class Stage:
    """Turns time and voices into scenes, as a live room does.

    Args:
        scenario: what is to happen.
        performers: its actors.
    """

    def __init__(self, scenario: Scenario, performers: Sequence[Performer]) -> None:
        self._scenario = scenario
        self._performers = performers
        self._canvas = Size(scenario.video.width, scenario.video.height)
        self._steering = Steering(self._canvas)
        self._turns: dict[str, int] = {}  # when, counted in turns, each was the active speaker last
        self._active: str | None = None
        self._known: tuple[Look, tuple[Source, ...]] | None = None  # what the layout was made for
        self._scene = Scene(self._steering.motion.end)
        self._pictures = _seen({})
        self._places: list[Rect] | None = None

    def play(self, now_us: int, voices: Selection) -> None:
        """Go on to ``now_us``, while these people speak."""
        if voices.active is not None and voices.active != self._active:
            self._active = voices.active
            self._turns[voices.active] = max(self._turns.values(), default=0) + 1
        here = sorted(
            (
                (since_us, performer)
                for performer in self._performers
                if (since_us := performer.since_us(now_us)) is not None
            ),
            key=lambda pair: pair[0],
        )
        shown = {performer.actor.id: performer.picture(now_us) for _, performer in here}
        self._pictures = _seen(shown)
        people = [performer for _, performer in here if self._is_there(performer)]
        self._arrange(self._scenario.look(now_us), tuple(self._source(performer) for performer in people), now_us)
        info = {performer.actor.id: self._info(performer, now_us, voices) for performer in people}
        layout = self._steering.motion.end
        style = dressed(self._scenario.look(now_us).style, layout)
        self._scene = Scene(layout, info if self._scenario.labels else {}, style)
        self._places = self._steering.places(now_us)

    def paint(self, painter: Painter, now_us: int) -> None:
        """Paint what ``play`` found."""
        painter.paint(self._scene, self._pictures, places=self._places, wall_us=now_us)

    def _is_there(self, performer: Performer) -> bool:
        return performer.actor.kind is Kind.CAMERA or performer.actor.id in self._pictures

    def _source(self, performer: Performer) -> Source:
        actor = performer.actor
        picture = self._pictures.get(actor.id)
        turn = self._turns.get(actor.id, 0)
        if picture is None:
            return Source(actor.id, performer.name, actor.kind, has_video=False, last_spoke=turn)
        return Source(actor.id, performer.name, actor.kind, aspect=picture.width / picture.height, last_spoke=turn)

    def _info(self, performer: Performer, now_us: int, voices: Selection) -> TileInfo:
        actor = performer.actor
        return TileInfo(
            performer.name,
            muted=span_at(actor.muted, now_us) is not None,
            speaking=actor.id in voices.speaking,
            network_trouble=span_at(actor.trouble, now_us) is not None,
        )

    def _arrange(self, look: Look, people: tuple[Source, ...], now_us: int) -> None:
        if self._known is not None and self._known[0] is look and self._known[1] == people:
            return
        first, self._known = self._known is None, (look, people)
        before = self._steering.motion.end
        self._steering.turn(
            self._layout(look, people, None if first else before), now_us, 0 if first else self._scenario.motion_us
        )

    def _layout(self, look: Look, people: tuple[Source, ...], previous: Layout | None) -> Layout:
        if self._scenario.as_room and isinstance(look.layout, str):
            return Direction(look.layout, options=look.options).layout(self._canvas, people, previous)
        return arrange(look.layout, self._canvas, people, look.options, previous)


def _seen(shown: Mapping[str, Picture | None]) -> dict[str, Picture]:
    return {id_: picture for id_, picture in shown.items() if picture is not None}
