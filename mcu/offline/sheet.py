"""A contact sheet: every layout for every number of people on one picture."""

import colorsys
import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from PIL import Image

from layouts.errors import LayoutError
from layouts.geometry import Size
from layouts.model import Options
from layouts.select import names
from layouts.templates import Template
from mcu.offline.patterns import parse_pattern
from mcu.offline.picture import StillInput, render_picture
from mcu.offline.stills import RgbImage
from mcu.video.ink import draw_line, middle_baseline
from mcu.video.shaping import shaped

COUNTS = tuple(range(1, 17))
_ALIASES = ("bestFit",)
_SHARES = frozenset({"presentation", "verticalPresentation", "horizontalPresentation"})  # the last of them a screen
_GROUND, _INK = (250, 250, 250), (40, 44, 52)
_TEXT_PX = 14
_MARGIN = 6
_MOST_PIXELS = 100_000_000
_GOLDEN_ANGLE = 0.381966  # of a turn: neighbours get hues that are far apart


def built_in_layouts() -> Mapping[str, str | Template]:
    """The built-in layouts by name, aliases aside."""
    return {name: name for name in names() if name not in _ALIASES}


def render_sheet(  # noqa: PLR0913 - one function for test authors and the command line
    layouts: Mapping[str, str | Template] | None = None,
    *,
    cell: Size = Size(192, 108),  # noqa: B008 - frozen
    counts: Sequence[int] = COUNTS,
    inputs: Sequence[StillInput] = (),
    options: Options = Options(),  # noqa: B008 - frozen, so one for all calls is safe
    on_progress: Callable[[float], None] = lambda _part: None,
) -> RgbImage:
    """Paint a table: a row for each layout, a column for each number of people.

    Args:
        layouts: by the names they get; None for all built-in ones.
        cell: canvas of each of the small pictures.
        counts: numbers of people.
        inputs: what they show, in turn; none for one colour each. In presentations the last one shares a screen.
        options: how the layouts are to look.
        on_progress: called with the part that is done, 0 to 1.

    Returns:
        Full-range R'G'B', shape (height, width, 3), uint8.

    Raises:
        LayoutError: the sheet would be too large, or a custom layout does not fit ``cell``.
        UnreadableMediaError: an input cannot be read.
    """
    layouts = built_in_layouts() if layouts is None else layouts
    left = max((round(shaped(name).width * _TEXT_PX) for name in layouts), default=0) + 2 * _MARGIN
    top = 2 * _TEXT_PX
    width = left + len(counts) * (cell.width + _MARGIN)
    height = top + len(layouts) * (cell.height + _MARGIN)
    if width * height > _MOST_PIXELS:
        raise LayoutError(f"canvas: a sheet of {width}x{height} pixels is too large")
    sheet = Image.new("RGBA", (width, height), _GROUND)
    for column, count in enumerate(counts):
        _write(sheet, str(count), left + column * (cell.width + _MARGIN), 0, top)
    for row, (name, layout) in enumerate(layouts.items()):
        y = top + row * (cell.height + _MARGIN)
        _write(sheet, name, _MARGIN, y, cell.height)
        for column, count in enumerate(counts):
            people = list(itertools.islice(itertools.cycle(inputs), count)) or [_colour(n) for n in range(count)]
            screens = [count - 1] if layout in _SHARES else []
            image = render_picture(layout, cell, people, options=options, screens=screens)
            sheet.paste(Image.fromarray(image), (left + column * (cell.width + _MARGIN), y))
            on_progress((row * len(counts) + column + 1) / (len(layouts) * len(counts)))
    return np.asarray(sheet.convert("RGB"))


def _write(sheet: Image.Image, text: str, x: int, y: int, height: int) -> None:
    line = Image.new("RGBA", (min(sheet.width - x, round(shaped(text).width * _TEXT_PX) + 2), height))
    draw_line(line, shaped(text), _TEXT_PX, x=0, baseline=middle_baseline(height, _TEXT_PX), colour=_INK)
    sheet.alpha_composite(line, (x, y))


def _colour(number: int) -> StillInput:
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN_ANGLE % 1, 0.6, 0.75 - 0.03 * (number % 5))
    colour = f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
    return parse_pattern(f"colour={colour},size=320x180").first_picture
