"""What the routes have in common: the parts of the service, and checks of what came in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request
from starlette.requests import HTTPConnection

from api import schemas
from api.errors import MediaTypeError
from api.library import LayoutLibrary
from api.metrics import Metrics
from api.overlays import Overlays
from api.previews import Previews
from api.recordings import Recordings, Unfinished
from api.rooms.feed import Feeds
from api.rooms.keeper import RoomKeeper
from api.rooms.service import RoomService
from api.settings import Settings
from mcu.errors import BadOfferError


@dataclass(frozen=True, slots=True)
class Services:
    """All that routes work with; made once, in ``api.app``."""

    settings: Settings
    keeper: RoomKeeper
    rooms: RoomService
    recordings: Recordings
    unfinished: Unfinished
    feeds: Feeds
    metrics: Metrics
    library: LayoutLibrary
    overlays: Overlays
    previews: Previews


def services(connection: HTTPConnection) -> Services:
    """The parts of the running service."""
    found = connection.app.state.services
    assert isinstance(found, Services)
    return found


def room_name(room: Annotated[str, Path(description="the room's name, percent-encoded")]) -> str:
    """The room in the path, its name checked and normalised."""
    return schemas.checked_room_name(room)


def sdp_body(media_type: str) -> Callable[[Request], Awaitable[str]]:
    """A dependency that gives the body, which has to be of ``media_type``, as text."""

    async def read(request: Request) -> str:
        _require(request, media_type)
        try:
            return (await request.body()).decode()
        except UnicodeDecodeError:
            raise BadOfferError("the body is not UTF-8") from None

    return read


async def json_body(request: Request) -> None:
    """Refuse bodies that are not JSON (without this they would be called invalid, not of the wrong type)."""
    if await request.body():
        _require(request, "application/json")


def media_type_of(request: Request) -> str:
    """The type of the body, without parameters; empty when it is not said."""
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _require(request: Request, media_type: str) -> None:
    given = media_type_of(request)
    if given != media_type:
        raise MediaTypeError(f"this call takes {media_type}, not {given or 'a body without a Content-Type'}")


ServicesDep = Annotated[Services, Depends(services)]
RoomNameDep = Annotated[str, Depends(room_name)]
JsonBody = Depends(json_body)
