"""What the canvas shows beside the tiles: background, logo, title, clock, banner. Frozen values and their checks."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import lru_cache
from io import BytesIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from PIL import Image, UnidentifiedImageError

from mcu.errors import StyleError

MAX_ARTWORK_BYTES = 4_000_000
MAX_ARTWORK_PIXELS = 4096 * 4096
MAX_TEXT = 200
_KEPT = (1920, 1080)  # artwork is shrunk to this: no canvas shows more of it
_FORMATS = ("PNG", "JPEG", "WEBP")


class Place(StrEnum):
    """Where on the canvas something lies."""

    TOP_LEFT = "top-left"
    TOP = "top"
    TOP_RIGHT = "top-right"
    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM = "bottom"
    BOTTOM_RIGHT = "bottom-right"


@dataclass(frozen=True, slots=True)
class Artwork:
    """A decoded picture: R'G'B' and alpha, four bytes a pixel, row by row."""

    width: int
    height: int
    rgba: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Logo:
    """A small picture over the tiles.

    Attributes:
        artwork: the picture.
        place: where it lies.
        opacity: 0 for invisible to 1.
        share: how much of the canvas's height it may be high, and of its width it may be wide.
    """

    artwork: Artwork
    place: Place = Place.TOP_RIGHT
    opacity: float = 1.0
    share: float = 0.15

    def __post_init__(self) -> None:
        _between("logo_opacity", self.opacity, 0, 1)
        _between("logo_share", self.share, 0.02, 1)


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of day over the tiles.

    Attributes:
        zone: as the IANA database names it.
        seconds: whether to show them.
        place: where it lies.
    """

    zone: str = "UTC"
    seconds: bool = False
    place: Place = Place.TOP_LEFT

    def __post_init__(self) -> None:
        _zone(self.zone)

    def text(self, wall_us: int) -> str:
        """What it shows at a Unix time in microseconds."""
        time = datetime.fromtimestamp(wall_us // 1_000_000, _zone(self.zone))
        return time.strftime("%H:%M:%S" if self.seconds else "%H:%M")


@dataclass(frozen=True, slots=True)
class CanvasStyle:
    """How a room's canvas looks beside its tiles. The default adds nothing.

    Attributes:
        background: ``#rrggbb`` between and behind the tiles; "" for the layout's.
        background_image: fills the canvas behind the tiles, what hangs over is cut off.
        logo: over the tiles.
        title: a line at the top.
        clock: over the tiles.
        banner: a line in a strip across the bottom.
        border: ``#rrggbb`` of the border of who is silent; "" for none.
        speaking_border: of who speaks.
    """

    background: str = ""
    background_image: Artwork | None = None
    logo: Logo | None = None
    title: str = ""
    clock: Clock | None = None
    banner: str = ""
    border: str = ""
    speaking_border: str = "#34c77b"

    def __post_init__(self) -> None:
        for name in ("background", "border", "speaking_border"):
            value = getattr(self, name)
            if value and not re.fullmatch("#[0-9a-fA-F]{6}", value):
                raise StyleError(f"{name}: {value[:40]!r} is no colour like #111318")
        for name in ("title", "banner"):
            if len(getattr(self, name)) > MAX_TEXT:
                raise StyleError(f"{name}: longer than {MAX_TEXT} characters")


NO_STYLE = CanvasStyle()


def canvas_style_from(  # noqa: PLR0913 - what an HTTP request may say, each under its own name
    *,
    background: str = "",
    background_image: bytes | None = None,
    logo: bytes | None = None,
    logo_place: str = Place.TOP_RIGHT,
    logo_opacity: float = 1.0,
    logo_share: float = 0.15,
    title: str = "",
    clock: bool = False,
    clock_zone: str = "UTC",
    clock_seconds: bool = False,
    clock_place: str = Place.TOP_LEFT,
    banner: str = "",
    border: str = "",
    speaking_border: str = "#34c77b",
) -> CanvasStyle:
    """Check and decode what somebody asks for; pictures come as the bytes of PNG, JPEG or WebP files.

    Raises:
        StyleError: something cannot be used; the message begins with the argument's name.
    """
    return CanvasStyle(
        background=background,
        background_image=None if background_image is None else artwork_from(background_image, "background_image"),
        logo=None
        if logo is None
        else Logo(artwork_from(logo, "logo"), _place("logo_place", logo_place), logo_opacity, logo_share),
        title=title,
        clock=Clock(clock_zone, clock_seconds, _place("clock_place", clock_place)) if clock else None,
        banner=banner,
        border=border,
        speaking_border=speaking_border,
    )


def artwork_from(data: bytes, name: str) -> Artwork:
    """Decode a picture file.

    Args:
        data: PNG, JPEG or WebP.
        name: what the error messages call it.

    Raises:
        StyleError: it is none of them, is broken, or is too large.
    """
    if len(data) > MAX_ARTWORK_BYTES:
        raise StyleError(f"{name}: {len(data)} bytes, at most {MAX_ARTWORK_BYTES} are taken")
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > MAX_ARTWORK_PIXELS:
                raise StyleError(f"{name}: {image.width} by {image.height} pixels are too many")
            rgba = image.convert("RGBA")
    except UnidentifiedImageError as error:
        raise StyleError(f"{name}: no picture (PNG, JPEG and WebP are understood)") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise StyleError(f"{name}: too many pixels") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:  # what Pillow raises for broken files
        raise StyleError(f"{name}: the picture is broken") from error
    rgba.thumbnail(_KEPT, Image.Resampling.LANCZOS)
    return Artwork(rgba.width, rgba.height, rgba.tobytes())


def _place(name: str, value: str) -> Place:
    try:
        return Place(value)
    except ValueError as error:
        raise StyleError(f"{name}: {value[:40]!r} is none of {', '.join(Place)}") from error


def _between(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise StyleError(f"{name}: {value} is not between {low} and {high}")


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    if name == "UTC":  # known without a database of zones
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise StyleError(f"clock_zone: {name[:40]!r} is no time zone that this machine knows") from error
