"""Keeps rooms alive by name, over the deaths of their processes.

A room's process may die at any moment. Whoever follows its events notices; the room is opened again at once with the
configuration it had, listeners are told, and its recording goes on in the new process. Which rooms run is what the host
says; what is kept here is what would be lost with a process, its configuration.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakValueDictionary

from api.errors import RemoteError, RoomExistsError, RoomNotFoundError
from api.rooms.asking import ask
from api.rooms.feed import STALE, Feeds
from api.rooms.host import EventsLostError, RoomGone, RoomHost, RoomRef, RoomTimeoutError
from mcu.errors import TuttiError
from mcu.messages import (
    Demand,
    Done,
    Event,
    GetState,
    LayoutChanged,
    Load,
    Open,
    PartFailed,
    RoomConfig,
    RoomEnding,
    RoomState,
    SetOverlay,
    decode_event,
)

logger = logging.getLogger(__name__)

SETTLE_TIMEOUT_S = 30  # how long whoever wants a room waits for it to come back, or for its predecessor to end
MAX_CRASHES = 3  # so often a room is opened again ...
CRASH_WINDOW_S = 60.0  # ... within this time
REOPEN_PAUSES_S = (0.0, 0.5, 1.0, 2.0)  # before each try to open it again


class RoomEndingError(TuttiError):
    """The room of that name is just ending; try again when it has."""

    code = "room_ending"


class RoomOverlays(Protocol):
    """What rooms' canvases show beside the tiles, over the deaths of their processes."""

    async def message(self, room: str) -> SetOverlay | None:
        """What a new process has to be told."""

    async def forget(self, room: str) -> None:
        """The room is over."""


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
    """What is remembered of a room until it is over for good."""

    config: RoomConfig
    running: asyncio.Event = field(default_factory=asyncio.Event)  # set while a process runs, and when all is over
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # set when the room is over for good
    told: asyncio.Event = field(default_factory=asyncio.Event)  # set when recordings know of that
    ending: str | None = None  # why the room ends, once that is known
    crashes: deque[float] = field(default_factory=deque)  # monotonic seconds

    def may_go_on(self, now_s: float) -> bool:
        """Whether to open it again after a crash ``now_s``."""
        self.crashes.append(now_s)
        while self.crashes[0] < now_s - CRASH_WINDOW_S:
            self.crashes.popleft()
        return len(self.crashes) <= MAX_CRASHES


class RoomKeeper:
    """The rooms' lives.

    Args:
        host: runs them.
        feeds: whom to tell what happens.
        default_config: the configuration of a room of which nothing but the name is known.
        monotonic_s: the clock that crashes are counted on.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        host: RoomHost,
        feeds: Feeds,
        default_config: Callable[[str], RoomConfig],
        monotonic_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.hooks: RecordingHooks | None = None
        self.overlays: RoomOverlays | None = None
        self.lost = 0  # room processes that died unasked
        self._host = host
        self._feeds = feeds
        self._default_config = default_config
        self._monotonic_s = monotonic_s
        self._sleep = sleep
        self._lives: dict[str, _Life] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # opening and closing, by name
        self._followers: set[asyncio.Task[None]] = set()

    # --- at the service's start and end -------------------------------------------------------------------------------

    async def start(self) -> list[RoomState]:
        """Follow the rooms that the host has found; what they say of themselves."""
        found = []
        for node in await self._host.nodes():
            for ref in node.rooms:
                try:
                    events = self._host.events(ref)
                    state = await ask(self._host, ref, GetState(), RoomState)
                except (RoomGone, RoomTimeoutError, RemoteError) as error:
                    logger.warning("room %r is not taken up again: %s", ref.name, error)
                    continue
                self._follow(ref, _Life(state.config), events)
                found.append(state)
        return found

    async def close_all(self) -> None:
        """End all rooms in order; returns when the recordings know."""

        async def close_if_there(name: str) -> None:
            with contextlib.suppress(RoomNotFoundError):
                await self.close(name)

        await asyncio.gather(*(close_if_there(name) for name in list(self._lives)))

    async def stop(self) -> None:
        """Follow nobody any more; the rooms go on."""
        for follower in self._followers:
            follower.cancel()
        await asyncio.gather(*self._followers, return_exceptions=True)  # cancelled above; their outcome is of no use

    # --- rooms by name ------------------------------------------------------------------------------------------------

    async def create(self, config: RoomConfig) -> RoomRef:
        """Open a room; raises ``RoomExistsError``, ``NoCapacity``, ``RemoteError`` (``invalid_layout``)."""
        await self._settled(config.name)
        async with self._lock(config.name):
            if config.name in self._lives:
                raise RoomExistsError(f"a room {config.name!r} is running already")
            return await self._open(config, Load(video=config.video))

    async def ensure(self, name: str, *, create: bool, first: Demand | None = None) -> RoomRef:
        """The room's process, opened if there is no such room and ``create`` allows it.

        A room that is just ending, or coming back after a crash, is waited for.

        Args:
            name: of the room.
            create: whether to open it.
            first: what it will bear at once if it has to be opened.

        Raises:
            RoomNotFoundError: there is none.
            RoomEndingError, RoomGone: waited for in vain.
            NoCapacity: it cannot be opened.
        """
        while True:
            await self._settled(name)
            async with self._lock(name):
                life, ref = self._lives.get(name), await self._host.find(name)
                if life is not None and life.ending is None and ref is not None:
                    return ref
                if life is None and not create:
                    raise not_found(name)
                if life is None:
                    config = self._default_config(name)
                    return await self._open(config, Load(video=config.video, demands=(first,) if first else ()))

    async def find(self, name: str) -> RoomRef:
        """The room's process; one that is coming back after a crash is waited for, an ending one is not.

        Raises:
            RoomNotFoundError: there is none.
            RoomGone: it has just ended, or does not come back.
        """
        life, ref = self._lives.get(name), await self._host.find(name)
        if ref is None and life is not None and life.ending is None:
            await self._settled(name)
            life, ref = self._lives.get(name), await self._host.find(name)
        if ref is not None:
            return ref
        raise RoomGone(f"room {name!r} is ending") if life else not_found(name)

    async def close(self, name: str) -> None:
        """End a room; returns when its recording knows. Raises ``RoomNotFoundError``."""
        async with self._lock(name):
            life = self._lives.get(name)
            if life is None:
                raise not_found(name)
            life.ending = life.ending or "closed"
            ref = await self._host.find(name)
            if ref is not None:
                with contextlib.suppress(RoomGone):  # ended by itself in this moment
                    await self._host.close(ref)
        await life.told.wait()

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())

    async def _settled(self, name: str) -> None:
        """Wait until the room runs or is over for good, if it is between the two."""
        life = self._lives.get(name)
        if life is None:
            return
        if life.ending is None and await self._host.find(name) is None:
            life.running.clear()  # the host knows before the follower does
        try:
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                await (life.running if life.ending is None else life.ended).wait()
        except TimeoutError:
            if life.ending is None:
                raise RoomGone(f"room {name!r} does not come back") from None
            raise RoomEndingError(f"room {name!r} is still ending") from None

    async def _open(self, config: RoomConfig, load: Load | None) -> RoomRef:
        """Open the room's process and follow it (under the room's lock)."""
        ref = await self._host.open(config.name, load)
        events = self._host.events(ref)  # before it is opened, so that nothing is missed
        try:
            await ask(self._host, ref, Open(instance=ref.instance, config=config), Done)
        except RemoteError as error:
            if error.code != "already_open":  # opened by another service: so much the better
                with contextlib.suppress(RoomGone):
                    await self._host.close(ref)
                raise
        self._follow(ref, self._lives.get(config.name) or _Life(config), events)
        logger.info("room %r opened as %s", config.name, ref.instance)
        return ref

    # --- following ----------------------------------------------------------------------------------------------------

    def _follow(self, ref: RoomRef, life: _Life, events: AsyncIterator[bytes]) -> None:
        self._lives[ref.name] = life
        life.running.set()
        follower = asyncio.create_task(self._follow_until_gone(ref, life, events))
        self._followers.add(follower)
        follower.add_done_callback(self._followed)

    def _followed(self, follower: asyncio.Task[None]) -> None:
        self._followers.discard(follower)
        if not follower.cancelled() and follower.exception() is not None:
            logger.error("a room is no longer followed", exc_info=follower.exception())

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
        life.running.clear()
        if life.ending is None:
            await self._crashed(ref.name, life)
        else:
            await self._ended(ref.name, life, life.ending)

    async def _heard(self, name: str, life: _Life, event: Event) -> None:
        if isinstance(event, LayoutChanged):
            now = {"layout": event.layout, "layout_options": event.options, "custom_layout": event.custom}
            life.config = life.config.model_copy(update=now)
        if isinstance(event, RoomEnding):
            life.ending = event.reason
        elif isinstance(event, PartFailed):
            if self.hooks is not None:
                await _tell(self.hooks.part_failed(event.recording_id, event.part, event.code, event.message))
        else:
            self._feeds.publish(name, event.model_dump(mode="json", exclude={"custom"}))  # a file may be large

    async def _ended(self, name: str, life: _Life, reason: str) -> None:
        logger.info("room %r has ended: %s", name, reason)
        if self.overlays is not None:
            await _tell(self.overlays.forget(name))
        self._lives.pop(name, None)
        life.running.set()
        life.ended.set()  # whoever waits for it goes on after this step: recordings hear of it first
        self._feeds.publish(name, {"type": "room_ending", "reason": reason})
        self._feeds.end(name)
        try:
            if self.hooks is not None:
                await _tell(self.hooks.room_ended(name))
        finally:
            life.told.set()

    async def _crashed(self, name: str, life: _Life) -> None:
        self.lost += 1
        logger.error("room %r was lost", name)
        self._feeds.publish(name, {"type": "room_lost"})
        if not life.may_go_on(self._monotonic_s()) or not await self._reopened(name, life):
            await self._ended(name, life, life.ending or "crashed")
            return
        self._feeds.publish(name, STALE)
        if self.hooks is not None:
            await _tell(self.hooks.room_lost(name))

    async def _reopened(self, name: str, life: _Life) -> bool:
        for pause_s in REOPEN_PAUSES_S:
            await self._sleep(pause_s)
            async with self._lock(name):
                if life.ending is not None:  # somebody closed it meanwhile
                    return False
                try:
                    await self._dress(await self._open(life.config, None))
                except TuttiError as error:
                    logger.error("room %r could not be opened again: %s", name, error)  # noqa: TRY400 - that says it all
                else:
                    return True
        return False

    async def _dress(self, ref: RoomRef) -> None:
        """Let a new process look as its predecessor did; that it does not is no reason to do without it."""
        overlay = await self.overlays.message(ref.name) if self.overlays is not None else None
        if overlay is None:
            return
        try:
            await ask(self._host, ref, overlay, Done)
        except TuttiError as error:
            logger.error("room %r came back without its overlay: %s", ref.name, error)  # noqa: TRY400 - that says it all


async def _tell(hook: Coroutine[Any, Any, None]) -> None:
    try:
        await hook
    except TuttiError:
        logger.exception("what belongs to a room could not follow it")


def not_found(name: str) -> RoomNotFoundError:
    """What to raise for a name that no room has."""
    return RoomNotFoundError(f"there is no room {name!r}")
