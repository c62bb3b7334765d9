"""The peer: the same job as one GStreamer pipeline from files, on the same machine in the same run.

It decodes, composes and encodes as a room does, sound too, but from files and to nowhere: no network, no encryption, no
loss, no lip sync, nobody comes or goes.
"""

import re
import resource
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from benchmarks.clips import FPS, HEIGHT, WIDTH
from benchmarks.mix import tiles
from benchmarks.scenarios import STAGE, Scenario
from benchmarks.weigh import Stock
from mcu.video.encode import x264_settings

_SECONDS = 20
_ANALYSIS = ("scenecut", "aq-mode", "deadzone-inter", "deadzone-intra", "asm")  # as a room's; the bitrate x264 keeps
_OPTIONS = ":".join(f"{name}={value}" for name, value in x264_settings(FPS).items() if name in _ANALYSIS)
_X264 = (
    "x264enc speed-preset=superfast tune=zerolatency bitrate=2000 vbv-buf-capacity=500 key-int-max=9999 threads=1 "
    f"option-string={_OPTIONS}:ipratio=3:qpmin=18 ! video/x-h264,profile=constrained-baseline"
)
_VP8 = "vp8enc deadline=1 cpu-used=-6 target-bitrate=2000000 end-usage=cbr keyframe-max-dist=9999 threads=1"
_OPUS = "opusenc bitrate=32000 frame-size=20"


@dataclass(frozen=True)
class Job:
    """What is decoded and encoded: one mix for who listens, and one more for each who talks."""

    cameras: int
    talkers: int
    recording: bool
    vp8: bool

    @classmethod
    def of(cls, scenario: Scenario) -> "Job | None":
        """The job of a room; None where nothing is encoded, so that there is nothing to compare."""
        cameras = scenario.on_stage if scenario.cameras is None else min(scenario.cameras, scenario.on_stage)
        if not cameras:
            return None
        return cls(cameras, min(6, scenario.talkers), scenario.recording, bool(scenario.vp8_viewers))


def write_webm(path: Path, clip: list[bytes], frames: int) -> None:
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_mux_stream("vp8", rate=FPS, width=WIDTH, height=HEIGHT)
        for n in range(frames):
            packet = av.Packet(clip[n % len(clip)])
            packet.stream, packet.time_base = stream, Fraction(1, 1000)
            packet.pts = packet.dts = n * 1000 // FPS
            packet.is_keyframe = n % len(clip) == 0
            container.mux(packet)


def write_ogg(path: Path, packets: tuple[bytes, ...], seconds: int) -> None:
    with av.open(str(path), "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000, layout="mono")
        for n in range(seconds * 50):
            packet = av.Packet(packets[n % len(packets)])
            packet.stream, packet.time_base = stream, Fraction(1, 48_000)
            packet.pts = packet.dts = n * 960
            packet.duration = 960
            container.mux(packet)


def pipeline(job: Job, folder: Path) -> str:
    """The description for gst-launch."""
    places = tiles(job.cameras, STAGE)
    pads = " ".join(f"sink_{n}::xpos={rect.x} sink_{n}::ypos={rect.y}" for n, rect in enumerate(places))
    parts = [f"compositor name=mix {pads} ! video/x-raw,width=1280,height=720,framerate=30/1 ! tee name=canvas"]
    h264_to = "queue ! h264parse ! mux." if job.recording else "fakesink"
    parts.append(f"canvas. ! queue ! {_X264} ! {h264_to}")
    if job.vp8:
        parts.append(f"canvas. ! queue ! {_VP8} ! fakesink")
    parts += [
        f"filesrc location={folder}/{n}.webm ! matroskademux ! vp8dec threads=1 ! videoscale ! "
        f"video/x-raw,width={rect.width},height={rect.height} ! queue ! mix.sink_{n}"
        for n, rect in enumerate(places)
    ]
    if job.talkers:
        parts += _sound(job, folder)
    if job.recording:
        parts.append(f"mp4mux name=mux fragment-duration=500 ! filesink location={folder}/out.mp4")
    return " ".join(parts)


def _sound(job: Job, folder: Path) -> list[str]:
    """Everybody's mix, and for each talker one without him."""
    parts = [
        f"filesrc location={folder}/{n}.ogg ! oggdemux ! opusdec ! audioconvert ! audioresample ! "
        f"audio/x-raw,format=F32LE,rate=48000,channels=1 ! tee name=voice{n}"
        for n in range(job.talkers)
    ]
    for out in range(job.talkers + 1):
        heard = [n for n in range(job.talkers) if n != out - 1]
        if not heard:
            continue
        to_file = " ! tee name=sound" if job.recording and out == 0 else ""
        convert = f"audioconvert ! audio/x-raw,format=S16LE{to_file} ! queue ! {_OPUS} ! fakesink"
        parts.append(f"audiomixer name=sum{out} ! {convert}")
        parts += [f"voice{n}. ! queue ! sum{out}." for n in heard]
    if job.recording:
        parts.append("sound. ! queue ! audioconvert ! voaacenc bitrate=96000 ! aacparse ! queue ! mux.")
    return parts


def cores(job: Job, stock: Stock) -> float | None:
    """CPU seconds of gst-launch for each second of the mix; None without it."""
    if shutil.which("gst-launch-1.0") is None:
        return None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for n in range(job.cameras):
            write_webm(folder / f"{n}.webm", stock.clips[n], _SECONDS * FPS)
        for n in range(job.talkers):
            write_ogg(folder / f"{n}.ogg", stock.library.voices[n].packets, _SECONDS)
        command = re.sub(r"\s+", " ", "gst-launch-1.0 -q " + pipeline(job, folder)).split(" ")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, timeout=170, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / _SECONDS
