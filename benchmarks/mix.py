"""What a probe received of the mix, looked at afterwards: how late each picture is, and how good.

Each frame of a film has two numbers painted in, so the mix says which frame of which film each tile shows.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass

import av
import numpy as np
import numpy.typing as npt

from benchmarks.clips import FRAMES, HEIGHT, WIDTH, read_code
from benchmarks.lean import sdp
from benchmarks.lean.crowd import Watched
from layouts.geometry import Rect, Size
from layouts.model import Fit, Options, Source
from layouts.select import resolve
from mcu.media import Picture, VideoCodec
from mcu.rtc import rtp
from mcu.rtc.depacketize import join
from mcu.video.decode import Decoder
from mcu.video.i420 import Canvas
from mcu.video.scale import paint_picture

CANVAS = Size(1280, 720)
_LATEST_S = 2.0  # a frame of the film comes again after ten seconds
_EDGE, _LABEL = 6, 52  # pixels of a tile that a border and the name may cover
_IDR_TYPES = {5, 7}

Luma = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class MixedFrame:
    """One picture of the mix: when its first packet came (Unix seconds), and what it is."""

    came: float
    luma: Luma
    shows: tuple[tuple[Rect, int, int], ...]  # each tile that shows a film, with its number and that of its frame


def tiles(participants: int, most: int) -> list[Rect]:
    """Where the tiles of a grid are; whose each is depends on who came first."""
    sources = [Source(id=f"p{n}", name=f"p{n}") for n in range(participants)]
    return [tile.rect for tile in resolve("grid", CANVAS, sources, Options(max_tiles=most)).tiles]


def frames(received: list[tuple[float, bytes]], places: list[Rect]) -> list[MixedFrame]:
    """Decode what a probe of H.264 got, from its first keyframe on."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    mixed, started = [], False
    for came, data in _encoded(received):
        started = started or data[4] & 0x1F in _IDR_TYPES
        if not started:
            continue
        for picture in decoder.decode(av.Packet(data)):
            if (picture.width, picture.height) != (CANVAS.width, CANVAS.height):
                continue  # a lower rung
            luma = np.asarray(picture.to_ndarray()[: picture.height], np.uint8)
            read = ((rect, *read_code(luma, *_corner(rect))) for rect in places)
            shows = tuple(found for found in read if found[1] < len(places) and found[2] < FRAMES)
            mixed.append(MixedFrame(came, luma, shows))
    return mixed


def _corner(rect: Rect) -> tuple[float, float, float]:
    """Where a film's top left corner lies, and by how much it is shrunk (cover fit)."""
    scale = max(rect.width / WIDTH, rect.height / HEIGHT)
    return rect.x - (WIDTH * scale - rect.width) / 2, rect.y - (HEIGHT * scale - rect.height) / 2, scale


def _encoded(received: list[tuple[float, bytes]]) -> list[tuple[float, bytes]]:
    """Whole encoded frames, each with the arrival of its first packet."""
    by_time: dict[int, list[tuple[float, bytes]]] = defaultdict(list)
    for came, data in received:
        packet = rtp.parse(data)
        if packet.payload_type == sdp.H264 and packet.payload:
            by_time[packet.timestamp].append((came, packet.payload))
    whole = []
    for parts in by_time.values():
        try:
            data, _ = join(VideoCodec.H264, [payload for _, payload in parts])
        except ValueError:
            continue  # the first one, which began before it was watched
        whole.append((min(came for came, _ in parts), data))
    return whole


def picture_delays_ms(watched: Watched, mixed: list[MixedFrame]) -> list[float]:
    """From the last packet of each film's frame to the first packet of the mix that shows it."""
    sent: dict[tuple[str, int], list[float]] = defaultdict(list)
    for who, index, at in watched.pictures:
        sent[who, index].append(at)
    delays: list[float] = []
    shown: dict[int, int] = {}
    for frame in mixed:
        for _, film, code in frame.shows:
            if shown.get(film) == code:
                continue
            shown[film] = code
            times = sent.get((f"p{film}", code), [])
            place = bisect_right(times, frame.came)
            if place and frame.came - times[place - 1] < _LATEST_S:
                delays.append((frame.came - times[place - 1]) * 1000)
    return delays


def quality_db(mixed: list[MixedFrame], clips: list[list[bytes]], every: int = 7) -> float:
    """Luma PSNR of the mix against the same films scaled into the same tiles, without names and borders.

    Args:
        mixed: what was received.
        clips: the films.
        every: look at one frame in so many; not a divisor of the frames between two keyframes, or one would always
            look as long after a keyframe.
    """
    chosen = [frame.shows for frame in mixed[every::every]]
    lumas = [frame.luma for frame in mixed[every::every]]
    wanted = {(film, code) for shows in chosen for _, film, code in shows}
    films = [_pictures(clip, {code for film, code in wanted if film == n}) for n, clip in enumerate(clips)]
    canvas, errors = Canvas(CANVAS), []
    for shows, luma in zip(chosen, lumas, strict=True):
        for rect, film, code in shows:
            paint_picture(canvas, rect, Fit.COVER, films[film][code])
            rows = slice(rect.y + _EDGE, rect.bottom - _LABEL)
            columns = slice(rect.x + _EDGE, rect.right - _EDGE)
            difference = canvas.y[rows, columns].astype(np.int32) - luma[rows, columns]
            errors.append(np.mean(difference**2))
    return float(10 * np.log10(255**2 / np.mean(errors))) if errors else float("nan")


def _pictures(clip: list[bytes], wanted: set[int]) -> dict[int, Picture]:
    decoder = Decoder(VideoCodec.VP8)
    pictures = {}
    for index, data in enumerate(clip[: max(wanted, default=-1) + 1]):
        picture = decoder.decode(data)
        if index in wanted and picture is not None:
            pictures[index] = Picture(picture.y.copy(), picture.u.copy(), picture.v.copy())
    return pictures
