"""Small signs, drawn large and shrunk."""

from PIL import Image, ImageDraw

SMOOTH = 4  # shapes are drawn this many times larger, for smooth edges
RED = (255, 92, 92, 255)
AMBER = (255, 184, 60, 255)
_DIM = (255, 255, 255, 90)


def mute_sign(size_px: int) -> Image.Image:
    """A microphone, crossed out."""
    n = size_px * SMOOTH
    large = Image.new("RGBA", (n, n), (*RED[:3], 0))
    draw = ImageDraw.Draw(large)
    stroke = max(1, n // 11)
    draw.rounded_rectangle((n * 0.37, n * 0.06, n * 0.63, n * 0.58), n * 0.13, RED)
    draw.arc((n * 0.24, n * 0.22, n * 0.76, n * 0.74), 0, 180, RED, stroke)
    draw.line((n * 0.5, n * 0.74, n * 0.5, n * 0.92), RED, stroke)
    draw.line((n * 0.32, n * 0.92, n * 0.68, n * 0.92), RED, stroke)
    draw.line((n * 0.12, n * 0.1, n * 0.88, n * 0.9), RED, stroke)
    return large.resize((size_px, size_px), Image.Resampling.BOX)


def network_sign(size_px: int) -> Image.Image:
    """Four bars of reception, of which one is left."""
    n = size_px * SMOOTH
    large = Image.new("RGBA", (n, n), (*AMBER[:3], 0))
    draw = ImageDraw.Draw(large)
    for bar in range(4):
        left, top = n * (0.08 + 0.23 * bar), n * (0.7 - 0.2 * bar)
        draw.rounded_rectangle((left, top, left + n * 0.16, n * 0.9), n * 0.04, AMBER if bar == 0 else _DIM)
    return large.resize((size_px, size_px), Image.Resampling.BOX)


def rounded(width: int, height: int, radius: int, colour: tuple[int, int, int, int]) -> Image.Image:
    """A rounded rectangle that fills an image."""
    large = Image.new("RGBA", (width * SMOOTH, height * SMOOTH), (*colour[:3], 0))
    box = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(box, radius * SMOOTH, colour)
    return large.resize((width, height), Image.Resampling.BOX)
