"""Whether a machine can bear what is asked for, over all its rooms.

What a room bears is what the room says, asked anew at every decision; nothing else is kept, so there is nothing that
could go wrong over restarts. What has been let in but is not in its room yet counts beside that, by participant, so
that nobody counts twice and a burst of people who join at once cannot overshoot.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from api.costs import NOTHING, Cost, cost_of
from api.rooms.host import Kind, NoCapacity
from mcu.messages import Load

UNLIMITED = Cost(math.inf, math.inf)
_ROUNDING = 1e-9  # sums of the table's figures differ by less from each other
Loads = Mapping[str, Load]  # by room's name


@dataclass(frozen=True, slots=True, eq=False)
class Pending:
    """What was let in and may not be in its room yet."""

    room: str
    load: Load


# --- the reckoning, pure ----------------------------------------------------------------------------------------------


def together(load: Load, others: Iterable[Load]) -> Load:
    """One room's loads as one: each participant once, as the first says who has them."""
    demands = {each.id: each for each in load.demands}
    recording = load.recording
    for other in others:
        demands = demands | {each.id: each for each in other.demands if each.id not in demands}
        recording |= other.recording
    return load.model_copy(update={"demands": tuple(demands.values()), "recording": recording})


def with_pending(loads: Loads, pending: Iterable[Pending]) -> dict[str, Load]:
    """What the rooms will bear when everything that was let in has arrived."""
    whole = dict(loads)
    for each in pending:
        whole[each.room] = together(whole[each.room], [each.load]) if each.room in whole else each.load
    return whole


def total(loads: Loads, factor: float) -> Cost:
    """What all rooms cost."""
    return sum((cost_of(load, factor) for load in loads.values()), NOTHING)


def judge(kind: Kind, wanted: Pending, loads: Loads, capacity: Cost, factor: float) -> None:
    """Raise ``NoCapacity`` if ``wanted`` does not fit beside ``loads``; what costs nothing always fits."""
    used = total(loads, factor)
    need = total(with_pending(loads, [wanted]), factor) - used
    left = capacity - used
    short = []
    if need.cores > max(left.cores, 0) + _ROUNDING:
        short.append(f"{need.cores:.3f} cores are needed and {max(left.cores, 0):.3f} of {capacity.cores:g} are left")
    if need.memory_mb > max(left.memory_mb, 0) + _ROUNDING:
        short.append(
            f"{need.memory_mb:.0f} MB of memory are needed "
            f"and {max(left.memory_mb, 0):.0f} of {capacity.memory_mb:.0f} are left"
        )
    if short:
        raise NoCapacity(kind, f"this server has no capacity for another {kind}: {'; '.join(short)}")


# --- the shell --------------------------------------------------------------------------------------------------------


class Admission:
    """One machine's decisions, one after the other.

    Args:
        loads: asks all rooms what they bear.
        capacity: what they may cost together; infinite for no limit.
        factor: how many times the table's cores this machine takes.
    """

    def __init__(self, loads: Callable[[], Awaitable[Loads]], capacity: Cost = UNLIMITED, factor: float = 1.0) -> None:
        self.capacity = capacity
        self.factor = factor
        self.refused: Counter[Kind] = Counter()
        self._loads = loads
        self._pending: list[Pending] = []
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def admitted(self, kind: Kind, room: str, load: Load) -> AsyncIterator[None]:
        """Let ``load`` into ``room`` or raise ``NoCapacity``; it is pending until the context ends."""
        wanted = Pending(room, load)
        async with self._one_at_a_time:
            pending = tuple(self._pending)  # before asking: what arrives in its room meanwhile is in one of the two
            loads = with_pending(await self._loads(), pending)
            try:
                judge(kind, wanted, loads, self.capacity, self.factor)
            except NoCapacity:
                self.refused[kind] += 1
                raise
            self._pending.append(wanted)
        try:
            yield
        finally:
            self._pending.remove(wanted)

    def used(self, loads: Loads) -> Cost:
        """What the rooms cost if they bear ``loads``, with what is pending."""
        return total(with_pending(loads, self._pending), self.factor)
