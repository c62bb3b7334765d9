"""The rooms as the rest of the service sees them: by name, always in their latest life.

A room's process may die at any moment. Whoever follows a room's events notices; the room is opened again at once with
the configuration it had, listeners are told, and the recording goes on in the new process. No list of rooms is kept
here: what runs is what the host says. What is kept is what would be lost with a process, its configuration.
"""

import asyncio
import base64
import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from api.errors import RemoteError, RoomExistsError, RoomNotFoundError
from api.rooms.feed import STALE, Feeds
from api.rooms.host import EventsLostError, RoomGone, RoomHost, RoomRef, RoomTimeoutError
from mcu.errors import TuttiError
from mcu.messages import (
    Done,
    Event,
    Failure,
    GetSnapshot,
    GetState,
    Join,
    Joined,
    LayoutChanged,
    Leave,
    Open,
    PartFailed,
    PartStarted,
    PartStopped,
    Reply,
    Request,
    RoomConfig,
    RoomEnding,
    RoomState,
    SetLayout,
    Snapshot,
    Trickle,
    decode_event,
    decode_reply,
    encode,
)

logger = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 20  # an answer waits for the server's own ICE candidates
ENDING_TIMEOUT_S = 30  # how long whoever wants a room waits for the one of that name to end
MAX_CRASHES = 3  # so often a room is opened again ...
CRASH_WINDOW_S = 60.0  # ... within this time

AnyReply = TypeVar("AnyReply", Done, Joined, PartStarted, PartStopped, RoomState, Snapshot)


class RoomEndingError(TuttiError):
    """The room of that name is just ending; try again when it has."""

    code = "room_ending"


class RecordingHooks(Protocol):
    """What recordings have to know of rooms."""

    async def room_lost(self, room: str) -> None:
        """The room's process died; the room is there again, empty."""

    async def room_ended(self, room: str) -> None:
        """The room is no more; what it wrote is whole on disk."""

    async def part_failed(self, recording_id: str, part: int, code: str, message: str) -> None:
        """The room could not go on writing."""


@dataclass(slots=True)
class _Life:
    """What is remembered of a room while it runs, over the deaths of its processes."""

    config: RoomConfig
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # set when the room is over for good
    ending: str | None = None  # why the room ends, once it has said so
    crashes: deque[float] = field(default_factory=deque)  # monotonic seconds


class RoomService:
    """All rooms.

    Args:
        host: runs them.
        feeds: whom to tell what happens.
        default_config: the configuration of a room of which nothing but the name is known.
        create_on_join: whether joining an unknown room creates it.
        monotonic_s: the clock that crashes are counted on.
    """

    def __init__(
        self,
        host: RoomHost,
        feeds: Feeds,
        default_config: Callable[[str], RoomConfig],
        *,
        create_on_join: bool,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hooks: RecordingHooks | None = None
        self.lost = 0  # room processes that died unasked
        self._host = host
        self._feeds = feeds
        self._default_config = default_config
        self._create_on_join = create_on_join
        self._monotonic_s = monotonic_s
        self._lives: dict[str, _Life] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._followers: set[asyncio.Task[None]] = set()

    # --- life of the service ------------------------------------------------------------------------------------------

    async def start(self) -> list[RoomState]:
        """Follow the rooms that the host has found; what they say of themselves."""
        found = []
        for node in await self._host.nodes():
            for ref in node.rooms:
                events = self._host.events(ref)
                state = await self._state_or_none(ref)
                if state is not None:
                    self._follow(ref, _Life(state.config.model_copy(update={"layout": state.layout})), events)
                    found.append(state)
        return found

    async def close_all(self) -> None:
        """End all rooms in order; returns when the recordings know."""
        await asyncio.gather(*(self._close_if_there(name) for name in list(self._lives)))

    async def _close_if_there(self, name: str) -> None:
        with contextlib.suppress(RoomNotFoundError):
            await self.close(name)

    async def stop(self) -> None:
        """Follow nobody any more; the rooms go on."""
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)  # cancelled above

    # --- rooms --------------------------------------------------------------------------------------------------------

    async def create(self, config: RoomConfig) -> RoomState:
        """Open a room; raises ``RoomExistsError``, ``NoCapacity``, ``LayoutError`` (as ``RemoteError``)."""
        async with self._lock(config.name):
            await self._wait_for_end(config.name)
            if await self._host.find(config.name) is not None or config.name in self._lives:
                raise RoomExistsError(f"a room {config.name!r} is running already")
            ref = await self._open(config)
        return await self.ask(ref, GetState(), RoomState)

    async def ensure(self, name: str, *, create: bool = True) -> RoomRef:
        """The room's process, opened if need be and ``create`` allows it; raises ``RoomNotFoundError``."""
        async with self._lock(name):
            await self._wait_for_end(name)
            ref = await self._host.find(name)
            if ref is not None and name in self._lives:
                return ref
            life = self._lives.get(name)  # between two lives: it comes back as it was, whatever the setting
            if life is None and not create:
                raise _not_found(name)
            return await self._open(life.config if life else self._default_config(name))

    async def instances(self) -> set[str]:
        """The rooms' processes that run."""
        return {ref.instance for node in await self._host.nodes() for ref in node.rooms}

    async def states(self) -> list[RoomState]:
        """Every room that answers, by name."""
        refs = [ref for node in await self._host.nodes() for ref in node.rooms]
        replies = await asyncio.gather(*(self._state_or_none(ref) for ref in refs))
        return sorted((state for state in replies if state is not None), key=lambda state: state.config.name)

    async def state(self, name: str) -> RoomState:
        """One room; raises ``RoomNotFoundError``."""
        return await self._ask(name, GetState(), RoomState)

    async def close(self, name: str) -> None:
        """End a room; returns when its recording knows. Raises ``RoomNotFoundError``."""
        async with self._lock(name):
            life = self._lives.get(name)
            if life is None:
                raise _not_found(name)
            life.ending = life.ending or "closed"
            ref = await self._host.find(name)
            if ref is not None:
                with contextlib.suppress(RoomGone):  # ended by itself in this moment
                    await self._host.close(ref)
        await life.ended.wait()

    async def set_layout(self, name: str, layout: str) -> RoomState:
        """Change the layout; raises ``RoomNotFoundError``, ``RemoteError`` with ``invalid_layout``."""
        await self._ask(name, SetLayout(layout=layout), Done)
        return await self.state(name)

    async def snapshot(self, name: str) -> bytes:
        """The canvas as JPEG; raises ``RoomNotFoundError``."""
        return base64.b64decode((await self._ask(name, GetSnapshot(), Snapshot)).jpeg_base64)

    # --- participants -------------------------------------------------------------------------------------------------

    async def join(self, room: str, display_name: str, offer_sdp: str) -> tuple[str, str]:
        """Take an offer; the participant's id and the answer. Raises ``RemoteError`` (``room_full``, ``bad_offer``)."""
        ref = await self.ensure(room, create=self._create_on_join)
        message = Join(participant_id=secrets.token_hex(8), name=display_name, sdp=offer_sdp)
        joined = await self.ask(ref, message, Joined, JOIN_TIMEOUT_S)
        return joined.participant_id, joined.sdp

    async def trickle(self, room: str, participant_id: str, fragment: str) -> None:
        """Pass on candidates."""
        await self._ask(room, Trickle(participant_id=participant_id, fragment=fragment), Done)

    async def leave(self, room: str, participant_id: str) -> None:
        """Let somebody go."""
        await self._ask(room, Leave(participant_id=participant_id), Done)

    # --- asking -------------------------------------------------------------------------------------------------------

    async def find(self, name: str) -> RoomRef:
        """The room's process; raises ``RoomNotFoundError``, or ``RoomGone`` between two lives."""
        ref = await self._host.find(name)
        if ref is None:
            if name in self._lives:
                raise RoomGone(f"room {name!r} is being opened again")
            raise _not_found(name)
        return ref

    async def ask(self, ref: RoomRef, message: Request, reply: type[AnyReply], timeout_s: float = 5) -> AnyReply:
        """A request to a room's process; raises ``RoomGone``, ``RoomTimeoutError``, ``RemoteError``."""
        return _expect(reply, await self._call(ref, message, timeout_s))

    async def _ask(self, name: str, message: Request, reply: type[AnyReply]) -> AnyReply:
        return await self.ask(await self.find(name), message, reply)

    async def _call(self, ref: RoomRef, message: Request, timeout_s: float = 5) -> Reply:
        reply = decode_reply(await self._host.call(ref, encode(message), timeout_s))
        if isinstance(reply, Failure):
            raise RemoteError(reply.code, reply.message)
        return reply

    async def _state_or_none(self, ref: RoomRef) -> RoomState | None:
        try:
            return await self.ask(ref, GetState(), RoomState, 2)
        except (RoomGone, RoomTimeoutError, RemoteError) as error:
            logger.info("room %r is left out: %s", ref.name, error)
            return None

    # --- opening and ending -------------------------------------------------------------------------------------------

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def _wait_for_end(self, name: str) -> None:
        life = self._lives.get(name)
        if life is None or life.ending is None:
            return
        try:
            async with asyncio.timeout(ENDING_TIMEOUT_S):
                await life.ended.wait()
        except TimeoutError:
            raise RoomEndingError(f"room {name!r} is still ending") from None

    async def _open(self, config: RoomConfig) -> RoomRef:
        """Open the room's process and follow it (under the room's lock)."""
        ref = await self._host.open(config.name)
        events = self._host.events(ref)  # before it is opened, so that nothing is missed
        try:
            await self._call(ref, Open(instance=ref.instance, config=config))
        except RemoteError as error:
            if error.code != "already_open":  # opened by another service: so much the better
                await self._host.close(ref)
                raise
        life = self._lives.get(config.name) or _Life(config)
        self._follow(ref, life, events)
        logger.info("room %r opened as %s", config.name, ref.instance)
        return ref

    def _follow(self, ref: RoomRef, life: _Life, events: AsyncIterator[bytes]) -> None:
        self._lives[ref.name] = life
        follower = asyncio.create_task(self._follow_until_gone(ref, life, events))
        self._followers.add(follower)
        follower.add_done_callback(self._followed)

    def _followed(self, follower: asyncio.Task[None]) -> None:
        self._followers.discard(follower)
        if not follower.cancelled() and follower.exception() is not None:
            logger.error("a room is no longer followed", exc_info=follower.exception())

    # --- following ----------------------------------------------------------------------------------------------------

    async def _follow_until_gone(self, ref: RoomRef, life: _Life, events: AsyncIterator[bytes]) -> None:
        with contextlib.suppress(RoomGone):
            while True:
                try:
                    async for data in events:
                        await self._heard(ref.name, life, decode_event(data))
                except EventsLostError:
                    logger.warning("events of room %r were lost; its listeners get the whole state", ref.name)
                    events = self._host.events(ref)
                    self._feeds.publish(ref.name, STALE)
        if life.ending is not None:
            await self._ended(ref.name, life, life.ending)
        else:
            await self._crashed(ref.name, life)

    async def _heard(self, name: str, life: _Life, event: Event) -> None:
        if isinstance(event, LayoutChanged):
            life.config = life.config.model_copy(update={"layout": event.layout})
        if isinstance(event, RoomEnding):
            life.ending = event.reason
        elif isinstance(event, PartFailed):
            if self.hooks is not None:
                await self._told(self.hooks.part_failed(event.recording_id, event.part, event.code, event.message))
        else:
            self._feeds.publish(name, event.model_dump(mode="json"))

    async def _ended(self, name: str, life: _Life, reason: str) -> None:
        logger.info("room %r has ended: %s", name, reason)
        self._lives.pop(name, None)
        self._feeds.publish(name, {"type": "room_ending", "reason": reason})
        self._feeds.end(name)
        if self.hooks is not None:
            await self._told(self.hooks.room_ended(name))
        life.ended.set()

    async def _crashed(self, name: str, life: _Life) -> None:
        self.lost += 1
        logger.error("room %r was lost", name)
        self._feeds.publish(name, {"type": "room_lost"})
        if not self._may_reopen(life):
            await self._ended(name, life, "crashed")
            return
        if not await self._reopened(name, life):
            await self._ended(name, life, life.ending or "crashed")
            return
        self._feeds.publish(name, STALE)
        if self.hooks is not None:
            await self._told(self.hooks.room_lost(name))

    async def _reopened(self, name: str, life: _Life) -> bool:
        async with self._lock(name):
            if life.ending is not None:  # somebody closed it meanwhile
                return False
            if await self._host.find(name) is not None:  # somebody joined meanwhile
                return True
            try:
                await self._open(life.config)
            except TuttiError as error:
                logger.error("room %r cannot be opened again: %s", name, error)  # noqa: TRY400 - the message says it all
                return False
            return True

    def _may_reopen(self, life: _Life) -> bool:
        now = self._monotonic_s()
        life.crashes.append(now)
        while life.crashes[0] < now - CRASH_WINDOW_S:
            life.crashes.popleft()
        return len(life.crashes) <= MAX_CRASHES

    async def _told(self, hook: Coroutine[Any, Any, None]) -> None:
        try:
            await hook
        except TuttiError:
            logger.exception("a recording could not follow its room")


def _expect(kind: type[AnyReply], reply: Reply) -> AnyReply:
    if not isinstance(reply, kind):
        raise RemoteError("wire_error", f"the room answered {reply.type} where {kind.__name__} was due")
    return reply


def _not_found(name: str) -> RoomNotFoundError:
    return RoomNotFoundError(f"there is no room {name!r}")
