"""Recordings over HTTP, and what rooms and recordings tell each other."""

import httpx
import pytest
from fastapi import FastAPI

from api.app import running
from api.settings import Settings
from mcu.messages import Open, PartFailed, RecordingPart, RoomConfig, RoomEnding, encode
from recorder.model import Gap, Status
from tests.unit.api.conftest import assemble_fake, client_of
from tests.unit.api.fake_host import FakeHost
from tests.unit.api.fake_recordings import DATA, FakeRecordings
from tests.unit.api.listener import Listener

pytestmark = pytest.mark.unit


@pytest.fixture
async def started(http: httpx.AsyncClient) -> str:
    await http.post("/v1/rooms", json={"name": "caf\u00e9"})
    answer = await http.post("/v1/rooms/caf\u00e9/recordings")
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/recordings/{answer.json()['id']}"
    return str(answer.json()["id"])


async def test_a_recording_from_start_to_end(http: httpx.AsyncClient, recordings: FakeRecordings, started: str) -> None:
    told = (await http.get(f"/v1/recordings/{started}")).json()
    assert (told["status"], told["room"], told["started_at"]) == ("active", "caf\u00e9", 1_700_000_000.5)
    assert recordings.all[started].video == {"width": 1280, "height": 720, "fps": 30, "bitrate_bps": 2_000_000}

    assert (await http.post(f"/v1/recordings/{started}/stop")).json()["status"] == "ending"
    recordings.complete(started)
    recordings.set(started, gaps=(Gap(at=4.0, missing=1.5, from_time=10.0, until_time=11.5, reason="lost"),))
    told = (await http.get(f"/v1/recordings/{started}")).json()
    assert (told["status"], told["size"], told["error"]) == ("complete", 100, None)
    assert told["gaps"] == [{"start": 10.0, "end": 11.5, "missing": 1.5, "at": 4.0, "reason": "lost"}]
    assert len(told["sha256"]) == 64


async def test_lists_are_of_all_rooms_or_of_one(http: httpx.AsyncClient, started: str) -> None:
    await http.post("/v1/rooms", json={"name": "b"})
    other = (await http.post("/v1/rooms/b/recordings")).json()["id"]

    async def ids(**params: str) -> list[str]:
        listed = (await http.get("/v1/recordings", params=params)).json()["recordings"]
        return [recording["id"] for recording in listed]

    assert await ids() == [other, started]
    assert await ids(room="b") == [other]
    assert await ids(room="cafe\u0301") == [started]
    assert await ids(room="nobody") == []


async def test_what_does_not_fit_the_state_is_a_conflict(
    http: httpx.AsyncClient, recordings: FakeRecordings, started: str
) -> None:
    async def refused(method: str, path: str) -> tuple[int, str]:
        answer = await http.request(method, path)
        return answer.status_code, answer.json()["error"]["code"]

    one = f"/v1/recordings/{started}"
    assert await refused("POST", "/v1/rooms/caf\u00e9/recordings") == (409, "recording_conflict")
    assert await refused("DELETE", one) == (409, "recording_active")
    assert await refused("GET", f"{one}/download") == (409, "recording_not_complete")
    assert await refused("POST", f"{one}/retry") == (409, "recording_not_active")
    await http.post(f"{one}/stop")
    assert await refused("POST", f"{one}/stop") == (409, "recording_not_active")
    recordings.set(started, status=Status.FAILED, error="no disk")
    assert (await http.post(f"{one}/retry")).json()["status"] == "ending"
    recordings.complete(started)
    assert (await http.delete(one)).status_code == 204
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/stop"), ("POST", "/retry"), ("GET", "/download")):
        assert await refused(method, f"{one}{path}") == (404, "recording_not_found")


@pytest.mark.parametrize("id_", ["nothing", "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "a%0ab"])
async def test_ids_that_lead_nowhere(http: httpx.AsyncClient, id_: str) -> None:
    for path in (f"/v1/recordings/{id_}/download", f"/v1/recordings/{id_}/retry"):
        assert (await http.get(httpx.URL(f"http://test{path}"))).status_code in {404, 405}
    assert (await http.post("/v1/rooms/nobody/recordings")).status_code == 404


async def test_the_file_whole_in_part_and_by_name(
    http: httpx.AsyncClient, recordings: FakeRecordings, started: str
) -> None:
    recordings.complete(started)
    url = f"/v1/recordings/{started}/download"
    whole = await http.get(url)
    assert (whole.status_code, whole.content) == (200, DATA)
    assert whole.headers["Content-Type"] == "video/mp4"
    disposition = whole.headers["Content-Disposition"]
    assert disposition.startswith('attachment; filename="plain.mp4"; ')
    assert disposition.endswith("filename*=UTF-8''caf%C3%A9%202023-11-14%2022.13.20%20UTC.mp4")

    part = await http.get(url, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, DATA[10:20])
    head = await http.head(url)
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", "100")
    beyond = await http.get(url, headers={"Range": "bytes=100-"})
    assert (beyond.status_code, beyond.json()["error"]["code"]) == (416, "range_not_satisfiable")
    known = await http.get(url, headers={"If-None-Match": whole.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


async def test_a_store_with_urls_is_downloaded_from_itself(
    http: httpx.AsyncClient, recordings: FakeRecordings, started: str
) -> None:
    recordings.complete(started)
    recordings.presigned = "https://store.example/x?signed"
    answer = await http.get(f"/v1/recordings/{started}/download")
    assert (answer.status_code, answer.headers["Location"]) == (307, recordings.presigned)
    assert (await http.head(f"/v1/recordings/{started}/download")).status_code == 200


async def test_or_through_us_if_the_settings_say_so(settings: Settings, host: FakeHost) -> None:
    app = assemble_fake(settings.model_copy(update={"download": "stream"}), host)
    async with running(app.state.services), client_of(app) as http:
        recordings = app.state.services.recordings
        recordings.presigned = "https://store.example/x?signed"
        await http.post("/v1/rooms", json={"name": "a"})
        id_ = (await http.post("/v1/rooms/a/recordings")).json()["id"]
        recordings.complete(id_)
        assert (await http.get(f"/v1/recordings/{id_}/download")).content == DATA


async def test_listeners_see_recordings_change(
    app: FastAPI, http: httpx.AsyncClient, recordings: FakeRecordings, started: str
) -> None:
    async with Listener(app, "caf\u00e9") as listener:
        state = await listener.next()
        assert [recording["id"] for recording in state["recordings"]] == [started]
        await http.post(f"/v1/recordings/{started}/stop")
        recordings.complete(started)
        changes = [await listener.next() for _ in range(2)]
    assert [change["type"] for change in changes] == ["recording", "recording"]
    assert [change["recording"]["status"] for change in changes] == ["ending", "complete"]


async def test_recordings_learn_what_becomes_of_their_room(
    app: FastAPI, http: httpx.AsyncClient, host: FakeHost, recordings: FakeRecordings, started: str
) -> None:
    recordings.told.clear()
    async with Listener(app, "caf\u00e9") as listener:
        await listener.next()
        host.tell("caf\u00e9", PartFailed(recording_id=started, part=1, code="disk_full", message="the disk is full"))
        host.kill("caf\u00e9")
        assert await listener.types(2) == ["room_lost", "state"]
        host.tell("caf\u00e9", RoomEnding(reason="empty"))
        host.kill("caf\u00e9")
        assert await listener.types(1) == ["room_ending"]
        assert await listener.next() == {"close": 1000}
    assert recordings.told == [
        ("failed", started, 1, "disk_full", "the disk is full"),
        ("lost", "caf\u00e9"),
        ("ended", "caf\u00e9"),
    ]


async def test_a_new_service_takes_up_what_goes_on(settings: Settings, host: FakeHost) -> None:
    ref = await host.open("a")
    await host.call(ref, encode(Open(instance=ref.instance, config=RoomConfig(name="a", max_participants=7))))
    host.room("a").part = RecordingPart(recording_id="rec_x", part=2)
    app = assemble_fake(settings.model_copy(update={"shutdown": "keep"}), host)
    async with running(app.state.services), client_of(app) as http:
        assert (await http.get("/v1/rooms/a")).json()["max_participants"] == 7
        assert (await http.get("/v1/rooms/a")).json()["recording"] == "rec_x"
        assert app.state.services.recordings.told == [("recover", {"rec_x": 2})]
    assert app.state.services.recordings.told[1:] == [("close",)]
    assert host.ref("a") == ref


async def test_the_end_of_the_service_waits_for_recordings(settings: Settings, host: FakeHost) -> None:
    app = assemble_fake(settings.model_copy(update={"finish_timeout_s": 0.01}), host)
    recordings = app.state.services.recordings
    async with running(app.state.services), client_of(app) as http:
        await http.post("/v1/rooms", json={"name": "a"})
        id_ = (await http.post("/v1/rooms/a/recordings")).json()["id"]
        await http.post(f"/v1/recordings/{id_}/stop")
        assert not await app.state.services.unfinished.wait_for_ends(0.01)
        recordings.complete(id_)
        assert await app.state.services.unfinished.wait_for_ends(0.01)
    assert recordings.told[-2:] == [("ended", "a"), ("close",)]
    assert host.processes == {}
