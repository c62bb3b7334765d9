"""What the lean participants send: one pre-encoded VP8 clip with a frame number painted in, and one Opus tone."""

from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt

from tests.media.video_content import photograph

FPS = 30
WIDTH, HEIGHT = 640, 360
BITRATE_BPS = 600_000
CODE_BITS, FRAME_BITS = 13, 9  # of the code: which film, which frame of it
BLOCK = 32  # luma pixels of one code bit's square
MARGIN = 8
LENS, SWAY = 2.0, 4.0  # pixels: the lens's blur, and how far the camera moves to each side
FRAMES = 300
LITTLE_FPS, LITTLE_BPS = 15, 80_000  # of a camera that is told to send next to nothing
BURST_EVERY, BURST_PACKETS = 12, 2  # packets of 20 ms: a voice has a burst so often, so long


def world(width: int, height: int, seed: int) -> npt.NDArray[np.uint8]:
    """What a camera with a soft lens sees: natural statistics, shape (height, width)."""
    return np.asarray(cv2.GaussianBlur(photograph(width, height, seed), (0, 0), LENS), np.uint8)


def paint_code(luma: npt.NDArray[np.uint8], film: int, number: int) -> None:
    """Write both as a row of black and white squares into the top left corner.

    The number is in Gray code: one square changes from frame to frame, which costs few bits.
    """
    code = film << FRAME_BITS | (number ^ number >> 1)
    for bit in range(CODE_BITS):
        x = MARGIN + bit * BLOCK
        luma[MARGIN : MARGIN + BLOCK, x : x + BLOCK] = 235 if code >> bit & 1 else 16


def read_code(luma: npt.NDArray[np.uint8], x: float, y: float, scale: float) -> tuple[int, int]:
    """Film and frame painted into the tile whose source's top left corner lies at (x, y), shrunk by ``scale``."""
    code = 0
    for bit in range(CODE_BITS):
        cx = int(x + scale * (MARGIN + (bit + 0.5) * BLOCK))
        cy = int(y + scale * (MARGIN + 0.5 * BLOCK))
        code |= int(luma[cy - 2 : cy + 3, cx - 2 : cx + 3].mean() > 125) << bit
    gray, number = code & (1 << FRAME_BITS) - 1, 0
    while gray:
        number, gray = number ^ gray, gray >> 1
    return code >> FRAME_BITS, number


def vp8_clip(seed: int) -> list[bytes]:
    """Film number ``seed``: ``FRAMES`` encoded frames of a camera held in a hand; the first is a keyframe."""
    return _encoded(seed, WIDTH, HEIGHT, FPS, BITRATE_BPS)


def little_clip() -> list[bytes]:
    """The same at a quarter of the area, half the rate and next to no bits, without a code."""
    return _encoded(99, WIDTH // 2, HEIGHT // 2, LITTLE_FPS, LITTLE_BPS)


def _encoded(seed: int, width: int, height: int, fps: int, bitrate_bps: int) -> list[bytes]:
    scene = world(width * 3 // 2, height * 3 // 2, seed)
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, fps), Fraction(fps)
    encoder.bit_rate = bitrate_bps
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "g": "9999",
        "max-intra-rate": "600",
    }
    clip: list[bytes] = []
    for n in range(FRAMES):
        angle = n / FRAMES * 2 * np.pi
        x = width / 4 + SWAY * np.sin(3 * angle + seed)
        y = height / 4 + SWAY * np.sin(2 * angle + seed)
        planes = _seen(scene, x, y, width, height)
        if width == WIDTH:
            paint_code(planes[:height], seed, n)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = n
        clip += [bytes(packet) for packet in encoder.encode(frame)]
    clip += [bytes(packet) for packet in encoder.encode(None)]
    assert len(clip) == FRAMES
    return clip


def _seen(scene: npt.NDArray[np.uint8], x: float, y: float, width: int, height: int) -> npt.NDArray[np.uint8]:
    """The part of the scene at (x, y), by sub-pixels, as packed I420."""
    shift: npt.NDArray[np.float64] = np.array([[1, 0, x], [0, 1, y]])
    luma = cv2.warpAffine(scene, shift, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    planes = np.empty((height * 3 // 2, width), np.uint8)
    planes[:height] = luma
    half = luma[::2, ::2] // 8
    planes[height : height * 5 // 4].reshape(height // 2, width // 2)[:] = 112 + half
    planes[height * 5 // 4 :].reshape(height // 2, width // 2)[:] = 150 - half
    return planes


def opus_packets(tone_hz: float | None, count: int = 50) -> list[bytes]:
    """``count`` packets of 20 ms of a tone, or of digital silence."""
    t = np.arange((count + 2) * 960) / 48_000
    return _opus(np.zeros(len(t)) if tone_hz is None else 0.2 * np.sin(2 * np.pi * tone_hz * t))[:count]


def burst_hz(number: int) -> float:
    """The pitch of the bursts in a voice."""
    return 2000.0 + 1000 * number


def voice_packets(number: int, count: int = 48) -> list[bytes]:
    """A loop of ``count`` packets: a hum as of a voice, and every ``BURST_EVERY`` packets a burst of high pitch."""
    t = np.arange(count * 960) / 48_000
    hum = sum(0.04 / k * np.sin(2 * np.pi * k * (125 + 25 * number) * t) for k in range(1, 7))
    phase = np.arange(count * 960) % (BURST_EVERY * 960)
    start = (BURST_EVERY // 2) * 960
    burst = (phase >= start) & (phase < start + BURST_PACKETS * 960)
    wave = hum + 0.15 * burst * np.sin(2 * np.pi * burst_hz(number) * t)
    return _opus(np.tile(wave, 3))[count : 2 * count]


def _opus(wave: npt.NDArray[np.float64]) -> list[bytes]:
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.bit_rate = 32_000
    packets: list[bytes] = []
    for n, block in enumerate(wave.reshape(-1, 960)):
        frame = av.AudioFrame.from_ndarray((block * 32767).astype(np.int16)[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, n * 960
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets
