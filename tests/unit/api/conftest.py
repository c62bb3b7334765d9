"""The service on a host without processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import assemble, running
from api.settings import Settings
from tests.unit.api.fake_host import FakeHost
from tests.unit.api.fake_recordings import FakeRecordings

OFFER = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, max_body_bytes=2048, max_sdp_bytes=4096)


def assemble_fake(settings: Settings, host: FakeHost) -> FastAPI:
    return assemble(settings, host, lambda _rooms, changes: FakeRecordings(changes.changed))


@pytest.fixture
async def app(host: FakeHost, settings: Settings) -> AsyncIterator[FastAPI]:
    application = assemble_fake(settings, host)
    async with running(application.state.services):
        yield application


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as client:
        yield client


@pytest.fixture
def recordings(app: FastAPI) -> FakeRecordings:
    found = app.state.services.recordings
    assert isinstance(found, FakeRecordings)
    return found
