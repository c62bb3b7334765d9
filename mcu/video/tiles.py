"""One tile of the canvas: how it looks, and how it is painted."""

from dataclasses import dataclass

from layouts.geometry import Rect, Size
from layouts.model import Tile
from mcu.media import Picture
from mcu.video.border import Border
from mcu.video.corners import Corners
from mcu.video.i420 import Canvas, Colour
from mcu.video.scale import paint_picture
from mcu.video.sprites import Sprite

EMPTY_TILE = Colour.from_rgb(38, 42, 51)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Everything that decides how a tile looks, beside its place."""

    picture: Picture | None
    label: Sprite | None
    avatar: Sprite | None
    border: Colour | None

    def same(self, other: "Look") -> bool:
        """Whether nothing has to be painted anew."""
        return (
            self.picture is other.picture
            and self.label is other.label
            and self.avatar is other.avatar
            and self.border == other.border
        )


@dataclass(slots=True, eq=False)
class Slot:
    """A tile at one place.

    Attributes:
        tile: as the layout has it.
        rect: where it is now, which differs from the tile's rectangle while it moves.
        background: colour of the bars beside a contained picture.
        below: numbers of the slots before it that it overlaps.
        corners: None when they are square.
        look: what was painted last; None: nothing yet.
        label: the last one that was finished.
        stale: what is beneath has changed since its corners were cut.
        frame: made for the first border.
    """

    tile: Tile
    rect: Rect
    background: Colour
    below: list[int]
    corners: Corners | None
    look: Look | None = None
    label: Sprite | None = None
    stale: bool = True
    frame: Border | None = None

    @property
    def final_size(self) -> Size:
        """The size for which labels are drawn, so that they do not change while the tile moves."""
        return self.tile.rect.size

    def paint(self, canvas: Canvas, look: Look, floor: int) -> None:
        """Paint all of it, corners and border too; the label above ``floor``, where a banner begins."""
        rect = self.rect
        if look.picture is not None:
            filled = paint_picture(canvas, rect, self.tile.fit, look.picture)
            for bar in _bars(rect, filled):
                canvas.fill(bar, self.background)
        else:
            canvas.fill(rect, EMPTY_TILE)
            if look.avatar is not None:
                x, y = (rect.width - look.avatar.width) // 4 * 2, (rect.height - look.avatar.height) // 4 * 2
                look.avatar.blend(canvas, rect.x + x, rect.y + y, rect)
        if look.label is not None:
            inset = min(8, max(2, rect.height // 60 * 2))
            inset = max(0, min(inset, (rect.width - look.label.width) // 4 * 2))
            bottom = floor if rect.y + look.label.height + inset <= floor < rect.bottom else rect.bottom
            look.label.blend(canvas, rect.x + inset, bottom - look.label.height - inset, rect)
        if look.border is not None:
            if self.frame is None:
                self.frame = Border(canvas, rect, 0 if self.corners is None else self.corners.box)
            self.frame.fill(look.border)
        if self.corners is not None:
            self.corners.cut(look.border)


def _bars(outer: Rect, inner: Rect) -> list[Rect]:
    """What of ``outer`` lies left, right, above and below ``inner``, which is as wide or as high."""
    bars = (
        Rect(outer.x, outer.y, inner.x - outer.x, outer.height),
        Rect(inner.right, outer.y, outer.right - inner.right, outer.height),
        Rect(outer.x, outer.y, outer.width, inner.y - outer.y),
        Rect(outer.x, inner.bottom, outer.width, outer.bottom - inner.bottom),
    )
    return [bar for bar in bars if bar.width and bar.height]
