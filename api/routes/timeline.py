"""What lies beside a finished recording: who was where on the picture and who spoke, for programs and for players."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.deps import Services, ServicesDep
from api.download import File, content_disposition, respond
from api.routes.answers import Responses, errors
from recorder.model import Companion, Recording

router = APIRouter(tags=["recordings"])

RecordingId = Annotated[str, Path(max_length=64, description="from the answer to the start")]
TIMELINE = "/v1/recordings/{recording}/timeline"
CAPTIONS_ALIAS = "/v1/recordings/{recording}.vtt"


def _responses(companion: Companion) -> Responses:
    return {
        200: {"content": {companion.media_type: {}}},
        206: {"description": "the part that `Range` asks for"},
        **errors("recording_not_found", "recording_not_complete", "range_not_satisfiable", "store_failed"),
    }


@router.get(TIMELINE + ".json", response_class=Response, responses=_responses(Companion.TIMELINE))
@router.head(TIMELINE + ".json", include_in_schema=False)
async def timeline(recording: RecordingId, request: Request, services: ServicesDep) -> Response:
    """Who occupied which rectangle of the picture, and who spoke, from when to when in the file."""
    return await _answer(Companion.TIMELINE, recording, request, services)


@router.get(TIMELINE + ".vtt", response_class=Response, responses=_responses(Companion.CAPTIONS))
@router.head(TIMELINE + ".vtt", include_in_schema=False)
@router.get(CAPTIONS_ALIAS, include_in_schema=False)
@router.head(CAPTIONS_ALIAS, include_in_schema=False)
async def captions(recording: RecordingId, request: Request, services: ServicesDep) -> Response:
    """The active speakers' names as WebVTT."""
    return await _answer(Companion.CAPTIONS, recording, request, services)


async def _answer(companion: Companion, recording_id: str, request: Request, services: Services) -> Response:
    found = await services.recordings.finished(recording_id)
    size = await asyncio.to_thread(services.recordings.companion_size, found, companion)
    file = _file(companion, found, size, services)
    return await asyncio.to_thread(respond, request.method, request.headers, file)


def _file(companion: Companion, recording: Recording, size: int, services: Services) -> File:
    name = companion.beside(recording.file_name or f"{recording.id}.mp4")
    return File(
        size=size,
        etag=f"{recording.sha256}{companion}",
        media_type=companion.media_type,
        disposition=content_disposition(name, name),
        read=lambda start, end: services.recordings.read_companion(recording, companion, start, end - start),
    )
