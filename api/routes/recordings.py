"""Recordings: start, stop, list, download, delete."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from api import schemas
from api.deps import RoomNameDep, Services, ServicesDep
from api.download import File, content_disposition, respond
from api.recordings import kept_of
from api.routes.answers import errors
from api.schemas import RecordingInfo, RecordingList
from api.settings import Download
from recorder.model import Recording

router = APIRouter(tags=["recordings"])

RecordingId = Annotated[str, Path(max_length=64, description="from the answer to the start")]
RECORDING = "/v1/recordings/{recording}"


@router.post(
    "/v1/rooms/{room}/recordings",
    status_code=201,
    responses=errors(
        "room_not_found", "recording_conflict", "recording_not_started", "no_capacity_recording", "disk_full"
    ),
)
async def start(room: RoomNameDep, services: ServicesDep, response: Response) -> RecordingInfo:
    """Record a room. Answers once its first picture is on its way to disk; a room has one recording at a time."""
    state = await services.rooms.state(room)
    async with services.rooms.recording_admitted(room):
        recording = await services.recordings.start(room, kept_of(state.config))
    response.headers["Location"] = f"/v1/recordings/{recording.id}"
    return RecordingInfo.of(recording)


@router.get("/v1/recordings")
async def list_recordings(
    services: ServicesDep, room: Annotated[str | None, Query(description="only this room's")] = None
) -> RecordingList:
    """Recordings, the newest first."""
    name = schemas.checked_room_name(room) if room is not None else None
    return RecordingList(recordings=[RecordingInfo.of(found) for found in await services.recordings.find(name)])


@router.get(RECORDING, responses=errors("recording_not_found"))
async def get(recording: RecordingId, services: ServicesDep) -> RecordingInfo:
    """One recording."""
    return RecordingInfo.of(await services.recordings.get(recording))


@router.post(RECORDING + "/stop", responses=errors("recording_not_found", "recording_not_active"))
async def stop(recording: RecordingId, services: ServicesDep) -> RecordingInfo:
    """Stop. The recording is `ending` while its file is made and uploaded, then `complete`."""
    return RecordingInfo.of(await services.recordings.stop(recording))


@router.post(RECORDING + "/retry", responses=errors("recording_not_found", "recording_not_active"))
async def retry(recording: RecordingId, services: ServicesDep) -> RecordingInfo:
    """Finish a `failed` recording again: join its parts, if need be, and upload."""
    return RecordingInfo.of(await services.recordings.retry(recording))


@router.delete(RECORDING, status_code=204, responses=errors("recording_not_found", "recording_active", "store_failed"))
async def delete(recording: RecordingId, services: ServicesDep) -> None:
    """Remove a recording that is over, with its file."""
    await services.recordings.delete(recording)


@router.get(
    RECORDING + "/download",
    response_class=Response,
    responses={
        200: {"content": {"video/mp4": {}}},
        206: {"description": "the part that `Range` asks for"},
        307: {"description": "elsewhere, for a while"},
        **errors("recording_not_found", "recording_not_complete", "range_not_satisfiable", "store_failed"),
    },
)
@router.head(RECORDING + "/download", include_in_schema=False)
async def download(recording: RecordingId, request: Request, services: ServicesDep) -> Response:
    """The MP4, whole or in part; from S3 by redirection, unless the server's settings say otherwise."""
    found = await services.recordings.finished(recording)
    if request.method == "GET" and services.settings.download == Download.REDIRECT:
        url = await services.recordings.url(found, services.settings.download_url_ttl_s)
        if url is not None:
            return RedirectResponse(url, 307, {"Cache-Control": "no-store"})
    return await asyncio.to_thread(respond, request.method, request.headers, _file(found, services))


def _file(recording: Recording, services: Services) -> File:
    assert recording.size is not None
    assert recording.sha256 is not None
    plain = recording.file_name or f"{recording.id}.mp4"
    return File(
        size=recording.size,
        etag=recording.sha256,
        media_type="video/mp4",
        disposition=content_disposition(plain, _name(recording) or plain),
        read=lambda start, end: services.recordings.read(recording, start, end - start),
    )


def _name(recording: Recording) -> str | None:
    """The file's name with the room's name as it is."""
    if recording.started_at is None:
        return None
    start = datetime.fromtimestamp(recording.started_at, UTC).strftime("%Y-%m-%d %H.%M.%S UTC")
    return f"{recording.room} {start}.mp4"
