"""Who is on the canvas: from the room's people to the scene that the video mixer paints. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from layouts.geometry import Size
from layouts.model import Kind, Layout, Source
from layouts.select import resolve
from mcu.video.scene import Scene, SourceState, TileInfo

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


def arrange(
    layout: str, canvas: Size, people: Iterable[Person], sources: Mapping[str, SourceState], previous: Layout | None
) -> Scene:
    """The scene for ``people`` in order of joining; live screens get a tile of their own.

    Raises:
        LayoutError: ``layout`` is no known name.
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
        info[person.id] = TileInfo(name=person.name, muted=person.muted, speaking=person.speaking)
        screen_id = person.id + SCREEN_SUFFIX
        screen = sources.get(screen_id)
        if screen is not None and screen.live:
            shown.append(Source(id=screen_id, name=person.name, kind=Kind.SCREEN, aspect=screen.aspect))
            info[screen_id] = TileInfo(name=person.name, muted=False, speaking=False)
    return Scene(layout=resolve(layout, canvas, shown, previous=previous), info=info)
