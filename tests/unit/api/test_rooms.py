"""Rooms and participants over HTTP."""

import asyncio
import base64
import hmac
import time

import httpx
import pytest
from pydantic import SecretStr

from api.app import running
from api.settings import Settings
from mcu.messages import IceServer, RoomEnding
from tests.unit.api.conftest import OFFER, SDP, assemble_fake, client_of
from tests.unit.api.fake_host import FakeHost

pytestmark = pytest.mark.unit


async def test_a_room_is_what_was_asked_for_and_defaults_for_the_rest(http: httpx.AsyncClient) -> None:
    asked = {"name": "standup", "max_participants": 7, "video": {"width": 640, "height": 360, "bitrate": 500_000}}
    made = await http.post("/v1/rooms", json=asked)

    assert made.status_code == 201
    assert made.headers["Location"] == "/v1/rooms/standup"
    room = made.json()
    assert room["video"] == {"width": 640, "height": 360, "fps": 30, "bitrate": 500_000}
    assert (room["name"], room["layout"], room["max_participants"]) == ("standup", "grid", 7)
    assert (room["participants"], room["active_speaker"], room["recording"]) == (0, None, None)
    assert (await http.get("/v1/rooms/standup")).json() == room
    assert (await http.get("/v1/rooms")).json() == {"rooms": [room]}


async def test_a_room_is_for_speech_unless_it_is_asked_to_be_for_music(http: httpx.AsyncClient, host: FakeHost) -> None:
    assert (await http.post("/v1/rooms", json={"name": "talk"})).json()["audio"] == {"music": False}
    assert (await http.post("/v1/rooms", json={"name": "band", "audio": {"music": True}})).status_code == 201
    assert [room["audio"]["music"] for room in (await http.get("/v1/rooms")).json()["rooms"]] == [True, False]
    assert (await http.get("/v1/rooms/band")).json()["audio"] == {"music": True}


@pytest.mark.parametrize("audio", [{"music": "yes"}, {"music": 1}, {"music": None}, {"stereo": True}, [], "music"])
async def test_what_is_no_kind_of_sound_is_refused(http: httpx.AsyncClient, audio: object) -> None:
    refused = await http.post("/v1/rooms", json={"name": "band", "audio": audio})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_request")
    assert "audio" in refused.json()["error"]["message"]
    assert (await http.get("/v1/rooms")).json() == {"rooms": []}


async def test_a_name_is_taken_while_its_room_runs(http: httpx.AsyncClient) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    again = await http.post("/v1/rooms", json={"name": "a"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "room_exists")

    assert (await http.delete("/v1/rooms/a")).status_code == 204
    assert (await http.get("/v1/rooms/a")).status_code == 404
    assert (await http.post("/v1/rooms", json={"name": "a"})).status_code == 201


async def test_one_name_written_in_two_ways_is_one_room(http: httpx.AsyncClient) -> None:
    composed, decomposed = "caf\u00e9 \u4f1a\u8bae", "cafe\u0301 \u4f1a\u8bae"
    await http.post("/v1/rooms", json={"name": composed})
    assert (await http.get(f"/v1/rooms/{decomposed}")).json()["name"] == composed


async def test_the_server_is_full_at_its_capacity(http: httpx.AsyncClient) -> None:
    for name in "abc":
        await http.post("/v1/rooms", json={"name": name})
    refused = await http.post("/v1/rooms", json={"name": "d"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "no_capacity_room")
    assert "Retry-After" in refused.headers


async def test_joining_opens_the_room_and_answers_as_whip_does(http: httpx.AsyncClient, host: FakeHost) -> None:
    joined = await http.post("/v1/rooms/new%20room/participants?name=Ad%C3%A9la", content=OFFER, headers=SDP)

    assert joined.status_code == 201
    assert joined.headers["Content-Type"] == "application/sdp"
    assert joined.text == "v=0\r\nanswer\r\n"
    location = joined.headers["Location"]
    assert location.startswith("/v1/rooms/new%20room/participants/")
    people = (await http.get("/v1/rooms/new%20room/participants")).json()["participants"]
    assert [(p["id"], p["name"]) for p in people] == [(location.rsplit("/", 1)[1], "Ad\u00e9la")]

    fragment = {"Content-Type": "application/trickle-ice-sdpfrag"}
    assert (await http.patch(location, content="a=end-of-candidates\r\n", headers=fragment)).status_code == 204
    assert (await http.delete(location)).status_code == 204
    assert (await http.delete(location)).json()["error"]["code"] == "unknown_participant"
    assert host.room("new room").people == {}


async def test_joining_an_unknown_room_can_be_forbidden(settings: Settings, host: FakeHost) -> None:
    strict = assemble_fake(settings.model_copy(update={"create_rooms_on_join": False}), host)
    async with running(strict.state.services), client_of(strict) as http:
        refused = await http.post("/v1/rooms/x/participants", content=OFFER, headers=SDP)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "room_not_found")
        await http.post("/v1/rooms", json={"name": "x"})
        assert (await http.post("/v1/rooms/x/participants", content=OFFER, headers=SDP)).status_code == 201


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", (True, False)),
        ("&video=none", (False, False)),
        ("&camera=follows", (True, True)),
        ("&camera=held", (True, False)),
    ],
)
async def test_who_joins_says_what_they_take_and_give(
    http: httpx.AsyncClient, host: FakeHost, query: str, asked: tuple[bool, bool]
) -> None:
    joined = await http.post(f"/v1/rooms/a/participants?name=Ada{query}", content=OFFER, headers=SDP)
    assert joined.status_code == 201
    (join,) = host.room("a").joins
    assert (join.video, join.follows) == asked


async def test_the_rooms_own_turn_credentials_are_new_for_everybody(settings: Settings, host: FakeHost) -> None:
    own = {"server_ice_servers": (IceServer(urls=("stun:s",)), IceServer(urls=("turn:t",)))}
    app = assemble_fake(settings.model_copy(update=own | {"turn_secret": SecretStr("s3cr3t")}), host)
    async with running(app.state.services), client_of(app) as http:
        for _ in range(2):
            assert (await http.post("/v1/rooms/a/participants", content=OFFER, headers=SDP)).status_code == 201
        told = [join.ice_servers for join in host.room("a").joins]
    assert [server.urls for servers in told for server in servers] == [("stun:s",), ("turn:t",)] * 2
    (stun, first), (_, second) = told
    assert (stun.username, stun.credential) == (None, None)
    assert first.username is not None
    assert second.username not in {None, first.username}
    assert int(first.username.partition(":")[0]) > time.time() + 80_000
    digest = hmac.new(b"s3cr3t", first.username.encode(), "sha1").digest()
    assert first.credential == base64.b64encode(digest).decode()


async def test_the_layout_changes_and_unknown_ones_are_named(http: httpx.AsyncClient) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    assert (await http.put("/v1/rooms/a/layout", json={"layout": "speaker"})).json()["layout"] == "speaker"
    refused = await http.put("/v1/rooms/a/layout", json={"layout": "pyramid"})
    assert refused.status_code == 422
    assert refused.json()["error"]["code"] == "invalid_layout"
    assert "grid, speaker" in refused.json()["error"]["message"]


async def test_a_running_rooms_bitrate_can_be_lowered(http: httpx.AsyncClient) -> None:
    await http.post("/v1/rooms", json={"name": "a", "video": {"bitrate": 1_000_000}})
    changed = await http.patch("/v1/rooms/a", json={"video": {"bitrate": 400_000}})
    assert (changed.status_code, changed.json()["video"]["bitrate"]) == (200, 400_000)
    assert (await http.get("/v1/rooms/a")).json()["video"]["bitrate"] == 400_000


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"video": {"bitrate": 2_000_001}}, 422),  # more than the room was opened with
        ({"video": {"bitrate": 99_999}}, 422),
        ({"video": {"bitrate": -1}}, 422),
        ({"video": {"bitrate": "much"}}, 422),
        ({"video": {"width": 640}}, 422),
        ({}, 422),
    ],
)
async def test_a_bitrate_that_cannot_be_is_refused(http: httpx.AsyncClient, body: object, status: int) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    refused = await http.patch("/v1/rooms/a", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, "invalid_request")
    missing = await http.patch("/v1/rooms/b", json={"video": {"bitrate": 500_000}})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "room_not_found")


async def test_the_snapshot_is_a_jpeg_that_nobody_caches(http: httpx.AsyncClient) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    snapshot = await http.get("/v1/rooms/a/snapshot.jpg")
    assert snapshot.headers["Content-Type"] == "image/jpeg"
    assert snapshot.headers["Cache-Control"] == "no-store"
    assert snapshot.content == bytes.fromhex("ffd8ffd9")


async def test_a_room_opened_with_an_unknown_layout_leaves_nothing_behind(
    http: httpx.AsyncClient, host: FakeHost
) -> None:
    refused = await http.post("/v1/rooms", json={"name": "a", "layout": "pyramid"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "invalid_layout")
    assert host.processes == {}


async def test_a_room_that_comes_back_is_waited_for(http: httpx.AsyncClient, host: FakeHost) -> None:
    await http.post("/v1/rooms", json={"name": "a", "max_participants": 7})
    first = (await http.get("/v1/rooms/a")).json()
    host.kill("a")
    second = (await http.get("/v1/rooms/a")).json()
    assert second["instance"] != first["instance"]
    host.kill("a")
    joined = await http.post("/v1/rooms/a/participants", content=OFFER, headers=SDP)
    assert joined.status_code == 201
    third = (await http.get("/v1/rooms/a")).json()
    assert (third["max_participants"], third["participants"]) == (7, 1)
    assert host.opened == 3


async def test_closing_a_room_that_is_coming_back_closes_it(http: httpx.AsyncClient, host: FakeHost) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    host.kill("a")
    assert (await http.delete("/v1/rooms/a")).status_code == 204
    assert (await http.get("/v1/rooms/a")).status_code == 404
    assert host.processes == {}


async def test_a_room_of_the_same_name_waits_for_the_end_of_the_former(http: httpx.AsyncClient, host: FakeHost) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    former = host.ref("a")
    host.tell("a", RoomEnding(reason="empty"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    joining = asyncio.create_task(http.post("/v1/rooms/a/participants", content=OFFER, headers=SDP))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not joining.done()
    host.kill("a")
    assert (await joining).status_code == 201
    assert host.ref("a") != former
