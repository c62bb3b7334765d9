"""What lies over the whole canvas: how logo, title, clock and banner are drawn, and where they go."""

from PIL import Image

from layouts.geometry import Rect, Size, even_floor
from mcu.video.ink import draw_line, middle_baseline
from mcu.video.labels import SHADE, WHITE, evened
from mcu.video.shaping import shaped
from mcu.video.signs import rounded
from mcu.video.style import MAX_TEXT, Artwork, Logo, Place
from mcu.video.text import drawable, fitted, width_px


def draw_logo(logo: Logo, canvas: Size) -> Image.Image | None:
    """The logo at its size, as transparent as it is to be."""
    image = _image(logo.artwork)
    scale = min(canvas.width * logo.share / image.width, canvas.height * logo.share / image.height)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    image.putalpha(image.getchannel("A").point([round(a * logo.opacity) for a in range(256)]))
    page = Image.new("RGBA", (evened(image.width), evened(image.height)))
    page.paste(image)
    return page if logo.opacity else None


def draw_background(artwork: Artwork, canvas: Size) -> Image.Image:
    """A picture that covers the canvas, on black where it is transparent."""
    image = _image(artwork)
    scale = max(canvas.width / image.width, canvas.height / image.height)
    width, height = max(canvas.width, round(image.width * scale)), max(canvas.height, round(image.height * scale))
    left, top = (width - canvas.width) // 2, (height - canvas.height) // 2
    image = image.resize((width, height), Image.Resampling.LANCZOS)
    page = Image.new("RGBA", (canvas.width, canvas.height), (0, 0, 0, 255))
    page.alpha_composite(image.crop((left, top, left + canvas.width, top + canvas.height)))
    return page


def draw_caption(text: str, canvas: Size) -> Image.Image | None:
    """Text on a shade of its own: the title and the clock."""
    size_px = _text_px(canvas)
    padding = size_px // 2
    text = fitted(drawable(text, MAX_TEXT), size_px, canvas.width * 3 // 4)
    if not text:
        return None
    image = rounded(
        evened(int(width_px(text, size_px)) + 1 + 2 * padding), evened(size_px * 7 // 4), size_px // 2, SHADE
    )
    draw_line(image, shaped(text), size_px, x=padding, baseline=middle_baseline(image.height, size_px), colour=WHITE)
    return image


def draw_banner(text: str, canvas: Size) -> Image.Image | None:
    """Text in a strip as wide as the canvas."""
    size_px = _text_px(canvas)
    text = fitted(drawable(text, MAX_TEXT), size_px, canvas.width - 2 * size_px)
    if not text:
        return None
    image = Image.new("RGBA", (canvas.width, evened(size_px * 2)), SHADE)
    left = round((canvas.width - width_px(text, size_px)) / 2)
    draw_line(image, shaped(text), size_px, x=left, baseline=middle_baseline(image.height, size_px), colour=WHITE)
    return image


def placed(size: Size, place: Place, canvas: Size, bottom: int = 0) -> Rect:
    """The even rectangle for something of an even size.

    Args:
        size: of what is to be placed; not larger than the canvas.
        place: where.
        canvas: on which.
        bottom: pixels to keep free at the bottom.
    """
    margin = even_floor(canvas.height / 36)
    vertical, _, horizontal = place.partition("-")
    if not horizontal:
        vertical, horizontal = (vertical, "") if vertical in {"top", "bottom"} else ("", vertical)
    free_x, free_y = canvas.width - size.width, canvas.height - size.height
    x = {"left": min(margin, free_x), "right": free_x - min(margin, free_x)}.get(horizontal, even_floor(free_x / 2))
    y = {"top": margin, "bottom": free_y - margin - bottom}.get(vertical, even_floor(free_y / 2))
    return Rect(even_floor(x), even_floor(min(max(0, y), free_y)), size.width, size.height)


def _text_px(canvas: Size) -> int:
    return max(10, min(canvas.height, canvas.width) // 26)


def _image(artwork: Artwork) -> Image.Image:
    return Image.frombytes("RGBA", (artwork.width, artwork.height), artwork.rgba)
