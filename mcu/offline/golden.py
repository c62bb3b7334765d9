"""For test authors: compare a rendered picture with one that was looked at and kept."""

import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from mcu.offline.picture import write_png
from mcu.offline.stills import RgbImage

ACCEPT = "ACCEPT_PICTURES"
"""Name of the environment variable that has golden pictures written."""

TOLERANCE = 3
"""Levels of R, G or B: one level of luma or chroma, which another processor may round otherwise."""


def assert_same_picture(
    image: RgbImage, golden: Path, *, tolerance: int = TOLERANCE, folder: Path | None = None
) -> None:
    """Fail unless ``image`` is the picture in the file ``golden``.

    On failure two PNGs are written, whose names the message tells: the picture as it is now, and a strip that shows
    side by side what was expected, what it is, and where they differ (grey where they agree, brighter or darker where
    not, four times as strong). With ``ACCEPT_PICTURES=1`` in the environment the golden picture is written instead, for
    somebody to look at before it is kept.

    Args:
        image: from ``render_picture``.
        golden: a PNG of the same size; when there is none yet, the message says how to accept this one.
        tolerance: levels that any pixel may differ by.
        folder: where to write; None for a new temporary folder.

    Raises:
        AssertionError: they differ.
    """
    expected = _read(golden)
    if expected is not None and _agree(image, expected, tolerance):
        return
    if os.environ.get(ACCEPT) == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        write_png(image, golden)
        return
    folder = folder or Path(tempfile.mkdtemp(prefix="golden-"))
    actual = folder / f"{golden.stem}.actual.png"
    write_png(image, actual)
    if expected is None:
        raise AssertionError(
            f"there is no {golden} yet; look at {actual}, and if it is right, copy it there or run with {ACCEPT}=1"
        )
    if expected.shape != image.shape:
        raise AssertionError(f"{golden} is {_size(expected)}, the picture is {_size(image)}: {actual}")
    difference = folder / f"{golden.stem}.difference.png"
    write_png(_strip(expected, image), difference)
    apart = np.abs(image.astype(np.int16) - expected).max(axis=2)
    wrong = np.argwhere(apart > tolerance)
    (top, left), (bottom, right) = wrong.min(axis=0), wrong.max(axis=0)
    raise AssertionError(
        f"{len(wrong)} pixels differ from {golden} by up to {apart.max()} levels, between ({left}, {top}) and "
        f"({right}, {bottom}): {actual} and {difference}"
    )


def _read(golden: Path) -> RgbImage | None:
    if not golden.exists():
        return None
    with Image.open(golden) as opened:
        return np.asarray(opened.convert("RGB"))


def _agree(image: RgbImage, expected: RgbImage, tolerance: int) -> bool:
    if image.shape != expected.shape:
        return False
    return int(np.abs(image.astype(np.int16) - expected).max(initial=0)) <= tolerance


def _strip(expected: RgbImage, image: RgbImage) -> RgbImage:
    """Expected, actual and difference, with white lines between."""
    difference = np.clip(128 + 4 * (image.astype(np.int16) - expected), 0, 255).astype(np.uint8)
    line = np.full((len(image), 4, 3), 255, np.uint8)
    return np.concatenate([expected, line, image, line, difference], axis=1)


def _size(image: RgbImage) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
