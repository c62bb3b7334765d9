"""For test authors: compare a rendered picture with one that was looked at and kept."""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from mcu.offline.picture import write_png
from mcu.offline.stills import RgbImage

TOLERANCE = 3
"""Levels of R, G or B: one level of luma or chroma, which another processor may round otherwise."""


def assert_same_picture(
    image: RgbImage, golden: Path, *, tolerance: int = TOLERANCE, folder: Path | None = None
) -> None:
    """Fail unless ``image`` is the picture in the file ``golden``.

    On failure the picture and the difference (grey where they agree, brighter or darker where not, four times as
    strong) are written as PNGs, whose names the message tells.

    Args:
        image: from ``render_picture``.
        golden: a PNG of the same size; when there is none yet, the message says how to accept this one.
        tolerance: levels that any pixel may differ by.
        folder: where to write; None for a new temporary folder.

    Raises:
        AssertionError: they differ.
    """
    if not golden.exists():
        actual = _write(image, f"{golden.stem}.actual.png", folder)
        raise AssertionError(f"there is no {golden} yet; look at {actual}, and if it is right, copy it there")
    with Image.open(golden) as opened:
        expected = np.asarray(opened.convert("RGB"))
    if expected.shape != image.shape:
        actual = _write(image, f"{golden.stem}.actual.png", folder)
        raise AssertionError(f"{golden} is {_size(expected)}, the picture is {_size(image)}: {actual}")
    apart = image.astype(np.int16) - expected
    worst = int(np.abs(apart).max(initial=0))
    if worst > tolerance:
        wrong = np.argwhere(np.abs(apart).max(axis=2) > tolerance)
        (top, left), (bottom, right) = wrong.min(axis=0), wrong.max(axis=0)
        actual = _write(image, f"{golden.stem}.actual.png", folder)
        shown = np.clip(128 + 4 * apart, 0, 255).astype(np.uint8)
        difference = _write(shown, f"{golden.stem}.difference.png", actual.parent)
        raise AssertionError(
            f"{len(wrong)} pixels differ from {golden} by up to {worst} levels, between ({left}, {top}) and "
            f"({right}, {bottom}): {actual} and {difference}"
        )


def _write(image: RgbImage, name: str, folder: Path | None) -> Path:
    path = (folder or Path(tempfile.mkdtemp(prefix="golden-"))) / name
    write_png(image, path)
    return path


def _size(image: RgbImage) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
