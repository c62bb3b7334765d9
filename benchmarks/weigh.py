"""One scenario: fill a room, look at it for a while, empty it."""

import asyncio
import statistics
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import mix, sound
from benchmarks.garbage import Stranger
from benchmarks.lean.crowd import Count, Crowd
from benchmarks.lean.media import Library
from benchmarks.lean.peer import Part
from benchmarks.roomproc import RoomProcess
from benchmarks.scenarios import STAGE, Scenario
from mcu.media import Rung
from mcu.messages import Join, Joined, RoomConfig, StartPart, StopPart
from mcu.video.overload import RELIEFS

SETTLE_S = 5.0
_CONNECT_S = 20.0


@dataclass(frozen=True)
class Stock:
    """What is prepared once for all scenarios."""

    clips: list[list[bytes]]
    library: Library


@dataclass(frozen=True)
class Result:
    """One row; ``room_cores`` is CPU seconds per second of the room's process, as are the others' cores."""

    scenario: str
    participants: int
    recording: bool
    room_cores: float
    fps: float  # the least that anybody got
    delay_ms: dict[str, float]  # of pictures
    memory_mb: float  # resident
    video_encoders: int
    target_cores: float | None = None
    memory_target_mb: float | None = None
    memory_pss_mb: float = 0.0
    sound_delay_ms: dict[str, float] = field(default_factory=dict)
    psnr_db: float | None = None
    mbps: float = 0.0  # of the mix's picture, at the probe
    audio_gaps: int = 0  # packets missing or out of time, at all receivers
    audio_ticks_skipped: int = 0
    concealed_ms: float = 0.0
    video_ticks_skipped: int = 0
    lower_rungs: int = 0  # participants that were not on the full size in the end
    overload_level: int = 0
    sender_cores: float = 0.0
    sender_late_ms: float = 0.0  # 99th percentile: much, and it is not the room alone that was measured
    garbage_cores: float | None = None  # what the garbage cost
    threads: dict[str, float] = field(default_factory=dict)  # cores, by thread
    threads_waiting: dict[str, float] = field(default_factory=dict)  # for a processor, seconds a second


async def join(room: RoomProcess, crowd: Crowd, part: Part) -> None:
    """Let somebody in."""
    offer = crowd.call("offer", part)
    reply = await room.call(Join(participant_id=part.id, name=f"P {part.id[1:]}", sdp=offer))
    assert isinstance(reply, Joined), reply
    crowd.call("accept", part.id, reply.sdp)


async def fill(room: RoomProcess, crowd: Crowd, parts: list[Part]) -> None:
    """Let them all in, and wait until their media paths stand."""
    for part in parts:
        await join(room, crowd, part)
    until = time.monotonic() + _CONNECT_S
    while not all(count.connected for count in crowd.counts().values()):
        assert time.monotonic() < until, "not everybody got a connection"
        await asyncio.sleep(0.2)


def config(participants: int) -> RoomConfig:
    """A grid of at most nine."""
    return RoomConfig(name="bench", layout_options={"max_tiles": STAGE}, max_participants=max(50, participants))


async def run(scenario: Scenario, stock: Stock, seconds: float) -> Result:
    """Weigh one scenario."""
    with tempfile.TemporaryDirectory() as folder, Crowd(stock.library) as crowd:
        async with RoomProcess(config(scenario.participants), Path(folder)) as room:
            await fill(room, crowd, scenario.parts())
            await asyncio.sleep(SETTLE_S)
            if scenario.recording:
                await room.call(StartPart(recording_id="r", part=1, directory=str(Path(folder) / "part")))
            result = await weigh(scenario, room, crowd, stock, seconds)
            if scenario.garbage:
                with Stranger(crowd.call("addresses")):
                    quiet, result = result, await weigh(scenario, room, crowd, stock, seconds)
                result = replace(result, garbage_cores=round(result.room_cores - quiet.room_cores, 3))
            if scenario.recording:
                await room.call(StopPart(recording_id="r"))
            crowd.call("end")
    return result


async def weigh(scenario: Scenario, room: RoomProcess, crowd: Crowd, stock: Stock, seconds: float) -> Result:
    """Look at a room as it is."""
    crowd.call("watch")
    await asyncio.sleep(1)
    before, threads, senders, counts = (await room.state()).metrics, room.threads_s(), crowd.cpu_s(), crowd.counts()
    crowd.late_ms()
    cpu, start = room.cpu_s(), time.monotonic()
    await asyncio.sleep(seconds)
    elapsed, cores = time.monotonic() - start, room.cpu_s() - cpu
    now, counts_now, senders_now, threads_now = (
        (await room.state()).metrics,
        crowd.counts(),
        crowd.cpu_s(),
        room.threads_s(),
    )
    late_ms = crowd.late_ms()
    watched = await asyncio.to_thread(crowd.watched)
    received = next(iter(watched.received.values()), [])
    places = mix.tiles(scenario.participants, STAGE) if scenario.participants else []
    cameras = scenario.cameras is None or scenario.cameras > 0
    level = int(now.get("tutti_video_overload_level", 0))
    films = RELIEFS[level].best is Rung.FULL  # below, cameras are told to send little: there is nothing to compare with
    mixed = mix.frames(received, places) if cameras and films and received else []
    return Result(
        scenario=scenario.name,
        participants=scenario.participants,
        recording=scenario.recording,
        room_cores=round(cores / elapsed, 3),
        fps=round(least_fps(counts, counts_now) / elapsed, 2),
        delay_ms=percentiles(mix.picture_delays_ms(watched, mixed)),
        memory_mb=round(room.memory_mb(), 1),
        video_encoders=int(now.get("tutti_video_encoders", -1)),
        target_cores=scenario.target_cores,
        memory_target_mb=scenario.memory_target_mb,
        memory_pss_mb=round(room.pss_mb(), 1),
        sound_delay_ms=percentiles(sound.sound_delays_ms(watched, received, stock.library)),
        psnr_db=round(mix.quality_db(mixed, stock.clips), 2) if mixed else None,
        mbps=round(sum(len(data) for _, data in received if data[1] & 0x7F == 98) * 8e-6 / (elapsed + 1), 2),
        audio_gaps=audio_gaps(counts, counts_now),
        audio_ticks_skipped=int(grown(before, now, "tutti_audio_ticks_skipped_total")),
        concealed_ms=round(grown(before, now, "tutti_audio_concealed_seconds_total") * 1000, 1),
        video_ticks_skipped=int(grown(before, now, "tutti_video_ticks_skipped_total")),
        lower_rungs=int(sum(now[name] for name in now if name.endswith(("_peers_half", "_peers_quarter")))),
        overload_level=level,
        sender_cores=round((senders_now - senders) / elapsed, 3),
        sender_late_ms=round(late_ms, 1),
        threads=_rates(threads, threads_now, 0, elapsed),
        threads_waiting=_rates(threads, threads_now, 1, elapsed),
    )


def _rates(
    before: dict[str, tuple[float, float]], now: dict[str, tuple[float, float]], which: int, elapsed: float
) -> dict[str, float]:
    return {
        name: round((seconds[which] - before.get(name, (0.0, 0.0))[which]) / elapsed, 3)
        for name, seconds in now.items()
    }


def grown(before: dict[str, float], now: dict[str, float], name: str) -> float:
    """By how much a counter has."""
    return now.get(name, 0) - before.get(name, 0)


def least_fps(before: dict[str, Count], now: dict[str, Count]) -> int:
    """Frames that the worst served got."""
    return min((count.video_frames - before[id_].video_frames for id_, count in now.items()), default=0)


def audio_gaps(before: dict[str, Count], now: dict[str, Count]) -> int:
    """Packets missing or out of time, at all receivers together."""
    return sum(
        abs(count.audio_missing - before[id_].audio_missing) + count.audio_time_gaps - before[id_].audio_time_gaps
        for id_, count in now.items()
    )


def percentiles(delays_ms: list[float]) -> dict[str, float]:
    """Median and 95th."""
    if not delays_ms:
        return {}
    ordered = sorted(delays_ms)
    return {"p50": round(statistics.median(ordered), 1), "p95": round(ordered[int(len(ordered) * 0.95)], 1)}
