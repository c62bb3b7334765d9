"""``python -m benchmarks.compositor``: what a tick of the video mixer costs, step by step, on one thread.

Numbers in the last column are the design's, measured on a 2-core machine; CPU time, not wall time, so that a busy
machine spoils little.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from api.doctor.measure import noise, slide
from benchmarks import painters
from layouts.geometry import Rect, Size
from layouts.model import Layout, Options, Source, Tile
from layouts.select import resolve
from mcu.media import VideoCodec
from mcu.messages import VideoConfig
from mcu.video.compositor import Compositor
from mcu.video.decode import Decoder
from mcu.video.encode import ENCODERS
from mcu.video.i420 import Canvas
from mcu.video.overlay import Overlays
from mcu.video.scale import paint_picture
from mcu.video.scene import Scene, TileInfo

CANVAS = Size(1280, 720)
SOURCE = Size(640, 360)
ROUNDS = 200
SQUARE, ROUNDED = Options(), Options(gap=8, padding=8, corner_radius=12)
NINE = [Rect(n % 3 * 426, n // 3 * 240, 426, 240) for n in range(9)]


@dataclass(frozen=True)
class Step:
    """One line of the table."""

    name: str
    cpu_ms: float
    designed_ms: str


def measured(work: Callable[[int], object], rounds: int = ROUNDS) -> float:
    """CPU milliseconds a call, the median of five runs."""
    work(0)
    runs = []
    for _ in range(5):
        started = time.process_time()
        for n in range(rounds // 5):
            work(n)
        runs.append((time.process_time() - started) * 1000 / (rounds // 5))
    return float(np.median(runs))


def composing(
    tiles: int, info: TileInfo, options: Options = SQUARE, *, moving: bool = True, gliding: bool = False
) -> float:
    """A tick of a grid of ``tiles``; gliding ones are at another place each time."""
    ids = [f"p{n}" for n in range(tiles)]
    layout: Layout = resolve("grid", CANVAS, [Source(id_) for id_ in ids], options)
    compositor = Compositor(Canvas(CANVAS), Overlays())
    sets = [{id_: noise(SOURCE, seed=k * tiles + n) for n, id_ in enumerate(ids)} for k in range(2)]
    scene = Scene(layout, dict.fromkeys(ids, info))
    rects = [tile.rect for tile in layout.tiles]
    ways = [[Rect(r.x // 8 * 2 * n, r.y // 8 * 2 * n, r.width, r.height) for r in rects] for n in range(4)]
    return measured(
        lambda n: compositor.paint(scene, sets[n % 2 if moving else 0], places=ways[n % 4] if gliding else None)
    )


def others(rects: list[Rect]) -> tuple[float | None, float | None]:
    """FFmpeg's xstack and GStreamer's compositor with the same sources at the same places."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sets = [[noise(SOURCE, seed=k * len(rects) + n) for n in range(len(rects))] for k in range(painters.SETS)]
        painters.write_sources(folder, sets)
        return (
            painters.xstack_ms(folder, SOURCE, CANVAS, rects),
            painters.compositor_ms(folder, SOURCE, CANVAS, rects),
        )


def bare(tiles: tuple[Tile, ...]) -> float:
    """Scaling and nothing else."""
    canvas = Canvas(CANVAS)
    pictures = [noise(SOURCE, seed) for seed in range(len(tiles))]

    def paint(_: int) -> None:
        for tile, picture in zip(tiles, pictures, strict=True):
            paint_picture(canvas, tile.rect, tile.fit, picture)

    return measured(paint)


def encoding(codec: VideoCodec, *, moving: bool = True) -> float:
    """An encode of 1280x720 at 2 Mbps."""
    encoder = ENCODERS[codec](VideoConfig())
    canvases = [Canvas(CANVAS) for _ in range(30)]
    for n, canvas in enumerate(canvases):
        slide(canvas, n if moving else 0)
    ticks = iter(range(1_000_000))

    def encode(_: int) -> None:
        tick = next(ticks)
        back_and_forth = abs(tick % 58 - 29)
        encoder.encode(canvases[back_and_forth], tick * 3000, 3000, keyframe=False)

    return measured(encode, rounds=150)


def decoding(codec: VideoCodec) -> float:
    """A decode of 640x360 at 600 kbps."""
    config = VideoConfig(width=SOURCE.width, height=SOURCE.height, bitrate_bps=600_000)
    encoder, canvas, units = ENCODERS[codec](config), Canvas(SOURCE), []
    for n in range(60):
        slide(canvas, n)
        frame = encoder.encode(canvas, n * 3000, 3000, keyframe=n == 0)
        assert frame is not None
        units.append(frame.data)
    decoder = Decoder(codec)

    def decode(_: int) -> None:
        for data in units:
            decoder.decode(data)

    return measured(decode, rounds=10) / len(units)


def steps() -> list[Step]:
    """Everything measured, in the order of the data."""
    nine = tuple(Tile(str(n), rect) for n, rect in enumerate(NINE))
    everything = TileInfo("Ada Lovelace", muted=True, speaking=True, network_trouble=True)
    return [
        Step("decode 640x360 VP8", decoding(VideoCodec.VP8), "0.5"),
        Step("decode 640x360 H.264", decoding(VideoCodec.H264), "1.2"),
        Step("scale nine tiles, bare", bare(nine), "1.1"),
        Step("compose nine moving tiles", composing(9, TileInfo()), "1.1"),
        Step("  with labels and borders", composing(9, everything), "<= 1.5"),
        Step("  and rounded corners", composing(9, everything, ROUNDED), ""),
        Step("  all of it gliding", composing(9, everything, ROUNDED, gliding=True), ""),
        Step("compose 25 moving tiles", composing(25, TileInfo()), "1.5"),
        Step("  with labels and borders", composing(25, everything), "< 3"),
        Step("  and rounded corners", composing(25, everything, ROUNDED), "< 3"),
        Step("a tick in which nothing changes", composing(9, everything, moving=False), "< 0.1"),
        Step("encode H.264, moving", encoding(VideoCodec.H264), "5.7"),
        Step("encode H.264, unchanged", encoding(VideoCodec.H264, moving=False), "4.0"),
        Step("encode VP8, moving", encoding(VideoCodec.VP8), "8.0"),
    ]


def main() -> None:
    """Print the table."""
    print(f"{'step (1280x720 canvas, 640x360 sources)':42}{'CPU ms':>8}{'design':>10}")
    measured_steps = steps()
    for step in measured_steps:
        print(f"{step.name:42}{step.cpu_ms:8.2f}{step.designed_ms:>10}")
    ours = next(step.cpu_ms for step in measured_steps if step.name == "compose nine moving tiles")
    for name, cpu_ms in zip(("ffmpeg scale and xstack, nine", "GStreamer compositor, nine"), others(NINE), strict=True):
        print(f"{name:42}" + ("     not installed" if cpu_ms is None else f"{cpu_ms:8.2f}{cpu_ms / ours:9.1f}x"))


if __name__ == "__main__":
    main()
