"""The service put together: settings in, ASGI application out."""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors, machine
from api.deps import Services
from api.library import LayoutLibrary
from api.limits import Limits
from api.metrics import Metrics
from api.overlays import Overlays
from api.previews import Previews
from api.recordings import RecordedRooms, Recordings, Unfinished, live_parts, make
from api.rooms.feed import Feeds
from api.rooms.host import Kind, RoomHost
from api.rooms.keeper import RoomKeeper
from api.rooms.local import LocalRoomHost
from api.rooms.rundir import RunDir, choose
from api.rooms.service import RoomService
from api.routes import events, layouts, pages, participants, recordings, rooms, service, timeline
from api.settings import Settings, Shutdown
from api.turn import issued
from api.version import VERSION

logger = logging.getLogger(__name__)

DESCRIPTION = """
Rooms in which everybody sends one camera and one microphone and gets **one** mixed video and **one** mixed audio stream
back, and recordings of them.

Every failure is answered as `{"error": {"code": "…", "message": "…"}}`: decide by `code`, show `message`.

`WS /v1/rooms/{room}/events` tells what happens in a room, as JSON: first `{"type": "state", …}`, then
`participant_joined`, `participant_updated`, `participant_left`, `active_speaker`, `layout`, `tiles` (who is where on
the canvas, as parts of its width and height, and from when on), `recording`, `room_lost` (the room's process died;
offer anew) and `room_ending`; a `heartbeat` at least every 10 s.
"""


def create_app(settings: Settings, run_dir: RunDir | None = None) -> FastAPI:
    """The application on this machine's rooms; its lifespan starts and ends them.

    Args:
        settings: all of them.
        run_dir: where the rooms' sockets are, if it is held already.

    Raises:
        TuttiError: the catalog, the store or a folder cannot be used.
        OSError: as above.
    """
    run_dir = run_dir or RunDir(choose(settings.data_dir))
    host = LocalRoomHost(
        run_dir,
        max_rooms=settings.max_rooms,
        capacity=machine.capacity(settings.capacity_cores, settings.capacity_memory_mb),
        factor=machine.factor(settings.data_dir),
        log_level=settings.log_level.upper(),
    )

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await host.start()
        try:
            async with running(app.state.services):
                yield
        finally:
            await host.stop()

    app = assemble(settings, host, lambda rooms, changes: make(settings, rooms, changes), lifespan)
    metrics: Metrics = app.state.services.metrics
    metrics.watch("tutti_room_processes_total", "Room processes started.", lambda: host.spawned)
    metrics.watch("tutti_room_processes_hung_total", "Rooms killed because they did not answer.", lambda: host.hung)
    _watch_capacity(metrics, host)
    return app


@asynccontextmanager
async def running(services: Services) -> AsyncIterator[None]:
    """The service's work while the application runs."""
    states = await services.keeper.start()
    await services.overlays.recover([state.config.name for state in states])
    await services.recordings.recover(live_parts(states))
    try:
        yield
    finally:
        if services.settings.shutdown == Shutdown.CLOSE:
            await services.keeper.close_all()
            if not await services.unfinished.wait_for_ends(services.settings.finish_timeout_s):
                logger.warning("recordings are not finished yet; the next start goes on with them")
        await services.keeper.stop()
        await services.recordings.close()


def assemble(
    settings: Settings,
    host: RoomHost,
    make_recordings: Callable[[RecordedRooms, Unfinished], Recordings],
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """The application on any host of rooms."""
    feeds = Feeds()
    unfinished = Unfinished(feeds)
    keeper = RoomKeeper(host, feeds, settings.room_config)
    keeper.overlays = overlays = Overlays(settings.data_dir / "overlays")
    keeper.hooks = recording_service = make_recordings(RecordedRooms(host, keeper), unfinished)
    services = Services(
        settings=settings,
        keeper=keeper,
        rooms=RoomService(
            host,
            keeper,
            create_on_join=settings.create_rooms_on_join,
            ice_servers=lambda: issued(settings.server_ice_servers, settings, time.time()),
        ),
        recordings=recording_service,
        unfinished=unfinished,
        feeds=feeds,
        metrics=Metrics(),
        library=LayoutLibrary(settings.data_dir / "layouts"),
        overlays=overlays,
        previews=Previews(),
    )
    _watch(services)

    app = FastAPI(
        title="Tutti", version=VERSION, description=DESCRIPTION, docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.services = services
    errors.install(app)
    for module in (rooms, participants, layouts, timeline, recordings, events, service):
        app.include_router(module.router)
    pages.mount(app)
    app.add_middleware(Limits, max_body_bytes=settings.max_body_bytes, max_sdp_bytes=settings.max_sdp_bytes)
    app.add_middleware(Measured, metrics=services.metrics)
    return app


def _watch(services: Services) -> None:
    watch, feeds = services.metrics.watch, services.feeds
    watch("tutti_event_clients", "Event streams open.", lambda: feeds.clients)
    watch("tutti_events_dropped_total", "Events lost by slow clients.", lambda: feeds.dropped_total)
    watch("tutti_rooms_lost_total", "Room processes that died unasked.", lambda: services.keeper.lost)
    for name in services.recordings.metrics:
        watch(name, "Of the recorder.", partial(_figure, services.recordings, name))


def _watch_capacity(metrics: Metrics, host: LocalRoomHost) -> None:
    watch, capacity, refused = metrics.watch, host.admission.capacity, host.admission.refused
    watch("tutti_capacity_cores", "What rooms may take together; +Inf for no limit.", lambda: capacity.cores)
    watch("tutti_capacity_used_cores", "What they may come to, by the cost table.", lambda: host.used.cores)
    watch("tutti_capacity_memory_mb", "What rooms may take together; +Inf for no limit.", lambda: capacity.memory_mb)
    watch("tutti_capacity_used_memory_mb", "What they may come to, by the cost table.", lambda: host.used.memory_mb)
    for kind in Kind:
        watch(f"tutti_refused_{kind}s_total", "Refused for want of capacity.", partial(refused.__getitem__, kind))


def _figure(source: Recordings, name: str) -> float:
    return source.metrics[name]


class Measured:
    """ASGI middleware that counts answers by route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and look at what comes back (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        started = time.monotonic()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "none")  # the pattern: addresses would be without number
            self._metrics.requests.labels(scope["method"], route, status).inc()
            self._metrics.request_seconds.labels(scope["method"], route).observe(time.monotonic() - started)
