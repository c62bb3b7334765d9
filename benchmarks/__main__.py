"""``make bench``: what a room costs, and how long a picture takes through it.

Each scenario starts one room process and N lean participants and measures the room's process from outside. Then the
same nine-tile job runs as a GStreamer pipeline, and the ratio is printed.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import compositor
from benchmarks.clips import HEIGHT, WIDTH, opus_packets, vp8_clip
from benchmarks.offline import ratios
from benchmarks.participants import Clip, Participant
from benchmarks.reference import gstreamer_cpu_ms_per_frame
from benchmarks.roomproc import RoomProcess
from layouts.geometry import Size
from layouts.model import Source
from layouts.select import resolve
from mcu.messages import Join, Joined, RoomConfig, StartPart, StopPart

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Scenario:
    """How many are in the room, how many of them talk, and whether a recording runs."""

    name: str
    participants: int
    talkers: int
    recording: bool = False


SCENARIOS = (
    Scenario("2 in the room, one talks", 2, 1),
    Scenario("4 in the room, one talks", 4, 1),
    Scenario("9 in the room, three talk", 9, 3),
    Scenario("9 in the room, three talk, recording", 9, 3, recording=True),
)


@dataclass(frozen=True)
class Result:
    """One row of the table; ``room_cores`` is CPU seconds per second of the room's process."""

    scenario: str
    participants: int
    recording: bool
    room_cores: float
    fps: float
    delay_ms: dict[str, float]
    memory_mb: float
    video_encoders: int


def probe_tile(participants: int) -> tuple[float, float, float]:
    """Where the first participant's picture lies in the mix: x, y, and by how much it is shrunk (cover fit)."""
    sources = [Source(id=f"p{n}", name=f"p{n}") for n in range(participants)]
    tile = next(t for t in resolve("grid", Size(1280, 720), sources).tiles if t.source_id == "p0")
    scale = max(tile.rect.width / WIDTH, tile.rect.height / HEIGHT)
    return (
        tile.rect.x - (WIDTH * scale - tile.rect.width) / 2,
        tile.rect.y - (HEIGHT * scale - tile.rect.height) / 2,
        scale,
    )


async def run(scenario: Scenario, videos: list[list[bytes]], seconds: float) -> Result:
    tone, silence = opus_packets(440), opus_packets(None)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        async with RoomProcess(RoomConfig(name="bench"), directory) as room:
            people: list[Participant] = []
            for n in range(scenario.participants):
                clip = Clip(videos[n], tone if n < scenario.talkers else silence)
                tile = probe_tile(scenario.participants) if n == 0 else None
                person = Participant(clip, n * 0.0037, tile)
                people.append(person)
                reply = await room.call(Join(participant_id=f"p{n}", name=f"P {n}", sdp=await person.offer()))
                assert isinstance(reply, Joined), reply
                await person.accept(reply.sdp)
            await asyncio.sleep(5)
            if scenario.recording:
                await room.call(StartPart(recording_id="r", part=1, directory=str(directory / "part")))
            result = await weigh(scenario, room, people, seconds)
            if scenario.recording:
                await room.call(StopPart(recording_id="r"))
            await asyncio.gather(*(person.close() for person in people))
    return result


async def weigh(scenario: Scenario, room: RoomProcess, people: list[Participant], seconds: float) -> Result:
    probe = people[0]
    cpu, frames, start, skip = room.cpu_s(), probe.frames, time.monotonic(), len(probe.delays_ms)
    await asyncio.sleep(seconds)
    elapsed = time.monotonic() - start
    cores = (room.cpu_s() - cpu) / elapsed
    state = await room.state()
    delays = sorted(probe.delays_ms[skip:]) or [float("nan")]
    return Result(
        scenario=scenario.name,
        participants=scenario.participants,
        recording=scenario.recording,
        room_cores=round(cores, 3),
        fps=round((probe.frames - frames) / elapsed, 2),
        delay_ms={"p50": round(statistics.median(delays), 1), "p95": round(delays[int(len(delays) * 0.95)], 1)},
        memory_mb=round(room.memory_mb(), 1),
        video_encoders=int(state.metrics.get("tutti_video_encoders", -1)),
    )


def show(result: Result) -> None:
    delay = f"delay p50 {result.delay_ms['p50']:6.1f} p95 {result.delay_ms['p95']:6.1f} ms"
    cost = f"{result.room_cores:6.3f} cores {result.fps:6.2f} fps"
    print(
        f"{result.scenario:40} {cost}  {delay}  {result.memory_mb:6.1f} MB  {result.video_encoders} encoder(s)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="how long each scenario is weighed")
    parser.add_argument("--only", default="", help="run only scenarios whose name contains this")
    arguments = parser.parse_args()
    chosen = [scenario for scenario in SCENARIOS if arguments.only in scenario.name]
    videos = [vp8_clip(seed) for seed in range(max(scenario.participants for scenario in chosen))]
    results = []
    for scenario in chosen:
        results.append(asyncio.run(run(scenario, videos, arguments.seconds)))
        show(results[-1])
    RESULTS.write_text(json.dumps([asdict(result) for result in results], indent=2))
    nine = next((r for r in results if r.participants == 9 and not r.recording), None)
    reference = gstreamer_cpu_ms_per_frame(videos) if nine else None
    if nine and reference:
        ours = nine.room_cores * 1000 / nine.fps
        print(f"nine tiles, CPU a frame: room {ours:.1f} ms (with network and sound), gst-launch {reference:.1f} ms")
        print(f"ratio {ours / reference:.2f}")
    if not arguments.only:
        for offline in ratios(10):
            print(offline)
    if not arguments.only:
        compositor.main()


if __name__ == "__main__":
    main()
