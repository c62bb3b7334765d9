"""Moving pictures with the statistics of photographs, made from nothing."""

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from layouts.geometry import Rect, Size
from mcu.media import Plane, VideoCodec
from mcu.messages import VideoConfig
from mcu.video.encode import ENCODERS
from mcu.video.i420 import Canvas, Colour


@lru_cache(maxsize=2)
def photograph(width: int, height: int, seed: int = 7) -> Plane:
    """Luma of a "dead leaves" scene: discs of all sizes hide one another, each textured with 1/f noise.

    Occlusion edges over a 1/f spectrum are what natural pictures have in common (Lee, Mumford and Huang 2001).
    """
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf
    phase = np.exp(2j * np.pi * rng.random(frequency.shape))
    texture = np.fft.irfft2(phase / frequency**1.2, s=(height, width))
    texture *= 14 / texture.std()
    leaves = np.full((height, width), 120, np.uint8)
    for radius in np.sort(1 / np.sqrt(rng.uniform(1 / 320**2, 1 / 8**2, 3000)))[::-1]:
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        cv2.circle(leaves, centre, int(radius), float(rng.integers(40, 210)), -1, cv2.LINE_AA)
    lens = cv2.GaussianBlur(leaves.astype(np.float64) + texture, (0, 0), 0.8)  # no lens resolves to the pixel
    return np.clip(np.rint(lens), 16, 235).astype(np.uint8)


def moving(canvas: Canvas, step: int) -> None:
    """Paint the photograph as a camera that pans and sways sees it at frame ``step``, with sub-pixel motion."""
    width, height = canvas.size.width, canvas.size.height
    source = photograph(width * 3 // 2, height * 3 // 2)
    x = (source.shape[1] - width) / 2 * (1 + np.sin(step / 30))
    y = (source.shape[0] - height) / 2 * (1 + np.sin(step / 37))
    shift: npt.NDArray[np.float64] = np.array([[1, 0, x], [0, 1, y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    canvas.y[:] = cv2.warpAffine(source, shift, (width, height), flags=flags)
    canvas.u[:] = 112 + canvas.y[::2, ::2] // 8
    canvas.v[:] = 150 - canvas.y[::2, ::2] // 8


def psnr_db(a: Plane, b: Plane) -> float:
    """Peak signal-to-noise ratio of 8-bit planes."""
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return float(10 * np.log10(255**2 / error))


def encoded_colour(codec: VideoCodec, colour: Colour, size: Size, count: int = 1) -> list[bytes]:
    """A clip of one colour with a little motion, a keyframe first."""
    canvas = Canvas(size)
    encoder = ENCODERS[codec](VideoConfig(width=size.width, height=size.height, bitrate_bps=400_000))
    units = []
    for n in range(count):
        canvas.fill(Rect(0, 0, size.width, size.height), colour)
        canvas.fill(Rect(2 * (n % 8), 2, 4, 4), Colour(235, 128, 128))
        frame = encoder.encode(canvas, n * 3000, 3000, keyframe=n == 0)
        assert frame is not None
        units.append(frame.data)
    return units
