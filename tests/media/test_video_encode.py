"""What a viewer's decoder makes of our encoders' streams."""

import json
import subprocess
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from layouts.geometry import Rect, Size
from mcu.media import EncodedFrame, VideoCodec
from mcu.messages import VideoConfig
from mcu.video.encode import ENCODERS, Encoder, x264_settings
from mcu.video.i420 import Canvas, Colour
from tests.media.video_content import moving, psnr_db

pytestmark = [pytest.mark.media, pytest.mark.beside]

SIZE = Size(640, 360)
BARS = [(255, 255, 255), (255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255), (0, 0, 0)]
BOTH = pytest.mark.parametrize("codec", list(VideoCodec))


def _open(codec: VideoCodec, **changes: int) -> Encoder:
    return ENCODERS[codec](VideoConfig(width=SIZE.width, height=SIZE.height).model_copy(update=changes))


def _encode(encoder: Encoder, canvas: Canvas, n: int, *, keyframe: bool = False) -> EncodedFrame:
    frame = encoder.encode(canvas, n * 3000, 3000, keyframe=keyframe)
    assert frame is not None
    return frame


def _decoder(codec: VideoCodec) -> av.VideoCodecContext:
    context = av.CodecContext.create("h264" if codec is VideoCodec.H264 else "vp8", "r")
    assert isinstance(context, av.VideoCodecContext)
    context.thread_count = 1
    return context


def _nal_types(data: bytes) -> list[int]:
    return [nal[0] & 31 for nal in data.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")[1:]]


@BOTH
def test_colour_bars_come_through(codec: VideoCodec) -> None:
    canvas = Canvas(SIZE)
    for n, rgb in enumerate(BARS):
        canvas.fill(Rect(80 * n, 0, 80, 360), Colour.from_rgb(*rgb))
    encoder, decoder = _open(codec), _decoder(codec)
    for n in range(5):
        frames = decoder.decode(av.Packet(_encode(encoder, canvas, n, keyframe=n == 0).data))
        assert len(frames) == 1  # no delay
    for n, rgb in enumerate(BARS):
        colour, frame = Colour.from_rgb(*rgb), frames[0]
        for plane, wanted, step in zip(frame.planes, (colour.y, colour.u, colour.v), (1, 2, 2), strict=True):
            pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, -1)
            middle = pixels[40 // step : 320 // step, (80 * n + 16) // step : (80 * n + 64) // step]
            assert np.abs(middle.astype(int) - wanted).max() <= 3


@BOTH
def test_a_keyframe_comes_when_asked_for_and_never_else(codec: VideoCodec) -> None:
    canvas, encoder = Canvas(SIZE), _open(codec)
    keyframes = []
    for n in range(90):
        if n == 40:  # a cut: everything changes
            canvas.fill(Rect(0, 0, 640, 360), Colour.from_rgb(250, 250, 0))
        else:
            moving(canvas, n)
        frame = _encode(encoder, canvas, n, keyframe=n in (0, 60))
        if frame.keyframe:
            keyframes.append(n)
            assert _starts_alone(codec, frame.data)
    assert keyframes == [0, 60]


def _starts_alone(codec: VideoCodec, data: bytes) -> bool:
    """Whether a fresh decoder can begin here."""
    return len(_decoder(codec).decode(av.Packet(data))) == 1


def test_h264_is_constrained_baseline_annex_b_with_its_parameters_in_band() -> None:
    canvas, encoder = Canvas(SIZE), _open(VideoCodec.H264)
    for n in range(6):
        moving(canvas, n)
        data = _encode(encoder, canvas, n, keyframe=n % 3 == 0).data
        types = _nal_types(data)
        if n % 3 == 0:
            assert [t for t in types if t in (7, 8, 5)][:3] == [7, 8, 5]
            sps = data[data.index(b"\0\0\1\x67") + 4 :]
            assert sps[0] == 66
            assert sps[1] & 0x40  # constraint_set1_flag: what profile-level-id 42e01f promises
        else:
            assert set(types) == {1}


def test_h264_says_which_colours_it_carries(tmp_path: Path) -> None:
    canvas, encoder = Canvas(SIZE), _open(VideoCodec.H264)
    moving(canvas, 0)
    path = tmp_path / "one.h264"
    path.write_bytes(_encode(encoder, canvas, 0, keyframe=True).data)
    shown = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)], check=True, capture_output=True
    ).stdout
    stream = json.loads(shown)["streams"][0]
    assert stream["color_space"] == "smpte170m"
    assert stream["color_primaries"] == "bt709"
    assert stream["color_transfer"] == "bt709"
    assert stream["color_range"] == "tv"
    assert stream["pix_fmt"] == "yuv420p"
    assert "Baseline" in stream["profile"]
    assert stream["has_b_frames"] == 0


@BOTH
def test_bitrate_keyframe_size_and_quality_at_720p(codec: VideoCodec) -> None:
    """Moving natural content at 2 Mbps: 39.5 dB, the bitrate kept, no keyframe over a third of a second's bits."""
    config = VideoConfig(width=1280, height=720, fps=30, bitrate_bps=2_000_000)
    encoder, decoder, canvas = ENCODERS[codec](config), _decoder(codec), Canvas(Size(1280, 720))
    sizes, errors = [], []
    for n in range(90):
        moving(canvas, n)
        data = _encode(encoder, canvas, n, keyframe=n in (0, 45)).data
        sizes.append(len(data))
        luma = decoder.decode(av.Packet(data))[0].planes[0]
        pixels = np.frombuffer(memoryview(luma), np.uint8).reshape(720, -1)[:, :1280]
        errors.append(10 ** (-psnr_db(pixels, canvas.y) / 10))
    assert 10 * np.log10(1 / np.mean(errors)) >= 39.5
    assert sum(sizes) * 8 / 3 <= 2_000_000 * 1.1
    assert max(sizes) <= 2_000_000 / 8 / 3


@pytest.mark.parametrize("has", [{11}, {13}, set(), {11, 13}], ids=["avx2", "avx512", "neither", "both"])
def test_the_processors_instructions_make_no_difference_to_the_stream(
    has: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers of ``cv::CpuFeatures``: 11 is AVX2, 13 is AVX-512F; what is not there is never told to x264."""
    if not all(cv2.checkHardwareSupport(number) for number in has):
        pytest.skip("this processor cannot do that")
    canvas, expected = Canvas(SIZE), _open(VideoCodec.H264)
    monkeypatch.setattr(cv2, "checkHardwareSupport", lambda number: number in has)
    encoder = _open(VideoCodec.H264)
    assert (x264_settings(30).get("asm") == "avx2") == (has == {11, 13})
    for n in range(20):
        moving(canvas, n)
        assert _encode(encoder, canvas, n, keyframe=n == 0).data == _encode(expected, canvas, n, keyframe=n == 0).data


@pytest.mark.parametrize("size", [Size(160, 90), Size(202, 118), Size(1280, 718)])
@BOTH
def test_any_even_canvas_is_encoded(codec: VideoCodec, size: Size) -> None:
    canvas = Canvas(size)
    canvas.fill(Rect(0, 0, size.width, size.height), Colour(120, 90, 160))
    encoder = ENCODERS[codec](VideoConfig(width=size.width, height=size.height))
    frame = _decoder(codec).decode(av.Packet(_encode(encoder, canvas, 0, keyframe=True).data))[0]
    assert (frame.width, frame.height) == (size.width, size.height)


@BOTH
def test_the_bitrate_follows_in_a_running_encoder_or_takes_a_new_one(codec: VideoCodec) -> None:
    config = VideoConfig(width=SIZE.width, height=SIZE.height, bitrate_bps=600_000, ceiling_bps=1_500_000)
    encoder, canvas = ENCODERS[codec](config), Canvas(SIZE)
    spent: list[float] = []
    for bitrate_bps in (600_000, 1_500_000, 300_000):
        if not encoder.follow(bitrate_bps):
            assert codec is VideoCodec.VP8
            encoder = ENCODERS[codec](config.model_copy(update={"bitrate_bps": bitrate_bps}))
        for n in range(30):  # to settle
            moving(canvas, n)
            _encode(encoder, canvas, len(spent) * 120 + n)
        frames = []
        for n in range(30, 120):
            moving(canvas, n)
            frames.append(_encode(encoder, canvas, len(spent) * 120 + n))
        spent.append(sum(len(frame.data) for frame in frames) * 8 / 3)
        assert not any(frame.keyframe for frame in frames)
    assert spent == pytest.approx([600_000, 1_500_000, 300_000], rel=0.15)


@BOTH
def test_what_stands_still_takes_next_to_no_bits_and_looks_no_worse(codec: VideoCodec) -> None:
    """Slides, or people who sit still: without a limit to its precision an encoder spends all it has on them."""
    encoder, decoder, canvas = _open(codec, bitrate_bps=1_000_000), _decoder(codec), Canvas(SIZE)
    moving(canvas, 0)
    sizes = []
    for n in range(240):
        data = _encode(encoder, canvas, n, keyframe=n == 0).data
        sizes.append(len(data))
        luma = decoder.decode(av.Packet(data))[0].planes[0]
    assert sum(sizes[-60:]) * 8 / 2 < 1_000_000 / 20
    assert psnr_db(np.frombuffer(memoryview(luma), np.uint8).reshape(SIZE.height, -1)[:, : SIZE.width], canvas.y) > 43
    for n in range(240, 270):
        moving(canvas, n)
        sizes.append(len(_encode(encoder, canvas, n).data))
    assert sum(sizes[-30:]) * 8 == pytest.approx(1_000_000, rel=0.5)  # and what moves gets what there is
