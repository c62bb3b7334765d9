"""Pictures whose place, crop and orientation can be read off the canvas."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from mcu.offline import RgbImage

COLOURS = (
    (200, 40, 40),
    (40, 160, 60),
    (50, 60, 200),
    (200, 160, 40),
    (150, 60, 160),
    (40, 160, 170),
    (220, 120, 60),
    (110, 110, 110),
    (120, 160, 220),
)


def card(number: int, width: int = 320, height: int = 180) -> RgbImage:
    """A coloured ground in a white frame; ``number + 1`` white bars; a black corner at the top left."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = COLOURS[number % len(COLOURS)]
    edge = max(2, min(width, height) // 30 * 2)
    image[:edge] = image[-edge:] = 255
    image[:, :edge] = image[:, -edge:] = 255
    image[: 3 * edge, : 3 * edge] = 0
    for bar in range(number + 1):
        left = width // 4 + bar * width // 20
        image[height // 3 : height * 2 // 3, left : left + max(1, width // 40)] = 255
    return image


def screen(width: int = 320, height: int = 200) -> RgbImage:
    """Something like a slide: dark lines on white."""
    image = np.full((height, width, 3), 250, np.uint8)
    image[height // 10 : height // 5, width // 10 : width * 7 // 10] = (30, 60, 120)
    for line in range(5):
        top = height * (6 + 2 * line) // 18
        image[top : top + height // 36, width // 10 : width * (9 - line) // 10] = 60
    return image


def logo() -> bytes:
    """A PNG: an orange ring, transparent inside and out."""
    image = Image.new("RGBA", (120, 120))
    ImageDraw.Draw(image).ellipse((10, 10, 109, 109), outline=(240, 140, 30, 255), width=24)
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
