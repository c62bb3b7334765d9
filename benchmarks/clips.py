"""What the lean participants send: one pre-encoded VP8 clip with a frame number painted in, and one Opus tone."""

from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

FPS = 30
WIDTH, HEIGHT = 640, 360
BITRATE_BPS = 600_000
CODE_BITS = 12
BLOCK = 32  # luma pixels of one code bit's square
MARGIN = 8
FRAMES = 300


def natural_canvas(width: int, height: int, seed: int) -> npt.NDArray[np.uint8]:
    """A still with the spectrum of natural pictures (amplitude 1/f), shape (height, width)."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(fx, fy)
    frequency[0, 0] = 1
    phases = rng.uniform(0, 2 * np.pi, frequency.shape)
    noise = np.fft.irfft2(np.exp(1j * phases) / frequency**1.2, s=(height, width))
    noise = (noise - noise.mean()) / noise.std()
    picture: npt.NDArray[np.uint8] = np.clip(120 + 45 * noise, 16, 235).astype(np.uint8)
    return picture


def paint_code(luma: npt.NDArray[np.uint8], number: int) -> None:
    """Write ``number`` as a row of black and white squares into the top left corner."""
    for bit in range(CODE_BITS):
        x = MARGIN + bit * BLOCK
        luma[MARGIN : MARGIN + BLOCK, x : x + BLOCK] = 235 if number >> bit & 1 else 16


def read_code(luma: npt.NDArray[np.uint8], x: float, y: float, scale: float) -> int:
    """The number painted into the tile whose source's top left corner lies at (x, y), shrunk by ``scale``."""
    number = 0
    for bit in range(CODE_BITS):
        cx = int(x + scale * (MARGIN + (bit + 0.5) * BLOCK))
        cy = int(y + scale * (MARGIN + 0.5 * BLOCK))
        number |= int(luma[cy - 2 : cy + 3, cx - 2 : cx + 3].mean() > 125) << bit
    return number


def vp8_clip(seed: int) -> list[bytes]:
    """``FRAMES`` encoded frames of a slow pan, the first one a keyframe."""
    world = natural_canvas(WIDTH * 2, HEIGHT * 2, seed)
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.bit_rate = BITRATE_BPS
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "lag-in-frames": "0",
        "g": "9999",
        "max-intra-rate": "600",
    }
    clip: list[bytes] = []
    for n in range(FRAMES):
        dx, dy = (int(s * (1 + np.sin(n / FRAMES * 2 * np.pi))) for s in (WIDTH / 4, HEIGHT / 4))
        planes = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
        planes[:HEIGHT] = world[dy : dy + HEIGHT, dx : dx + WIDTH]
        paint_code(planes[:HEIGHT], n)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = n
        clip += [bytes(packet) for packet in encoder.encode(frame)]
    clip += [bytes(packet) for packet in encoder.encode(None)]
    assert len(clip) == FRAMES
    return clip


def opus_packets(tone_hz: float | None, count: int = 50) -> list[bytes]:
    """``count`` packets of 20 ms of a tone, or of digital silence."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, av.AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.bit_rate = 32_000
    packets: list[bytes] = []
    for n in range(count + 2):
        t = np.arange(n * 960, (n + 1) * 960) / 48_000
        wave = np.zeros(960) if tone_hz is None else 0.2 * np.sin(2 * np.pi * tone_hz * t)
        frame = av.AudioFrame.from_ndarray((wave * 32767).astype(np.int16)[None, :], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48_000, n * 960
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets[:count]
