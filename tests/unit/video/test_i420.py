import cv2
import numpy as np
import pytest

from layouts.geometry import Rect, Size
from mcu.video.i420 import Canvas, Colour

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("rgb", "yuv"),
    [  # 100 % colour bars of ITU-R BT.601-7, 8 bits
        ((255, 255, 255), (235, 128, 128)),
        ((255, 255, 0), (210, 16, 146)),
        ((0, 255, 255), (170, 166, 16)),
        ((0, 255, 0), (145, 54, 34)),
        ((255, 0, 255), (106, 202, 222)),
        ((255, 0, 0), (81, 90, 240)),
        ((0, 0, 255), (41, 240, 110)),
        ((0, 0, 0), (16, 128, 128)),
    ],
)
def test_colour_bars(rgb: tuple[int, int, int], yuv: tuple[int, int, int]) -> None:
    assert Colour.from_rgb(*rgb) == Colour(*yuv)


@pytest.mark.parametrize("size", [Size(160, 90), Size(1280, 720), Size(642, 358), Size(162, 90)])
def test_the_packed_canvas_is_what_opencv_reads(size: Size) -> None:
    canvas = Canvas(size)
    canvas.fill(Rect(0, 0, size.width, size.height), Colour.from_rgb(0, 0, 255))
    canvas.fill(Rect(0, 0, 2, 2), Colour.from_rgb(255, 0, 0))
    bgr = cv2.cvtColor(canvas.packed(), cv2.COLOR_YUV2BGR_I420)
    assert bgr.shape == (size.height, size.width, 3)
    assert np.abs(bgr[0, 0].astype(int) - (0, 0, 255)).max() <= 3
    assert np.abs(bgr[-1, -1].astype(int) - (255, 0, 0)).max() <= 3
    assert np.abs(bgr[2:, 2:].astype(int) - (255, 0, 0)).max() <= 3
