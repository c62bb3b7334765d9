"""Who is where on the canvas: pure geometry, no pictures, no clock, no memory of its own."""

from layouts.errors import LayoutError
from layouts.geometry import Rect, Size
from layouts.model import EMPTY_PICTURES, Fit, Kind, Layout, Options, Order, Side, Source, Tile
from layouts.motion import Motion, glide, still
from layouts.parse import parse_options
from layouts.select import check_canvas, names, resolve
from layouts.templates import Template, parse_template
from layouts.templates_freeswitch import parse_freeswitch

__all__ = [
    "EMPTY_PICTURES",
    "Fit",
    "Kind",
    "Layout",
    "LayoutError",
    "Motion",
    "Options",
    "Order",
    "Rect",
    "Side",
    "Size",
    "Source",
    "Template",
    "Tile",
    "check_canvas",
    "glide",
    "names",
    "parse_freeswitch",
    "parse_options",
    "parse_template",
    "resolve",
    "still",
]
