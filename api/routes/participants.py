"""Participants: an offer in, an answer out (as WHIP does), candidates afterwards; who is here, where, how loud."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api import schemas
from api.deps import RoomNameDep, ServicesDep, media_type_of, sdp_body
from api.errors import MediaTypeError
from api.routes.answers import errors, room_url
from api.wishes import ParticipantRequest
from mcu.messages import ParticipantState

router = APIRouter(prefix="/v1/rooms/{room}/participants", tags=["participants"])

SDP = "application/sdp"
FRAGMENT = "application/trickle-ice-sdpfrag"
GUEST = "Guest"  # who does not give a name

ParticipantId = Annotated[str, Path(max_length=64, description="from the Location of the answer")]


def _body(media_type: str, description: str) -> dict[str, Any]:
    text = {media_type: {"schema": {"type": "string", "description": description}}}
    return {"requestBody": {"required": True, "content": text}}


@router.post(
    "",
    status_code=201,
    response_class=Response,
    responses={
        201: {
            "description": "The answer. `Location` is where to trickle candidates to and where to leave.",
            "content": {SDP: {"schema": {"type": "string"}}},
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
        **errors(
            "bad_offer",
            "invalid_name",
            "no_capacity_participant",
            "no_capacity_room",
            "room_full",
            "room_not_found",
            "unsupported_media_type",
            "payload_too_large",
        ),
    },
    openapi_extra=_body(SDP, "an offer with one audio and one video line, or a second video line for a screen"),
)
async def join(  # noqa: PLR0913, PLR0917 - a route's parameters are those of its requests
    room: RoomNameDep,
    services: ServicesDep,
    offer: Annotated[str, Depends(sdp_body(SDP))],
    name: Annotated[str, Query(description="what the others read")] = GUEST,
    video: Annotated[
        Literal["full", "none"], Query(description="none: sound only, no picture is sent to them")
    ] = "full",
    camera: Annotated[
        Literal["held", "follows"],
        Query(description="follows: it keeps to `camera_wanted` by itself; held: it is held to that by REMB"),
    ] = "held",
) -> Response:
    """Join with an SDP offer. An unknown room is opened, unless the server's settings forbid it."""
    display_name = schemas.checked_name(name or GUEST, what="a participant's name")
    participant_id, answer = await services.rooms.join(
        room, display_name, offer, video=video != "none", follows=camera == "follows"
    )
    location = f"{room_url(room)}/participants/{participant_id}"
    return Response(answer, 201, {"Location": location, "Cache-Control": "no-store"}, SDP)


@router.get("", responses=errors("room_not_found"))
async def list_participants(room: RoomNameDep, services: ServicesDep) -> schemas.ParticipantList:
    """Who is here, since when, with which tracks; muted, speaking, statistics."""
    state = await services.rooms.state(room)
    return schemas.ParticipantList(participants=list(state.participants))


@router.get("/{participant}", responses=errors("room_not_found", "unknown_participant"))
async def get_participant(
    room: RoomNameDep, participant: ParticipantId, services: ServicesDep
) -> schemas.ParticipantDetail:
    """One of them, with how long pictures and sound took through the mixer in the last ten seconds, by stage."""
    return schemas.ParticipantDetail.of(await services.rooms.participant(room, participant))


_PATCHES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": ParticipantRequest.model_json_schema()},
            FRAGMENT: {"schema": {"type": "string", "description": "ICE candidates as in RFC 8840"}},
        },
    }
}


@router.patch(
    "/{participant}",
    response_model=ParticipantState,
    responses={
        204: {"description": "The candidates are taken"},
        **errors("bad_offer", "invalid_request", "room_not_found", "unknown_participant", "unsupported_media_type"),
    },
    openapi_extra=_PATCHES,
)
async def change(
    room: RoomNameDep, participant: ParticipantId, services: ServicesDep, request: Request
) -> ParticipantState | Response:
    """Pin, spotlight, hide, order, mute somebody or change their volume, for the whole room; or add ICE candidates."""
    if media_type_of(request) == "application/json":
        wanted = _wanted(await request.body())
        messages = (wanted.audio(participant), wanted.wish(participant))  # sound first: it may still be refused
        return await services.rooms.direct(room, participant, *(message for message in messages if message is not None))
    if media_type_of(request) != FRAGMENT:
        raise MediaTypeError(f"this call takes application/json or {FRAGMENT}")
    await services.rooms.trickle(room, participant, await sdp_body(FRAGMENT)(request))
    return Response(status_code=204)


def _wanted(body: bytes) -> ParticipantRequest:
    try:
        return ParticipantRequest.model_validate_json(body)
    except ValidationError as error:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in error.errors()]
        raise RequestValidationError(faults) from None


@router.delete("/{participant}", status_code=204, responses=errors("room_not_found", "unknown_participant"))
async def leave(room: RoomNameDep, participant: ParticipantId, services: ServicesDep) -> None:
    """Leave, or make somebody leave."""
    await services.rooms.leave(room, participant)
