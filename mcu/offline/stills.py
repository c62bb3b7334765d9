"""Pictures out of picture files and arrays."""

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from mcu.errors import UnreadableMediaError
from mcu.media import Picture

RgbImage = npt.NDArray[np.uint8]
"""Full-range R'G'B', shape (height, width, 3)."""

_Floats = npt.NDArray[np.float32]

_LONGEST_SIDE = 3840  # pixels; larger pictures are shrunk on opening
_ROWS_AT_ONCE = 256  # even; bounds the memory for floating point
# BT.601 limited range from full-range R'G'B' (ITU-R BT.601-7, section 2.5)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_Y_SCALE, _C_SCALE = np.float32(219 / 255), np.float32(224 / 255)


def read_still(path: Path) -> Picture | None:
    """The picture in a file, upright, on black where it is transparent; None if this is no still picture.

    Raises:
        UnreadableMediaError: it is one, but broken or absurdly large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if getattr(image, "is_animated", False):
                    return None
                image.draft("RGB", (_LONGEST_SIDE, _LONGEST_SIDE))
                return picture_of_rgb(np.asarray(_upright(image)))
    except UnidentifiedImageError:
        return None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadableMediaError(f"{path}: the picture is too large: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # as Pillow's decoders report what is broken
        raise UnreadableMediaError(f"{path}: the picture is broken: {error}") from error


def _upright(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    upright.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    if upright.has_transparency_data:
        rgba = upright.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba).convert("RGB")
    return upright.convert("RGB")


def picture_of_rgb(rgb: RgbImage) -> Picture:
    """Convert an image of any size; chroma is the mean of the (up to four) pixels it covers.

    Raises:
        ValueError: the array has another shape.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:  # noqa: PLR2004 - height, width, three colours
        raise ValueError(f"an image has the shape (height, width, 3), not {rgb.shape}")
    bands = [_convert(rgb[top : top + _ROWS_AT_ONCE]) for top in range(0, len(rgb), _ROWS_AT_ONCE)]
    y, u, v = (np.concatenate(planes) for planes in zip(*bands, strict=True))
    return Picture(y, u, v)


def _convert(rgb: RgbImage) -> tuple[npt.NDArray[np.uint8], ...]:
    colour = rgb.astype(np.float32)
    luma = colour @ _LUMA
    blue, red = _quartered(colour[..., 2] - luma), _quartered(colour[..., 0] - luma)
    return (
        _rounded(16 + luma * _Y_SCALE),
        _rounded(128 + blue * (_C_SCALE / np.float32(1.772))),
        _rounded(128 + red * (_C_SCALE / np.float32(1.402))),
    )


def _quartered(plane: _Floats) -> _Floats:
    """The mean of every 2 by 2 pixels; an odd last row or column stands for two."""
    height, width = plane.shape
    even = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    rows = even[0::2] + even[1::2]
    return np.asarray((rows[:, 0::2] + rows[:, 1::2]) / 4, np.float32)


def _rounded(plane: _Floats) -> npt.NDArray[np.uint8]:
    return np.asarray(np.clip(np.rint(plane), 0, 255), np.uint8)
