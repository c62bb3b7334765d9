"""One picture: a layout with something on its tiles."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from layouts.geometry import Size
from layouts.model import Kind, Layout, Options, Source
from layouts.select import resolve
from layouts.templates import Template
from mcu.media import Picture
from mcu.offline.sources import open_source
from mcu.offline.stills import RgbImage, picture_of_rgb
from mcu.video.compositor import Compositor
from mcu.video.i420 import Canvas, Colour
from mcu.video.overlay import Overlays
from mcu.video.scene import Scene, TileInfo

StillInput = Picture | RgbImage | Path | str | None
"""A picture, an RGB image, a file (of a clip, its first picture), or None for somebody without a camera."""


class Painter:
    """A canvas and its compositor, with overlays drawn on the spot.

    Args:
        canvas: even.
        options: for the background.
    """

    def __init__(self, canvas: Size, options: Options) -> None:
        self.canvas = Canvas(canvas)
        red, green, blue = bytes.fromhex(options.background[1:])
        self._compositor = Compositor(self.canvas, Overlays(), Colour.from_rgb(red, green, blue))

    def paint(self, scene: Scene, pictures: Mapping[str, Picture]) -> None:
        """Bring the canvas up to date."""
        self._compositor.paint(scene, pictures)

    def rgb(self) -> RgbImage:
        """A copy of the canvas."""
        return np.asarray(cv2.cvtColor(self.canvas.packed(), cv2.COLOR_YUV2RGB_I420), np.uint8)


def render_picture(  # noqa: PLR0913 - one function for test authors and the command line
    layout: str | Template,
    canvas: Size,
    inputs: Sequence[StillInput],
    *,
    options: Options = Options(),  # noqa: B008 - frozen, so one for all calls is safe
    names: Sequence[str] | None = None,
    screens: Collection[int] = (),
) -> RgbImage:
    """Paint what a room with these people would show.

    Args:
        layout: a name that ``layouts.select.resolve`` knows, or a custom layout.
        canvas: even width and height in pixels.
        inputs: what each shows, in order of joining.
        options: how the layout is to look.
        names: one for each input, written on the tiles; None for no labels.
        screens: which inputs, counted from 0, are shared screens.

    Returns:
        Full-range R'G'B', shape (height, width, 3), uint8.

    Raises:
        LayoutError: unknown layout, or a canvas that is none.
        UnreadableMediaError: a file cannot be read.
    """
    pictures = {str(index): _picture(given) for index, given in enumerate(inputs)}
    labels = dict(zip(pictures, names, strict=True)) if names is not None else {}
    sources = [
        source_of(id_, labels.get(id_, ""), picture, is_screen=int(id_) in screens) for id_, picture in pictures.items()
    ]
    painter = Painter(canvas, options)
    scene = Scene(arrange(layout, canvas, sources, options), {id_: TileInfo(name) for id_, name in labels.items()})
    painter.paint(scene, {id_: picture for id_, picture in pictures.items() if picture is not None})
    return painter.rgb()


def write_png(image: RgbImage, path: Path) -> None:
    """Write an image as PNG; equal images make equal files."""
    Image.fromarray(image).save(path, format="PNG", optimize=True)


def _picture(given: StillInput) -> Picture | None:
    if given is None or isinstance(given, Picture):
        return given
    if isinstance(given, np.ndarray):
        return picture_of_rgb(given)
    source = open_source(Path(given))
    try:
        return source.first_picture
    finally:
        source.close()


def arrange(
    layout: str | Template, canvas: Size, people: Sequence[Source], options: Options, previous: Layout | None = None
) -> Layout:
    """Decide who is where, by name or by a custom layout."""
    if isinstance(layout, str):
        return resolve(layout, canvas, people, options, previous)
    return layout.arrange(canvas, people, options, previous)


def source_of(id_: str, name: str, picture: Picture | None, *, is_screen: bool) -> Source:
    """What the layout has to know of somebody who shows ``picture``."""
    kind = Kind.SCREEN if is_screen else Kind.CAMERA
    if picture is None:
        return Source(id_, name, kind, has_video=False)
    return Source(id_, name, kind, aspect=picture.width / picture.height)
