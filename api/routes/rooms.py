"""Rooms: open, list, look at, change, end."""

import asyncio

from fastapi import APIRouter, Response
from pydantic import ValidationError

from api.deps import JsonBody, RoomNameDep, ServicesDep
from api.errors import RequestError
from api.routes.answers import errors, room_url
from api.schemas import Room, RoomList, RoomPatch, RoomRequest, VideoRequest
from api.wishes import CUSTOM, LayoutRequest, Overlay
from mcu.messages import AudioConfig, VideoConfig

router = APIRouter(prefix="/v1/rooms", tags=["rooms"])


@router.post(
    "",
    status_code=201,
    dependencies=[JsonBody],
    responses=errors("room_exists", "invalid_request", "invalid_layout", "no_capacity_room"),
)
async def open_room(request: RoomRequest, services: ServicesDep, response: Response) -> Room:
    """Open a room. Joining a room that does not exist opens it with defaults, so this is for rooms that differ."""
    config = services.settings.room_config(request.name)
    name = request.layout or (config.layout if request.custom is None else CUSTOM)
    wanted = LayoutRequest(layout=name, options=request.options, custom=request.custom)
    layout = await services.library.resolve(wanted)
    changes = {
        "layout": layout.layout,
        "layout_options": layout.options,
        "custom_layout": layout.custom,
        "max_participants": request.max_participants or config.max_participants,
        "video": _merged(config.video, request.video),
        "audio": AudioConfig(music=request.audio.music),
    }
    state = await services.rooms.create(config.model_copy(update=changes))
    response.headers["Location"] = room_url(request.name)
    return Room.of(state)


@router.get("")
async def list_rooms(services: ServicesDep) -> RoomList:
    """All rooms that run, by name."""
    return RoomList(rooms=[Room.of(state) for state in await services.rooms.states()])


@router.get("/{room}", responses=errors("room_not_found"))
async def get_room(room: RoomNameDep, services: ServicesDep) -> Room:
    """One room."""
    return Room.of(await services.rooms.state(room))


@router.delete("/{room}", status_code=204, responses=errors("room_not_found"))
async def end_room(room: RoomNameDep, services: ServicesDep) -> None:
    """End a room: everybody leaves, its recording is finished. Answers when that is done."""
    await services.rooms.close(room)


@router.patch("/{room}", dependencies=[JsonBody], responses=errors("room_not_found", "invalid_request"))
async def change_room(room: RoomNameDep, request: RoomPatch, services: ServicesDep) -> Room:
    """Change the mix's bit rate at the next picture: H.264 without a keyframe, VP8 with a new encoder's."""
    return Room.of(await services.rooms.set_bitrate(room, request.video.bitrate))


@router.put("/{room}/layout", dependencies=[JsonBody], responses=errors("room_not_found", "invalid_layout"))
async def set_layout(room: RoomNameDep, request: LayoutRequest, services: ServicesDep) -> Room:
    """Change the layout at the next picture, without a break, while recording, too.

    An unknown name is refused with the list of names; what is wrong with a custom layout, with the path of the fault.
    """
    return Room.of(await services.rooms.set_layout(room, await services.library.resolve(request)))


@router.get("/{room}/overlay", responses=errors("room_not_found"))
async def get_overlay(room: RoomNameDep, services: ServicesDep) -> Overlay:
    """What the canvas shows beside the tiles, as it was put."""
    await services.keeper.find(room)
    return await services.overlays.get(room)


@router.put(
    "/{room}/overlay",
    dependencies=[JsonBody],
    responses=errors("room_not_found", "invalid_style", "invalid_request", "payload_too_large", "disk_full"),
)
async def set_overlay(room: RoomNameDep, request: Overlay, services: ServicesDep) -> Overlay:
    """Put background, logo, title, clock, banner and borders on the canvas, in place of all that were there."""
    await services.keeper.find(room)
    await services.rooms.set_overlay(room, await asyncio.to_thread(request.message))
    await services.overlays.put(room, request)
    return request


@router.get(
    "/{room}/snapshot.jpg",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **errors("room_not_found")},
)
async def snapshot(room: RoomNameDep, services: ServicesDep) -> Response:
    """The canvas as everybody sees it now."""
    jpeg = await services.rooms.snapshot(room)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def _merged(defaults: VideoConfig, request: VideoRequest) -> VideoConfig:
    asked = request.model_dump(exclude_none=True)
    if "bitrate" in asked:
        asked["bitrate_bps"] = asked.pop("bitrate")
    try:
        return VideoConfig(**{**defaults.model_dump(), **asked})
    except ValidationError as error:
        faults = "; ".join(f"video.{fault['loc'][0]}: {fault['msg']}".replace("_bps", "") for fault in error.errors())
        raise RequestError(faults) from None
