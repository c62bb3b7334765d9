"""What FFmpeg's own tools see in a recording."""

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import av
import numpy as np


def probe(path: Path) -> dict[str, dict[str, Any]]:
    """Streams by kind, as ffprobe tells them; fails on anything that ffprobe finds wrong."""
    told = _run("ffprobe", "-v", "warning", "-show_streams", "-of", "json", path)
    return {stream["codec_type"]: stream for stream in json.loads(told)["streams"]}


def packets(path: Path, kind: str) -> list[dict[str, Any]]:
    """All packets of the first stream of that kind."""
    told = _run("ffprobe", "-v", "error", "-show_packets", "-select_streams", f"{kind}:0", "-of", "json", path)
    listed: list[dict[str, Any]] = json.loads(told)["packets"]
    return listed


def decode(path: Path) -> None:
    """Decode everything; fails on any complaint of the decoders."""
    _run("ffmpeg", "-v", "warning", "-xerror", "-i", path, "-f", "null", "-")


def _run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def spacings(path: Path, kind: str) -> set[int]:
    """The differences of time between neighbouring packets, in the stream's ticks."""
    times = [packet["pts"] for packet in packets(path, kind)]
    return {after - before for before, after in itertools.pairwise(times)}


def keyframe_times(path: Path) -> list[float]:
    """Seconds."""
    return [float(packet["pts_time"]) for packet in packets(path, "v") if packet["flags"].startswith("K")]


def flashes(path: Path) -> list[float]:
    """When bright pictures are shown, seconds."""
    with av.open(str(path)) as container:
        return [
            float(picture.time or 0) for picture in container.decode(video=0) if picture.to_ndarray()[:100].mean() > 150
        ]


def beeps(path: Path) -> list[float]:
    """When loud sound sets in, seconds."""
    with av.open(str(path)) as container:
        blocks = list(container.decode(audio=0))
    start = blocks[0].time or 0
    wave = np.abs(np.concatenate([block.to_ndarray()[0] for block in blocks]))
    loud = np.flatnonzero(wave > 0.4)
    onsets = loud[np.flatnonzero(np.diff(loud, prepend=-48_000) > 12_000)]
    return [float(start + onset / 48_000) for onset in onsets]
