"""Where rooms run: the boundary that another engine (a cluster, say) implements, and the references that cross it.

Nothing here keeps a list of rooms: which rooms exist is what the nodes say.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from mcu.errors import TuttiError


class NoCapacity(TuttiError):  # noqa: N818 - named for what it means to the caller, as RoomGone is
    """No node has room for another room."""

    code = "no_capacity"


class RoomGone(TuttiError):  # noqa: N818 - a fact to act upon (open again, negotiate anew), not a mishap
    """The process behind a reference has ended: open again and negotiate anew."""

    code = "room_gone"


class RoomTimeoutError(TuttiError):
    """The room did not answer in time."""

    code = "room_timeout"


class EventsLostError(TuttiError):
    """Events came faster than they were taken: read the state and subscribe again (drop policy: cut off)."""

    code = "events_lost"


@dataclass(frozen=True, slots=True)
class RoomRef:
    """A room process. ``instance`` is new at every start, so a stale reference is told from a live one."""

    name: str
    instance: str
    node: str
    address: str


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that runs rooms: how much it may carry, how much it does carry, and what."""

    name: str
    capacity: float
    used: float
    rooms: tuple[RoomRef, ...]


class RoomHost(Protocol):
    """Runs rooms and carries messages to them (``mcu.messages``, encoded)."""

    async def open(self, name: str, cost: float = 1.0) -> RoomRef:
        """The process for room ``name``, started if there is none: an atomic get-or-create.

        A fresh process waits for the ``Open`` message. Raises ``NoCapacity``.
        """

    async def find(self, name: str) -> RoomRef | None:
        """The process of room ``name``, if there is one."""

    async def call(self, ref: RoomRef, message: bytes, timeout_s: float = 5) -> bytes:
        """Send a request and wait for its reply. Raises ``RoomGone``, ``RoomTimeoutError``."""

    def events(self, ref: RoomRef) -> AsyncIterator[bytes]:
        """What the room tells from the call on; bounded (``EventsLostError``), ends in ``RoomGone``."""

    async def close(self, ref: RoomRef) -> None:
        """End the room in order, by force if it does not; returns when its process is gone."""

    async def nodes(self) -> list[Node]:
        """All machines and what runs on them."""
