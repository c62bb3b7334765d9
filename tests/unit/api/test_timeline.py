"""What lies beside a recording, over HTTP."""

import httpx
import pytest

from recorder.model import Companion
from tests.unit.api.fake_recordings import FakeRecordings

pytestmark = pytest.mark.unit

VTT = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nZoë &amp; Bob\n".encode()
JSON = b'{"version": 1, "tiles": []}'
PATHS = ("{}/timeline.json", "{}/timeline.vtt", "{}.vtt")


@pytest.fixture
async def running(http: httpx.AsyncClient) -> str:
    await http.post("/v1/rooms", json={"name": "standup"})
    return str((await http.post("/v1/rooms/standup/recordings")).json()["id"])


@pytest.fixture
def complete(recordings: FakeRecordings, running: str) -> str:
    recordings.complete(running)
    recordings.companions = {(running, Companion.TIMELINE): JSON, (running, Companion.CAPTIONS): VTT}
    return running


def url(path: str, recording: str) -> str:
    return "/v1/recordings/" + path.format(recording)


async def test_the_timeline(http: httpx.AsyncClient, complete: str) -> None:
    answer = await http.get(url("{}/timeline.json", complete))
    assert (answer.status_code, answer.json()) == (200, {"version": 1, "tiles": []})
    assert answer.headers["Content-Type"] == "application/json"
    assert 'filename="plain.timeline.json"' in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("path", PATHS[1:])
async def test_the_captions(http: httpx.AsyncClient, complete: str, path: str) -> None:
    answer = await http.get(url(path, complete))
    assert (answer.status_code, answer.content) == (200, VTT)
    assert answer.headers["Content-Type"] == "text/vtt; charset=utf-8"
    assert 'filename="plain.vtt"' in answer.headers["Content-Disposition"]


async def test_they_are_downloads_like_any_other(http: httpx.AsyncClient, complete: str) -> None:
    for path, data in zip(PATHS, (JSON, VTT, VTT), strict=True):
        part = await http.get(url(path, complete), headers={"Range": "bytes=2-5"})
        assert (part.status_code, part.content) == (206, data[2:6])
        head = await http.head(url(path, complete))
        assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", str(len(data)))
        known = await http.get(url(path, complete), headers={"If-None-Match": head.headers["ETag"]})
        assert known.status_code == 304
    tags = {(await http.head(url(path, complete))).headers["ETag"] for path in ("{}/download", *PATHS)}
    assert len(tags) == 3  # the captions have two addresses


@pytest.mark.parametrize("path", PATHS)
async def test_there_is_none_before_there_is_a_file(http: httpx.AsyncClient, running: str, path: str) -> None:
    for recording, refused in (
        (running, (409, "recording_not_complete")),
        ("rec_nothing", (404, "recording_not_found")),
    ):
        answer = await http.get(url(path, recording))
        assert (answer.status_code, answer.json()["error"]["code"]) == refused


@pytest.mark.parametrize("path", PATHS)
async def test_a_recording_of_before_there_were_timelines(
    http: httpx.AsyncClient, recordings: FakeRecordings, running: str, path: str
) -> None:
    recordings.complete(running)
    answer = await http.get(url(path, running))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "object_missing")


async def test_other_recordings_are_still_found(http: httpx.AsyncClient, complete: str) -> None:
    assert (await http.get(f"/v1/recordings/{complete}")).json()["id"] == complete
