"""A whole canvas beside the one that FFmpeg's filters make of the same sources."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from layouts.geometry import Rect, Size
from layouts.model import Fit, Layout, Tile
from mcu.media import Picture, Plane
from mcu.video.compositor import Compositor
from mcu.video.i420 import Canvas
from mcu.video.overlay import Overlays
from mcu.video.scene import Scene

pytestmark = [pytest.mark.media, pytest.mark.beside]

CANVAS = Size(1280, 720)
BACKGROUND = "0x111318"
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Source:
    """A picture FFmpeg draws, its place, and the filter that brings it there."""

    pattern: str
    size: Size
    rect: Rect
    fit: Fit
    filters: str


SOURCES = [
    Source("mandelbrot", Size(640, 360), Rect(0, 0, 426, 240), Fit.COVER, "crop=640:360"),
    Source("testsrc2", Size(640, 360), Rect(426, 0, 426, 240), Fit.COVER, "crop=640:360"),
    Source("testsrc2", Size(360, 640), Rect(852, 0, 426, 240), Fit.COVER, "crop=360:202:0:218"),
    Source("mandelbrot", Size(1920, 1080), Rect(0, 240, 426, 240), Fit.COVER, "scale=960:540:flags=area"),
    Source("smptehdbars", Size(320, 240), Rect(426, 240, 426, 240), Fit.COVER, "crop=320:180:0:30"),
    Source("testsrc2", Size(480, 640), Rect(852, 240, 180, 240), Fit.CONTAIN, "crop=480:640"),
    Source("yuvtestsrc", Size(400, 226), Rect(1032, 240, 248, 140), Fit.COVER, "crop=400:226"),
    Source("rgbtestsrc", Size(640, 360), Rect(0, 480, 426, 240), Fit.COVER, "crop=640:360"),
    Source("mandelbrot", Size(240, 136), Rect(426, 480, 426, 240), Fit.COVER, "crop=240:136"),
]


def _ffmpeg(*arguments: str) -> bytes:
    program = shutil.which("ffmpeg")
    assert program is not None, "ffmpeg is missing: install the Debian package ffmpeg"
    command = [program, "-loglevel", "error", "-nostdin", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout


def _planes(raw: bytes, size: Size) -> tuple[Plane, Plane, Plane]:
    flat, luma, half = np.frombuffer(raw, np.uint8), size.width * size.height, (size.height // 2, size.width // 2)
    chroma = half[0] * half[1]
    return (
        flat[:luma].reshape(size.height, size.width),
        flat[luma : luma + chroma].reshape(half),
        flat[luma + chroma :].reshape(half),
    )


def _ssim(a: Plane, b: Plane) -> float:
    """Mean structural similarity (Wang et al. 2004: Gaussian window of 11, sigma 1.5)."""

    def blurred(values: _Floats) -> _Floats:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float64)

    x, y = a.astype(np.float64), b.astype(np.float64)
    mean_x, mean_y = blurred(x), blurred(y)
    var_x, var_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((numerator / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))).mean())


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The sources as raw I420 files."""
    folder = tmp_path_factory.mktemp("sources")
    for n, source in enumerate(SOURCES):
        pattern = f"{source.pattern}=size={source.size.width}x{source.size.height}:rate=1"
        _ffmpeg(
            "-f", "lavfi", "-i", pattern, "-frames:v", "1", "-pix_fmt", "yuv420p", "-f", "rawvideo", f"{folder}/{n}"
        )
    return [folder / str(n) for n in range(len(SOURCES))]


@pytest.fixture(scope="module")
def reference(raw: list[Path]) -> tuple[Plane, Plane, Plane]:
    inputs, filters = [], [f"color={BACKGROUND}:size=1280x720:rate=1,format=yuv420p[base0]"]
    for n, (source, path) in enumerate(zip(SOURCES, raw, strict=True)):
        size, rect = source.size, source.rect
        inputs += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{size.width}x{size.height}", "-i", str(path)]
        filters.append(f"[{n}]{source.filters},scale={rect.width}:{rect.height}:flags=bilinear+accurate_rnd[t{n}]")
        filters.append(f"[base{n}][t{n}]overlay={rect.x}:{rect.y}:format=yuv420[base{n + 1}]")
    graph = ";".join(filters)
    out = ["-map", f"[base{len(SOURCES)}]", "-frames:v", "1", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"]
    return _planes(_ffmpeg(*inputs, "-filter_complex", graph, *out), CANVAS)


def test_the_canvas_is_as_ffmpeg_makes_it(raw: list[Path], reference: tuple[Plane, Plane, Plane]) -> None:
    tiles = tuple(Tile(str(n), source.rect, source.fit) for n, source in enumerate(SOURCES))
    pictures = {
        str(n): Picture(*_planes(path.read_bytes(), source.size))
        for n, (source, path) in enumerate(zip(SOURCES, raw, strict=True))
    }
    canvas = Canvas(CANVAS)
    Compositor(canvas, Overlays()).paint(Scene(Layout(CANVAS, tiles)), pictures)
    for plane, expected in zip((canvas.y, canvas.u, canvas.v), reference, strict=True):
        assert _ssim(plane, expected) >= 0.98
        assert abs(float(plane.mean()) - float(expected.mean())) < 0.5
    for source in SOURCES:
        rect = source.rect
        ours, theirs = (y[rect.y : rect.bottom, rect.x : rect.right] for y in (canvas.y, reference[0]))
        assert _ssim(ours, theirs) >= 0.97, source
    outside = np.ones(canvas.y.shape, bool)
    for source in SOURCES:
        outside[source.rect.y : source.rect.bottom, source.rect.x : source.rect.right] = False
    assert np.abs(canvas.y[outside].astype(int) - reference[0][outside]).max() <= 1


def test_the_measure_tells_a_shift_by_one_pixel(reference: tuple[Plane, Plane, Plane]) -> None:
    assert _ssim(reference[0], reference[0]) == pytest.approx(1)
    assert _ssim(reference[0], np.roll(reference[0], 1, axis=1)) < 0.98
