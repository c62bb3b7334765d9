"""Others who paint nine pictures into one: FFmpeg's xstack and GStreamer's compositor, from the same raw sources."""

import resource
import shutil
import subprocess
from pathlib import Path

from layouts.geometry import Rect, Size
from mcu.media import Picture

FRAMES = 300
SETS = 2  # pictures of each source, shown in turn


def write_sources(folder: Path, sets: list[list[Picture]]) -> None:
    """One file for each picture, ``{source}-{set}.yuv``."""
    for k, pictures in enumerate(sets):
        for n, picture in enumerate(pictures):
            (folder / f"{n}-{k}.yuv").write_bytes(b"".join(p.tobytes() for p in (picture.y, picture.u, picture.v)))


def xstack_ms(folder: Path, source: Size, canvas: Size, rects: list[Rect]) -> float | None:
    """CPU milliseconds that ffmpeg's scale and xstack take for a picture; None without ffmpeg."""
    if shutil.which("ffmpeg") is None:
        return None
    inputs: list[str] = []
    for n in range(len(rects)):
        both = folder / f"{n}.yuv"
        both.write_bytes(b"".join((folder / f"{n}-{k}.yuv").read_bytes() for k in range(SETS)))
        size = f"{source.width}x{source.height}"
        inputs += [
            "-stream_loop",
            "-1",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "yuv420p",
            "-s",
            size,
            "-r",
            "30",
            "-i",
            str(both),
        ]
    scaled = ";".join(f"[{n}]scale={r.width}:{r.height}:flags=bilinear[t{n}]" for n, r in enumerate(rects))
    tiles, places = "".join(f"[t{n}]" for n in range(len(rects))), "|".join(f"{r.x}_{r.y}" for r in rects)
    stacked = f"{tiles}xstack=inputs={len(rects)}:layout={places}:fill=black,pad={canvas.width}:{canvas.height}[out]"
    program = ["ffmpeg", "-loglevel", "error", "-nostdin", "-filter_complex_threads", "1", *inputs]
    end = ["-frames:v", str(FRAMES), "-f", "null", "-"]
    reading = [part for n in range(len(rects)) for part in ("-map", f"{n}:v")]
    painted = _cpu_ms([*program, "-filter_complex", f"{scaled};{stacked}", "-map", "[out]", *end])
    return (painted - _cpu_ms([*program, *reading, *end])) / FRAMES


def compositor_ms(folder: Path, source: Size, canvas: Size, rects: list[Rect]) -> float | None:
    """CPU milliseconds that GStreamer's compositor takes for a picture; None without gst-launch."""
    if shutil.which("gst-launch-1.0") is None:
        return None
    parse = f"rawvideoparse format=i420 width={source.width} height={source.height} framerate=30/1"
    readers = [
        f"multifilesrc location={folder}/{n}-%d.yuv start-index=0 stop-index={SETS - 1} loop=true "
        f"num-buffers={FRAMES} ! {parse}"
        for n in range(len(rects))
    ]
    pads = " ".join(
        f"sink_{n}::xpos={r.x} sink_{n}::ypos={r.y} sink_{n}::width={r.width} sink_{n}::height={r.height}"
        for n, r in enumerate(rects)
    )
    out = f"video/x-raw,format=I420,width={canvas.width},height={canvas.height},framerate=30/1 ! fakesink"
    branches = " ".join(f"{reader} ! queue ! mix.sink_{n}" for n, reader in enumerate(readers))
    program = ["gst-launch-1.0", "-q"]
    painted = _cpu_ms([*program, *f"compositor name=mix {pads} ! {out} {branches}".split()])
    reading = _cpu_ms([*program, *" ".join(f"{reader} ! queue ! fakesink" for reader in readers).split()])
    return (painted - reading) / FRAMES


def _cpu_ms(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, timeout=180, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000
