"""One picture: a layout with something on its tiles."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from layouts.geometry import Rect, Size
from layouts.model import Kind, Layout, Options, Source
from layouts.select import check_canvas, resolve
from layouts.templates import Template
from mcu.media import Picture
from mcu.offline.sources import open_source
from mcu.offline.stills import RgbImage, picture_of_rgb
from mcu.video.compositor import Compositor
from mcu.video.emptyroom import dressed
from mcu.video.i420 import Canvas
from mcu.video.overlay import Overlays
from mcu.video.scene import Scene, TileInfo
from mcu.video.style import NO_STYLE, CanvasStyle

StillInput = Picture | RgbImage | Path | str | None
"""A picture, an RGB image, a file (of a clip, its first picture), a pattern, or None for nobody's camera."""


class Painter:
    """A canvas and its compositor, with overlays drawn on the spot.

    Args:
        canvas: even.
    """

    def __init__(self, canvas: Size) -> None:
        self.canvas = Canvas(canvas)
        self._compositor = Compositor(self.canvas, Overlays())

    def paint(
        self,
        scene: Scene,
        pictures: Mapping[str, Picture],
        *,
        places: Sequence[Rect] | None = None,
        wall_us: int | None = None,
    ) -> None:
        """Bring the canvas up to date; arguments as ``Compositor.paint`` has them."""
        self._compositor.paint(scene, pictures, places=places, wall_us=wall_us)

    def rgb(self) -> RgbImage:
        """A copy of the canvas."""
        return np.asarray(cv2.cvtColor(self.canvas.packed(), cv2.COLOR_YUV2RGB_I420), np.uint8)


def render_picture(  # noqa: PLR0913 - one function for test authors and the command line
    layout: str | Template,
    canvas: Size,
    inputs: Sequence[StillInput],
    *,
    options: Options = Options(),  # noqa: B008 - frozen, so one for all calls is safe
    names: Sequence[str | TileInfo] | None = None,
    screens: Collection[int] = (),
    style: CanvasStyle = NO_STYLE,
    wall_us: int | None = None,
) -> RgbImage:
    """Paint what a room with these people would show.

    Args:
        layout: a name that ``layouts.select.resolve`` knows, or a custom layout.
        canvas: even width and height in pixels.
        inputs: what each shows, in order of joining.
        options: how the layout is to look.
        names: one for each input, written on the tiles; a ``TileInfo`` where signs or borders are wanted too; None for
            no labels.
        screens: which inputs, counted from 0, are shared screens.
        style: what the canvas shows beside the tiles.
        wall_us: Unix time in microseconds for the style's clock; None for no clock.

    Returns:
        Full-range R'G'B', shape (height, width, 3), uint8.

    Raises:
        LayoutError: unknown layout, or a canvas that is none.
        UnreadableMediaError: a file cannot be read.
    """
    check_canvas(canvas)
    given = [TileInfo(name) if isinstance(name, str) else name for name in names or ()]
    info = {str(index): tile for index, tile in enumerate(given)}
    if names is not None and len(names) != len(inputs):
        raise ValueError(f"{len(names)} names for {len(inputs)} inputs")
    sources = [
        _source(str(index), info.get(str(index), TileInfo()).name, shown, is_screen=index in screens)
        for index, shown in enumerate(inputs)
    ]
    arranged = arrange(layout, canvas, sources, options)
    # only what is shown is kept in memory: it may be a few of thousands
    shown = {tile.source_id: _picture(inputs[int(tile.source_id)]) for tile in arranged.tiles}
    painter = Painter(canvas)
    painter.paint(
        Scene(arranged, info, dressed(style, arranged)),
        {id_: picture for id_, picture in shown.items() if picture is not None},
        wall_us=wall_us,
    )
    return painter.rgb()


def write_png(image: RgbImage, path: Path) -> None:
    """Write an image as PNG; equal images make equal files."""
    Image.fromarray(image).save(path, format="PNG", optimize=True)


def arrange(
    layout: str | Template, canvas: Size, people: Sequence[Source], options: Options, previous: Layout | None = None
) -> Layout:
    """Decide who is where, by name or by a custom layout."""
    if isinstance(layout, str):
        return resolve(layout, canvas, people, options, previous)
    return layout.arrange(canvas, people, options, previous)


def _picture(given: StillInput) -> Picture | None:
    if given is None or isinstance(given, Picture):
        return given
    if isinstance(given, np.ndarray):
        return picture_of_rgb(given)
    source = open_source(given)
    try:
        return source.first_picture
    finally:
        source.close()


def _source(id_: str, name: str, given: StillInput, *, is_screen: bool) -> Source:
    """What the layout has to know of somebody who shows this."""
    kind = Kind.SCREEN if is_screen else Kind.CAMERA
    if isinstance(given, np.ndarray) and given.size:
        return Source(id_, name, kind, aspect=given.shape[1] / given.shape[0])
    picture = _picture(given)
    if picture is None:
        return Source(id_, name, kind, has_video=False)
    return Source(id_, name, kind, aspect=picture.width / picture.height)
