"""``python -m benchmarks --soak MINUTES``: people come and go every 5 s, and the room's memory is watched.

A slope is fitted to what it takes, the beginning left out, when threads and caches fill; it is flat if the slope is
within two standard errors of what may be.
"""

import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.lean.crowd import Crowd
from benchmarks.lean.peer import Part
from benchmarks.roomproc import RoomProcess
from benchmarks.scenarios import STAGE
from benchmarks.weigh import Stock, config, fill, join
from mcu.messages import Leave

PEOPLE, CHANGE_EVERY_S = 6, 5.0
FLAT_MB_A_MINUTE = 0.1
_LEFT_OUT = 0.25  # of the time
_FILMS = STAGE


async def soak(stock: Stock, minutes: float) -> None:
    """Run, print what is seen, and the verdict."""
    with tempfile.TemporaryDirectory() as folder, Crowd(stock.library) as crowd:
        async with RoomProcess(config(50), Path(folder)) as room:
            present = [_part(n) for n in range(PEOPLE)]
            await fill(room, crowd, present)
            samples = await _turn_over(room, crowd, present, minutes * 60)
            crowd.call("end")
    print(verdict(samples))


def _part(number: int) -> Part:
    """One in three talks; one in four takes VP8 only."""
    return Part(
        id=f"p{number}",
        film=number % _FILMS,
        voice=number % _FILMS if number % 3 == 0 else None,
        phase=number * 0.37 % 1,
        h264=number % 4 != 3,
    )


async def _turn_over(
    room: RoomProcess, crowd: Crowd, present: list[Part], seconds: float
) -> list[tuple[float, float, float]]:
    """Let the one who is here longest go and somebody new come; minutes, PSS and own memory at every change."""
    samples: list[tuple[float, float, float]] = []
    start, number = time.monotonic(), len(present)
    while time.monotonic() < start + seconds:
        await asyncio.sleep(CHANGE_EVERY_S)
        gone = present.pop(0)
        if number % 2:  # half of them close the page, half are let go
            await room.call(Leave(participant_id=gone.id))
        crowd.call("leave", gone.id)
        present.append(_part(number))
        await join(room, crowd, present[-1])
        number += 1
        samples.append(((time.monotonic() - start) / 60, room.pss_mb(), room.own_mb()))
        if len(samples) % 6 == 0:
            minutes, pss, own = samples[-1]
            print(f"{minutes:6.1f} min  {number - PEOPLE:4} came and went  PSS {pss:.1f}, own {own:.1f} MB", flush=True)
    return samples


def slope(samples: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Megabytes of its own a minute, and the standard error of that."""
    kept = np.array(samples[int(len(samples) * _LEFT_OUT) :])
    (steepness, _), covariance = np.polyfit(kept[:, 0], kept[:, 2], 1, cov=True)
    return float(steepness), float(np.sqrt(covariance[0, 0]))


def verdict(samples: list[tuple[float, float, float]]) -> str:
    """In words."""
    steepness, error = slope(samples)
    flat = "flat" if steepness - 2 * error <= FLAT_MB_A_MINUTE else "GROWS"
    most = max(pss for _, pss, _ in samples)
    return (
        f"{flat}: {steepness:+.3f} ± {error:.3f} MB a minute (flat: at most {FLAT_MB_A_MINUTE}), "
        f"{len(samples)} came and went, at most {most:.1f} MB of PSS"
    )
