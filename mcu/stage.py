"""Who is on the canvas: from the room's people to the scene that the video mixer paints. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from layouts.model import Kind, Layout, Source
from mcu.direction import Direction
from mcu.video.emptyroom import dressed
from mcu.video.scene import Scene, SourceState, TileInfo
from mcu.video.style import CanvasStyle

SCREEN_SUFFIX = ":screen"
"""A participant's screen is the source ``{participant id}:screen``; the camera's source id is the participant's."""


@dataclass(frozen=True, slots=True)
class Person:
    """What the stage has to know of a participant. ``last_spoke`` as in ``layouts.model.Source``."""

    id: str
    name: str
    muted: bool
    speaking: bool
    last_spoke: int
    network_trouble: bool = False


def arrange(
    direction: Direction,
    style: CanvasStyle,
    people: Iterable[Person],
    sources: Mapping[str, SourceState],
    previous: Layout,
) -> Scene:
    """The scene for ``people`` in order of joining, on the canvas of the layout before.

    Live screens get a tile of their own.

    Raises:
        LayoutError: the direction's layout is unknown or does not fit.
    """
    shown: list[Source] = []
    info: dict[str, TileInfo] = {}
    for person in people:
        camera = sources.get(person.id)
        shown.append(
            Source(
                id=person.id,
                name=person.name,
                has_video=camera is not None and camera.live,
                aspect=camera.aspect if camera is not None and camera.live else 16 / 9,
                last_spoke=person.last_spoke,
            )
        )
        info[person.id] = TileInfo(person.name, person.muted, person.speaking, person.network_trouble)
        screen_id = person.id + SCREEN_SUFFIX
        screen = sources.get(screen_id)
        if screen is not None and screen.live:
            shown.append(Source(id=screen_id, name=person.name, kind=Kind.SCREEN, aspect=screen.aspect))
            info[screen_id] = TileInfo(person.name)
    layout = direction.layout(previous.canvas, shown, previous)
    return Scene(layout, info, dressed(style, layout))
