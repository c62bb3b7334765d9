"""The peer: the same nine-tile job as one GStreamer pipeline, on the same machine in the same run."""

import resource
import shutil
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import av

from benchmarks.clips import FPS, HEIGHT, WIDTH


def write_webm(path: Path, clip: list[bytes], frames: int) -> None:
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_mux_stream("vp8", rate=FPS, width=WIDTH, height=HEIGHT)
        for n in range(frames):
            packet = av.Packet(clip[n % len(clip)])
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = n * 1000 // FPS
            packet.is_keyframe = n % len(clip) == 0
            container.mux(packet)


def gstreamer_cpu_ms_per_frame(clips: list[list[bytes]], frames: int = 600) -> float | None:
    """CPU milliseconds per mixed frame of ``compositor ! x264enc`` from nine VP8 files; None without gst-launch."""
    if shutil.which("gst-launch-1.0") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        branches, pads = [], []
        for n, clip in enumerate(clips):
            path = Path(folder) / f"{n}.webm"
            write_webm(path, clip, frames)
            pads.append(f"sink_{n}::xpos={n % 3 * 426} sink_{n}::ypos={n // 3 * 240}")
            branches.append(
                f"filesrc location={path} ! matroskademux ! vp8dec ! videoscale ! "
                f"video/x-raw,width=426,height=240 ! queue ! mix.sink_{n}"
            )
        pipeline = (
            f"gst-launch-1.0 -q compositor name=mix {' '.join(pads)} ! "
            "video/x-raw,width=1280,height=720,framerate=30/1 ! "
            "x264enc speed-preset=superfast tune=zerolatency bitrate=2000 key-int-max=9999 threads=1 ! "
            f"video/x-h264,profile=constrained-baseline ! fakesink {' '.join(branches)}"
        )
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(pipeline.split(), check=True, timeout=180, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000 / frames
