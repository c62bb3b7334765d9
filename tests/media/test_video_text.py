"""Our text beside that of HarfBuzz's own viewer, which draws through another rasteriser."""

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from mcu.video.ink import draw_line
from mcu.video.shaping import shaped
from mcu.video.typefaces import FOLDER

pytestmark = [pytest.mark.media, pytest.mark.beside]

SIZE_PX = 160
_Plane = npt.NDArray[np.uint8]


def _viewed(font: Path, text: str) -> _Plane:
    """What ``hb-view`` draws, black on white, as ink."""
    program = shutil.which("hb-view")
    assert program is not None, "hb-view is missing: install the Debian package libharfbuzz-bin"
    command = [program, f"--font-file={font}", f"--font-size={SIZE_PX}", "--margin=8", "--output-format=png", text]
    png = subprocess.run(command, check=True, capture_output=True, timeout=20).stdout
    return np.asarray(255 - np.asarray(Image.open(BytesIO(png)).convert("L")), np.uint8)


def _ours(text: str) -> _Plane:
    line = shaped(text)
    image = Image.new("RGBA", (int(line.width * SIZE_PX) + 2 * SIZE_PX, 4 * SIZE_PX))
    draw_line(image, line, SIZE_PX, x=SIZE_PX, baseline=2 * SIZE_PX, colour=(255, 255, 255))
    return np.asarray(image.getchannel("A"))


def _trimmed(ink: _Plane) -> _Plane:
    rows, columns = np.nonzero(ink.max(axis=1) > 40)[0], np.nonzero(ink.max(axis=0) > 40)[0]
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@pytest.mark.parametrize(
    ("font", "text"),
    [
        ("NotoSansArabic-Regular.ttf", "محمد"),
        ("NotoSansArabic-Regular.ttf", "اَلْعَرَبِيَّةُ"),
        ("NotoSansArabic-Regular.ttf", "عبدالله"),
        ("NotoSansHebrew-Regular.ttf", "שָׁלוֹם"),
        ("NotoSansDevanagari-Regular.ttf", "श्रीकृष्ण"),
        ("NotoSansThai-Regular.ttf", "ผู้ใหญ่"),
        ("NotoSansMyanmar-Regular.ttf", "မြန်မာ"),
        ("DejaVuSans.ttf", "Ada Lovelace"),
    ],
)
def test_a_name_looks_as_harfbuzz_shows_it(font: str, text: str) -> None:
    expected, ours = _trimmed(_viewed(FOLDER / font, text)), _trimmed(_ours(text))
    assert abs(expected.shape[0] - ours.shape[0]) <= 2
    assert abs(expected.shape[1] - ours.shape[1]) <= 3
    same_size = np.asarray(cv2.resize(ours, expected.shape[::-1], interpolation=cv2.INTER_AREA), np.float64)
    likeness = np.corrcoef(expected.ravel(), same_size.ravel())[0, 1]
    mirrored = np.corrcoef(expected.ravel(), same_size[:, ::-1].ravel())[0, 1]
    assert likeness > 0.97
    assert mirrored < 0.9
