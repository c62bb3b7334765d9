"""Where rooms run: the boundary that another engine (a cluster, say) implements, and the references that cross it.

Nothing here keeps a list of rooms: which rooms exist is what the nodes say.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from api.costs import Cost
from mcu.errors import TuttiError
from mcu.messages import Load


class Kind(StrEnum):
    """What there may be no capacity for."""

    ROOM = "room"
    PARTICIPANT = "participant"
    RECORDING = "recording"


class NoCapacity(TuttiError):  # noqa: N818 - named for what it means to the caller, as RoomGone is
    """No node can bear what was asked for; ``code`` says of which kind it was."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.code = f"no_capacity_{kind}"  # type: ignore[misc]  # one class for the three, which are told apart by code


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
    """A machine that runs rooms: how much it may bear, how much it bore when last asked, and what."""

    name: str
    capacity: Cost
    used: Cost
    rooms: tuple[RoomRef, ...]


class RoomHost(Protocol):
    """Runs rooms and carries messages to them (``mcu.messages``, encoded)."""

    async def open(self, name: str, load: Load | None = None) -> RoomRef:
        """The process for room ``name``, started if there is none: an atomic get-or-create.

        A fresh process waits for the ``Open`` message. ``load`` is what the room is to bear at once; what that costs is
        the node's matter. None is for a room that was admitted before, and comes back. Raises ``NoCapacity``.
        """

    def admit(self, ref: RoomRef, kind: Kind, load: Load) -> AbstractAsyncContextManager[None]:
        """Make sure that the room's node can bear ``load`` too before the room is asked to take it.

        It counts until the context ends, and from then on what the room says. Raises ``NoCapacity``.
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
