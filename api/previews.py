"""Small drawings of layouts with people numbered in order of joining, for pickers."""

import asyncio
import colorsys
import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from api.errors import BusyError
from api.version import VERSION
from layouts.errors import LayoutError
from layouts.geometry import Size
from layouts.model import Kind, Layout, Options, Source
from layouts.select import check_canvas, resolve
from layouts.templates import parse_template

MOST_PIXELS = 3840 * 2160
_KEPT, _KEPT_BYTES = 256, 16 * 1024 * 1024  # drawings that are remembered; the one used longest ago goes first
_MOST_WAITING = 32  # beyond them callers are refused
_SCREEN = "screen"
_TURN = 0.618034  # of the circle of hues between neighbours: the golden angle keeps them apart


@dataclass(frozen=True, slots=True)
class Wanted:
    """A drawing: ``custom`` is the layout's document, None for a built-in; ``screen``: the first shares one."""

    layout: str
    custom: dict[str, Any] | None
    participants: int
    canvas: Size
    screen: bool

    @property
    def key(self) -> str:
        """The same for the same drawing, and for no other."""
        canvas = (self.canvas.width, self.canvas.height)
        told = json.dumps([VERSION, self.layout, self.custom, self.participants, canvas, self.screen], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:32]


class Previews:
    """Draws one at a time, on a thread, and remembers the last ones."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._drawing = asyncio.Lock()
        self._waiting = 0

    async def png(self, wanted: Wanted) -> bytes:
        """The drawing.

        Raises:
            LayoutError: the layout does not fit the canvas, or it is no canvas.
            BusyError: too many wait already.
        """
        key = wanted.key
        found = self._found(key)
        if found is not None:
            return found
        if self._waiting >= _MOST_WAITING:
            raise BusyError("too many drawings are waited for")
        self._waiting += 1
        try:
            async with self._drawing:
                found = self._found(key)  # drawn for another meanwhile
                return found if found is not None else self._keep(key, await asyncio.to_thread(draw, wanted))
        finally:
            self._waiting -= 1

    def _found(self, key: str) -> bytes | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def _keep(self, key: str, png: bytes) -> bytes:
        self._kept[key] = png
        self._bytes += len(png)
        while len(self._kept) > _KEPT or self._bytes > _KEPT_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1])
        return png


def draw(wanted: Wanted) -> bytes:
    """A PNG of the canvas; equal arguments make equal bytes. Raises ``LayoutError``."""
    arranged = _arrange(wanted)
    image = Image.new("RGB", (wanted.canvas.width, wanted.canvas.height), arranged.options.background)
    pen = ImageDraw.Draw(image)
    for tile in arranged.tiles:
        rect = tile.rect
        edges = (rect.x, rect.y, rect.right - 1, rect.bottom - 1)
        pen.rectangle(edges, fill=_colour(tile.source_id), outline=arranged.options.background)
        size = (0.2 if tile.source_id == _SCREEN else 0.45) * min(rect.width, rect.height)
        middle = (rect.x + rect.width / 2, rect.y + rect.height / 2)
        pen.text(middle, tile.source_id, "#ffffff", ImageFont.load_default(max(6, size)), anchor="mm")
    file = BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _arrange(wanted: Wanted) -> Layout:
    canvas = wanted.canvas
    check_canvas(canvas)
    if canvas.width * canvas.height > MOST_PIXELS:
        raise LayoutError(f"canvas: {canvas.width}x{canvas.height} is more than a preview may have")
    people = [Source(str(number), str(number)) for number in range(1, wanted.participants + 1)]
    if wanted.screen and people:
        people.append(Source(_SCREEN, "1", Kind.SCREEN))
    if wanted.custom is None:
        return resolve(wanted.layout, canvas, people)
    return parse_template(wanted.custom, wanted.layout).arrange(canvas, people, Options())


def _colour(source_id: str) -> tuple[int, int, int]:
    if source_id == _SCREEN:
        return (96, 104, 116)
    hue = int(source_id) * _TURN % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.45, 0.62)
    return round(red * 255), round(green * 255), round(blue * 255)
