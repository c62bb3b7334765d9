"""``python -m benchmarks.offline``: how much faster than real time ``tutti render`` is.

Nine people on 1280x720 at 30 fps and 2 Mbps, H.264 and AAC, to a file: once from clips (640x360, VP8 at 600 kbps), once
from generated patterns that move and sound. CPU seconds tell more than wall seconds on a machine that has other work.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.clips import FPS, vp8_clip
from benchmarks.reference import write_webm
from mcu.messages import VideoConfig
from mcu.offline import Look, Scenario, actors_of, render_moment, render_scenario

PEOPLE = 9


@dataclass(frozen=True)
class Ratio:
    """Seconds of movie, what they took, and CPU seconds spent on them."""

    name: str
    length_s: float
    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        times, cores = self.length_s / self.wall_s, self.length_s / self.cpu_s
        return f"tutti render, {self.name:24} {times:5.1f} times real time ({cores:.1f} times on one core of its own)"


def measure(name: str, sources: list[str], seconds: float) -> Ratio:
    scenario = Scenario(actors_of(sources), (Look(),), VideoConfig(), labels=True, length_us=round(seconds * 1_000_000))
    render_moment(scenario, 0)  # fonts and patterns are drawn once
    with tempfile.TemporaryDirectory() as folder:
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        length_s = render_scenario(scenario, Path(folder) / "mix.mp4")
        return Ratio(name, length_s, time.perf_counter() - wall_s, time.process_time() - cpu_s)


def ratios(seconds: float) -> list[Ratio]:
    with tempfile.TemporaryDirectory() as folder:
        clips = [str(Path(folder) / f"{number}.webm") for number in range(PEOPLE)]
        for number, path in enumerate(clips):
            write_webm(Path(path), vp8_clip(number), round(seconds * FPS))
        patterns = [f"pattern:moving,colour=#{40 + 20 * n:02x}60a0,tone={200 + 50 * n}" for n in range(PEOPLE)]
        return [measure("nine clips", clips, seconds), measure("nine patterns", patterns, seconds)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.offline", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="how long the movies are")
    for ratio in ratios(parser.parse_args().seconds):
        print(ratio, flush=True)


if __name__ == "__main__":
    main()
