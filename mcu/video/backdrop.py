"""What is behind the tiles and what is over them: background, logo, title, clock, banner."""

from dataclasses import dataclass

from layouts.geometry import Rect, Size
from mcu.video.captions import placed
from mcu.video.i420 import Canvas, Colour
from mcu.video.overlay import Overlays
from mcu.video.sprites import Sprite
from mcu.video.style import CanvasStyle, Clock, Place


@dataclass(frozen=True, slots=True)
class Caption:
    """A sprite at its place."""

    sprite: Sprite
    rect: Rect

    def same(self, other: "Caption") -> bool:
        """Whether it looks the same."""
        return self.sprite is other.sprite and self.rect == other.rect


class Backdrop:
    """Follows a canvas style; the tick asks, the drawing is done elsewhere.

    Args:
        overlays: where the sprites come from.
        size: of the canvas.
    """

    def __init__(self, overlays: Overlays, size: Size) -> None:
        self.colour = Colour(16, 128, 128)
        self.image: Sprite | None = None  # in front of the colour, as large as the canvas
        self.captions: tuple[Caption, ...] = ()
        self._overlays = overlays
        self._size = size
        self._clock_s = -1  # the second, or minute, of the text that follows
        self._clock_text = ""

    def follow(self, style: CanvasStyle, colour: Colour, wall_us: int | None) -> list[Rect]:
        """Take on a style.

        Args:
            style: what is asked for.
            colour: the background where the style names none.
            wall_us: Unix time for the clock; None for no clock.

        Returns:
            The parts of the canvas that look different now.
        """
        dirty = []
        if style.background:
            colour = colour_of(style.background)
        image = self._overlays.background(style.background_image, self._size) if style.background_image else None
        if style.background_image and image is None:
            image = self.image  # the new one is being drawn
        if colour != self.colour or image is not self.image:
            self.colour, self.image = colour, image
            dirty.append(Rect(0, 0, self._size.width, self._size.height))
        if self.captions or style.logo or style.title or style.clock or style.banner:
            dirty += self._caption(style, wall_us)
        return dirty

    @property
    def floor(self) -> int:
        """The y from which on a banner covers the canvas from side to side; its height without one."""
        width, height = self._size.width, self._size.height
        covering = (caption.rect for caption in self.captions if caption.rect.width == width)
        return min((rect.y for rect in covering if rect.bottom == height), default=height)

    def clear(self, canvas: Canvas, rect: Rect) -> None:
        """Paint an even rectangle of nothing but background."""
        if self.image is None or self.image.width == 0:
            canvas.fill(rect, self.colour)
        else:
            self.image.copy_to(canvas, rect)

    def _caption(self, style: CanvasStyle, wall_us: int | None) -> list[Rect]:
        before, after = self.captions, self._wanted(style, wall_us)
        if after is None or (len(before) == len(after) and all(map(Caption.same, before, after))):
            return []
        self.captions = after
        gone = [a.rect for a in before if not any(a.same(b) for b in after)]
        return gone + [a.rect for a in after if not any(a.same(b) for b in before)]

    def _wanted(self, style: CanvasStyle, wall_us: int | None) -> tuple[Caption, ...] | None:
        """All that has to be over the canvas; None while part of it is being drawn."""
        canvas, overlays = self._size, self._overlays
        banner = overlays.banner(style.banner, canvas) if style.banner else None
        low = 0 if banner is None else banner.height
        found: list[tuple[Sprite | None, Place]] = []
        if style.banner:
            found.append((banner, Place.BOTTOM))
        if style.title:
            found.append((overlays.caption(style.title, canvas), Place.TOP))
        if style.logo is not None:
            found.append((overlays.logo(style.logo, canvas), style.logo.place))
        if style.clock is not None and wall_us is not None:
            found.append((overlays.caption(self._time(style.clock, wall_us), canvas), style.clock.place))
        captions: list[Caption] = []
        for sprite, place in found:
            if sprite is None:
                return None
            if sprite is banner:
                captions.append(Caption(sprite, Rect(0, canvas.height - sprite.height, canvas.width, sprite.height)))
            elif sprite.width:
                captions.append(Caption(sprite, placed(Size(sprite.width, sprite.height), place, canvas, low)))
        return tuple(captions)

    def _time(self, clock: Clock, wall_us: int) -> str:
        if wall_us // 1_000_000 != self._clock_s:
            self._clock_s = wall_us // 1_000_000
            self._clock_text = clock.text(wall_us)
        return self._clock_text


def colour_of(value: str) -> Colour:
    """A colour written as ``#rrggbb``."""
    red, green, blue = bytes.fromhex(value[1:])
    return Colour.from_rgb(red, green, blue)
