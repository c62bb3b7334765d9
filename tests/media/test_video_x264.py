"""The binding of x264, and our rate control beside x264's own, which PyAV drives."""

import ctypes.util
import resource
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from layouts.geometry import Rect, Size
from mcu.errors import CodecError
from mcu.messages import VideoConfig
from mcu.video import x264
from mcu.video.encode import H264Encoder, x264_settings
from mcu.video.i420 import Canvas, Colour
from mcu.video.x264 import X264
from tests.media.video_content import moving, photograph, psnr_db

pytestmark = [pytest.mark.media, pytest.mark.beside]

SIZE = Size(640, 360)
SETTINGS = x264_settings(30)


def _decoded(units: list[bytes]) -> Iterator[Any]:
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1  # more hold pictures back
    for unit in units:
        yield from decoder.decode(av.Packet(unit))


def _luma(frame: Any) -> Any:
    return frame.to_ndarray()[: frame.height, : frame.width]


def test_each_picture_gets_the_quantiser_it_is_given() -> None:
    """The finer, the more bits and the better."""
    canvas, encoder = Canvas(SIZE), X264(SIZE.width, SIZE.height, "superfast", "baseline", SETTINGS)
    moving(canvas, 0)
    units = [encoder.encode(canvas.frame, n, q, keyframe=True) for n, q in enumerate((18, 24, 30, 40, 51, 18))]
    sizes = [len(unit) for unit in units]
    assert sizes[0] > 1.3 * sizes[1] > 1.3**2 * sizes[2] > 1.3**3 * sizes[3] > 1.3**4 * sizes[4]
    assert sizes[5] == pytest.approx(sizes[0], rel=0.05)  # but for the text of settings in the first
    quality = [psnr_db(_luma(frame), canvas.y) for frame in _decoded(units)]
    assert quality[0] > 43
    assert quality[4] < 28


def test_what_it_cannot_do_it_says() -> None:
    encoder = X264(SIZE.width, SIZE.height, "superfast", "baseline", SETTINGS)
    with pytest.raises(CodecError, match="opened for"):
        encoder.encode(Canvas(Size(320, 180)).frame, 0, 30, keyframe=True)
    with pytest.raises(CodecError, match="opened for"):
        encoder.encode(av.VideoFrame(SIZE.width, SIZE.height, "rgb24"), 0, 30, keyframe=True)
    with pytest.raises(CodecError, match="refuses no-such-thing=1"):
        X264(SIZE.width, SIZE.height, "superfast", "baseline", {"no-such-thing": 1})
    with pytest.raises(CodecError, match="preset"):
        X264(SIZE.width, SIZE.height, "warp", "baseline", SETTINGS)
    with pytest.raises(CodecError, match="profile"):
        X264(SIZE.width, SIZE.height, "superfast", "grand", SETTINGS)
    with pytest.raises(CodecError, match="0x0"):
        X264(0, 0, "superfast", "baseline", SETTINGS)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Where x264 is looked for, instead of where it is."""
    names: list[str] = []
    x264._library.cache_clear()
    monkeypatch.setattr(x264, "candidates", lambda _: iter(names))
    yield names
    x264._library.cache_clear()


def test_without_the_library_it_says_what_to_install(places: list[str]) -> None:
    places.append("/no/libx264.so")
    with pytest.raises(CodecError, match="install libx264"):
        X264(SIZE.width, SIZE.height, "superfast", "baseline", SETTINGS)


def test_the_systems_library_does_as_well(places: list[str]) -> None:
    """Debian's is another build than the wheel's; GStreamer's plugins bring it."""
    name = ctypes.util.find_library("x264")
    assert name is not None
    places.append(name)
    test_each_picture_gets_the_quantiser_it_is_given()


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def test_an_encoder_that_is_dropped_gives_its_memory_back() -> None:
    canvas = Canvas(Size(1280, 720))
    before_mb = None
    for _ in range(25):
        encoder = X264(1280, 720, "superfast", "baseline", SETTINGS)
        for n in range(2):
            encoder.encode(canvas.frame, n, 30, keyframe=False)
        if before_mb is None:
            before_mb = _resident_mb()
    assert before_mb is not None
    assert _resident_mb() - before_mb < 100  # one takes 24


# --- beside x264's own rate control -----------------------------------------------------------------------------------


def _noisy(canvas: Canvas, n: int) -> None:
    """As a cheap camera in a dim room sees it."""
    moving(canvas, n)
    grain = np.random.default_rng(n).normal(0, 4, canvas.y.shape)
    canvas.y[:] = np.clip(canvas.y + grain, 0, 255)


def _cuts(canvas: Canvas, n: int) -> None:
    """Another scene every second."""
    moving(canvas, n)
    if n // 30 % 2:
        canvas.y[:] = photograph(SIZE.width, SIZE.height, 3)


def _slides(canvas: Canvas, n: int) -> None:
    """Another page of small squares, as of letters, every two seconds."""
    canvas.fill(Rect(0, 0, SIZE.width, SIZE.height), Colour(235, 128, 128))
    random = np.random.default_rng(n // 60)
    for line in range(10, SIZE.height - 20, 16):
        dark = np.kron(random.random((5, SIZE.width // 2 - 40)) < 0.4, np.ones((2, 2), bool))
        canvas.y[line : line + 10, 40 : 40 + dark.shape[1]][dark] = 30


def _own(scene: Callable[[Canvas, int], None], bitrate_bps: int, pictures: int) -> list[bytes]:
    """The same by x264's rate control, with a buffer of half a second."""
    context: Any = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = SIZE.width, SIZE.height, "yuv420p"
    context.time_base, context.framerate, context.bit_rate = Fraction(1, 30), Fraction(30), bitrate_bps
    context.gop_size, context.thread_count = 1 << 20, 1
    rate = {"maxrate": str(bitrate_bps), "bufsize": str(bitrate_bps // 2)}
    words = "scenecut=0:aq-mode=0:ipratio=3:deadzone-inter=6:deadzone-intra=4:qpmin=18"
    context.options = {"preset": "superfast", "tune": "zerolatency", "profile": "baseline", "x264-params": words} | rate
    canvas, units = Canvas(SIZE), []
    for n in range(pictures):
        scene(canvas, n)
        canvas.frame.pts, canvas.frame.time_base = n, Fraction(1, 30)
        units.append(b"".join(bytes(packet) for packet in context.encode(canvas.frame)))
    return units


def _ours(scene: Callable[[Canvas, int], None], bitrate_bps: int, pictures: int) -> list[bytes]:
    encoder = H264Encoder(VideoConfig(width=SIZE.width, height=SIZE.height, bitrate_bps=bitrate_bps))
    canvas, units = Canvas(SIZE), []
    for n in range(pictures):
        scene(canvas, n)
        units.append(encoder.encode(canvas, n * 3000, 3000, keyframe=n == 0).data)
    return units


@pytest.mark.parametrize("bitrate_bps", [300_000, 1_000_000])
@pytest.mark.parametrize("scene", [moving, _noisy, _cuts, _slides])
def test_pictures_are_as_good_as_by_x264s_own_rate_control(
    scene: Callable[[Canvas, int], None], bitrate_bps: int
) -> None:
    """In dB, over eight seconds; and no half second takes much more than the buffer holds and it gets itself."""
    pictures = 240
    quality, bits, burst = {}, {}, {}
    for name, units in (
        ("own", _own(scene, bitrate_bps, pictures)),
        ("ours", _ours(scene, bitrate_bps, pictures)),
    ):
        canvas, seen = Canvas(SIZE), []
        for n, frame in enumerate(_decoded(units)):
            scene(canvas, n)
            seen.append(psnr_db(_luma(frame), canvas.y))
        assert len(seen) == pictures
        sizes = np.array([8 * len(unit) for unit in units])
        quality[name], bits[name] = float(np.mean(seen)), float(sizes.sum()) / 8
        burst[name] = float(np.convolve(sizes, np.ones(15), "valid").max()) / (bitrate_bps / 2)
    assert quality["ours"] >= quality["own"] - 0.5
    assert bits["ours"] <= max(bitrate_bps, bits["own"]) * 1.06
    assert burst["ours"] <= 2.2
