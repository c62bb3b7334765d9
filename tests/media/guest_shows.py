"""What the guests of a room send: pictures that tell their number, and coded chirps, encoded beforehand."""

import functools
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av import VideoFrame

from mcu.audio.opus import OpusEncoder
from tests.unit.audio.chirps import chirps

FPS = 30
WIDTH, HEIGHT = 320, 180
NUMBERS = 60  # pictures, over and over
BITS = 6
BIT_PX = 40  # the side of the square that shows one
CHIRPS_S = 5.0  # until they repeat


@functools.cache
def film(seed: int) -> tuple[bytes, ...]:
    """VP8, beginning with a keyframe and half way with another; each picture shows its number as black and white."""
    coarse = np.random.default_rng(seed).integers(40, 200, (HEIGHT // 10, WIDTH // 10)).astype(np.uint8)
    texture = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    encoder: Any = av.CodecContext.create("libvpx", "w")  # PyAV types it as of any kind
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.framerate, encoder.bit_rate = FPS, 400_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    packets: list[bytes] = []
    for number in range(NUMBERS):
        values = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        values[:HEIGHT] = np.roll(texture, number * HEIGHT // NUMBERS, axis=0)  # the same motion throughout
        for bit in range(BITS):
            place = slice(bit * BIT_PX, (bit + 1) * BIT_PX)
            values[HEIGHT // 2 - BIT_PX // 2 : HEIGHT // 2 + BIT_PX // 2, place] = 235 if number >> bit & 1 else 16
        frame = VideoFrame.from_ndarray(values, format="yuv420p")
        frame.pts = number
        if number % FPS == 0:
            frame.pict_type = av.video.frame.PictureType.I
        packets += map(bytes, encoder.encode(frame))
    assert len(packets) == NUMBERS
    return tuple(packets)


@functools.cache
def song(*, silent: bool) -> tuple[bytes, ...]:
    """Opus with FEC, as browsers send it: coded chirps, or silence."""
    encoder = OpusEncoder(loss_percent=10, complexity=5, bitrate_bps=32_000)
    sound = chirps(CHIRPS_S)[:, np.newaxis] * (0 if silent else 1)
    return tuple(encoder.encode(block) for block in sound.reshape(-1, 960, 1))


def number_shown(luma: npt.NDArray[np.uint8]) -> int:
    """Which picture of a film a tile shows; ``luma`` is the tile, whatever its size."""
    row = cv2.resize(luma, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)[HEIGHT // 2 - 8 : HEIGHT // 2 + 8]
    squares = [row[:, bit * BIT_PX + 10 : (bit + 1) * BIT_PX - 10].mean() for bit in range(BITS)]
    return sum((square > 128) << bit for bit, square in enumerate(squares))
