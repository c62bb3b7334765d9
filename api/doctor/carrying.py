"""What a machine can carry, by the cost table. Pure."""

import math
from dataclasses import dataclass

from api.costs import ONE_THREAD, Cost, cost_of, thread_cores
from mcu.media import VideoCodec
from mcu.messages import Demand, Load, VideoConfig

PROCESSORS, MEMORY, THREAD = "processors", "memory", "one room's thread"


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a service: the machine, and the settings."""

    capacity: Cost
    factor: float
    video: VideoConfig
    max_rooms: int
    max_participants: int


@dataclass(frozen=True, slots=True)
class Carried:
    """How many of something a machine can carry when it does nothing else, and what keeps it from more."""

    what: str
    count: int
    limited_by: str


def carried(limits: Limits) -> list[Carried]:
    """Rooms of several kinds, and listeners of a room."""
    return [
        _rooms("rooms of 4", room(limits.video, 4), limits),
        _rooms("rooms of 4, recorded", room(limits.video, 4, recording=True), limits),
        _rooms("rooms of 9", room(limits.video, 9), limits),
        _rooms("rooms of 9, recorded", room(limits.video, 9, recording=True), limits),
        _listeners("listeners in a room of 9", limits),
    ]


def room(video: VideoConfig, people: int, listeners: int = 0, *, recording: bool = False) -> Load:
    """A room of people with cameras and microphones, and of people who have neither, all on H.264."""
    person = Demand(id="", microphone=True, camera=True, on_stage=True, codec=VideoCodec.H264)
    listener = Demand(id="", codec=VideoCodec.H264)
    everybody = [person] * people + [listener] * listeners
    demands = tuple(each.model_copy(update={"id": str(number)}) for number, each in enumerate(everybody))
    return Load(video=video, demands=demands, recording=recording)


def _rooms(what: str, load: Load, limits: Limits) -> Carried:
    each = cost_of(load, limits.factor)
    return _least(what, _times(limits.capacity, each), ("TUTTI_MAX_ROOMS", limits.max_rooms))


def _listeners(what: str, limits: Limits) -> Carried:
    before, after = (room(limits.video, 9, listeners) for listeners in (0, 1))
    first = cost_of(before, limits.factor)
    thread = [thread_cores(load, limits.factor) for load in (before, after)]
    return _least(
        what,
        _times(limits.capacity - first, cost_of(after, limits.factor) - first),
        (THREAD, (ONE_THREAD - thread[0]) / (thread[1] - thread[0])),
        ("TUTTI_MAX_PARTICIPANTS", limits.max_participants - 9),
    )


def _times(whole: Cost, each: Cost) -> dict[str, float]:
    return {PROCESSORS: whole.cores / each.cores, MEMORY: whole.memory_mb / each.memory_mb}


def _least(what: str, machine: dict[str, float], *others: tuple[str, float]) -> Carried:
    limited_by, times = min((*machine.items(), *others), key=lambda item: item[1])
    return Carried(what, max(0, math.floor(times + 1e-9)), limited_by)
