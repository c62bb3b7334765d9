"""A room's events over a WebSocket: first the whole state, then what changes.

Listeners are served from a bounded feed (``api.rooms.feed``); whoever is too slow gets the whole state again in place
of what was dropped. When the room's process dies they are told (``room_lost``) and get the state of the new one.
"""

import asyncio
import contextlib
import logging
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from api.deps import Services, ServicesDep
from api.errors import RemoteError, RoomNotFoundError, error_response
from api.recordings import unfinished_in
from api.rooms.feed import Feed, FeedEndedError, Stale, Told
from api.rooms.host import RoomGone, RoomTimeoutError
from api.schemas import RecordingInfo, Room, checked_room_name
from mcu.errors import TuttiError

logger = logging.getLogger(__name__)

router = APIRouter(tags=["events"])

HEARTBEAT_S = 10.0  # silence is never longer than this, so that a page notices a dead server
SEND_TIMEOUT_S = 20.0  # whoever takes nothing for so long is cut off
GOING_AWAY, TRY_AGAIN_LATER = 1001, 1013


@router.websocket("/v1/rooms/{room}/events")
async def events(websocket: WebSocket, room: str, services: ServicesDep) -> None:
    """See the module."""
    try:
        name = checked_room_name(room)
        await services.rooms.state(name)
    except (RoomGone, RoomTimeoutError):
        pass  # it is being opened again
    except TuttiError as error:
        await websocket.send_denial_response(error_response(error.code, str(error)))
        return
    if services.feeds.clients >= services.settings.max_event_clients:
        await websocket.send_denial_response(error_response("busy", "too many event streams are open"))
        return
    feed = services.feeds.subscribe(name)
    try:
        await websocket.accept()
        await _serve(websocket, name, feed, services)
    finally:
        services.feeds.unsubscribe(name, feed)


async def _serve(websocket: WebSocket, room: str, feed: Feed, services: Services) -> None:
    """Talk until the room has ended, the client has gone, or it no longer takes anything."""
    talking = asyncio.create_task(_talk(websocket, room, feed, services))
    listening = asyncio.create_task(_listen(websocket))
    try:
        await asyncio.wait((talking, listening), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (talking, listening):
            task.cancel()
        outcomes = await asyncio.gather(talking, listening, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect | TimeoutError):
            raise outcome
    if websocket.application_state == WebSocketState.CONNECTED:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):  # the client was faster
            await websocket.close(GOING_AWAY if isinstance(outcomes[0], asyncio.CancelledError) else 1000)


async def _listen(websocket: WebSocket) -> None:
    """Clients have nothing to say; receiving is how one learns that they have gone."""
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return


async def _talk(websocket: WebSocket, room: str, feed: Feed, services: Services) -> None:
    await _send_state(websocket, room, services)
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                event = await feed.get()
        except TimeoutError:
            await _send(websocket, {"type": "heartbeat"})
            continue
        except FeedEndedError:
            return
        if isinstance(event, Stale):
            await _send_state(websocket, room, services)
        else:
            await _send(websocket, event)


async def _send_state(websocket: WebSocket, room: str, services: Services) -> None:
    try:
        state = await services.rooms.state(room)
    except (RoomNotFoundError, RoomGone, RoomTimeoutError, RemoteError) as error:
        logger.info("no state of room %r for a listener yet: %s", room, error)  # its next life or its end will be told
        return
    unfinished = await unfinished_in(services.recordings, room)
    told: dict[str, Any] = {
        "type": "state",
        "room": Room.of(state).model_dump(mode="json"),
        "recordings": [RecordingInfo.of(recording).model_dump(mode="json") for recording in unfinished],
        "participants": [participant.model_dump(mode="json") for participant in state.participants],
        "tiles": state.tiles.model_dump(mode="json", exclude={"type"}) if state.tiles else None,
        "overload": state.overload.model_dump(mode="json", exclude={"type"}) if state.overload else None,
    }
    await _send(websocket, told)


async def _send(websocket: WebSocket, told: Told) -> None:
    async with asyncio.timeout(SEND_TIMEOUT_S):
        await websocket.send_json(dict(told))
