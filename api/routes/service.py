"""The service itself: what a page has to know, whether it lives, and its figures."""

import time

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

import layouts.select
from api.deps import ServicesDep
from api.schemas import MAX_NAME_LENGTH, Config, Health, IceServerInfo, Video
from api.turn import issued
from api.version import VERSION

router = APIRouter(tags=["service"])


@router.get("/v1/config")
async def config(services: ServicesDep, response: Response) -> Config:
    """What a client has to know before it joins; TURN credentials in it are new at every call."""
    settings = services.settings
    servers = issued(settings.ice_servers, settings, time.time())
    response.headers["Cache-Control"] = "no-store"
    return Config(
        version=VERSION,
        ice_servers=[IceServerInfo(**server.model_dump(mode="json")) for server in servers],
        layouts=list(layouts.select.names()),
        default_layout=settings.layout,
        video=Video.of(settings.video),
        max_participants=settings.max_participants,
        max_name_length=MAX_NAME_LENGTH,
    )


@router.get("/healthz")
async def health(services: ServicesDep) -> Health:
    """Answers as long as the service lives."""
    return Health(version=VERSION, rooms=len(await services.rooms.instances()))


@router.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE_LATEST: {}}}})
async def metrics(services: ServicesDep) -> Response:
    """Figures for Prometheus."""
    rooms = services.rooms
    services.metrics.rooms.update(await rooms.states(), alive=await rooms.instances())
    return Response(generate_latest(services.metrics.registry), media_type=CONTENT_TYPE_LATEST)
