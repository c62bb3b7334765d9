"""What is wanted for one participant, and what the canvas shows beside the tiles, over HTTP."""

import base64

import httpx
import pytest
from fastapi import FastAPI

from api.app import running
from api.settings import Settings
from mcu.messages import TileBox, TileMove, TilesMoved
from tests.unit.api.conftest import OFFER, SDP, assemble_fake, client_of
from tests.unit.api.fake_host import FakeHost
from tests.unit.api.listener import Listener
from tests.unit.api.test_bad_input import error_of

pytestmark = pytest.mark.unit

OVERLAY = "/v1/rooms/a/overlay"
PICTURE = b"\x89PNG and so on"
BASE64 = base64.b64encode(PICTURE).decode()


@pytest.fixture
async def person(http: httpx.AsyncClient) -> str:
    """Where somebody can be changed."""
    joined = await http.post("/v1/rooms/a/participants?name=Ada", content=OFFER, headers=SDP)
    return joined.headers["Location"]


# --- one participant --------------------------------------------------------------------------------------------------


async def test_somebody_is_pinned_hidden_and_ordered(http: httpx.AsyncClient, person: str) -> None:
    told = (await http.patch(person, json={"pinned": True, "order": 3})).json()
    assert (told["name"], told["pinned"], told["order"], told["hidden"]) == ("Ada", True, 3, False)
    told = (await http.patch(person, json={"hidden": True, "spotlight": True})).json()
    assert (told["pinned"], told["order"], told["hidden"], told["spotlight"]) == (True, 3, True, True)
    told = (await http.patch(person, json={"order": None, "pinned": False})).json()
    assert (told["pinned"], told["order"], told["hidden"]) == (False, None, True)
    assert (await http.patch(person, json={})).json() == told


async def test_one_participant_is_told_with_their_delays(http: httpx.AsyncClient, person: str) -> None:
    told = (await http.get(person)).json()
    (listed,) = (await http.get("/v1/rooms/a/participants")).json()["participants"]
    assert told.pop("delays") == {"sound": {"mix": {"count": 3, "p50_ms": 1, "p95_ms": 2}}}
    assert told == listed
    assert error_of(await http.get(person + "x")) == (404, "unknown_participant")
    assert error_of(await http.get("/v1/rooms/elsewhere/participants/x")) == (404, "room_not_found")


async def test_somebody_is_made_softer_or_silent(http: httpx.AsyncClient, host: FakeHost, person: str) -> None:
    told = (await http.patch(person, json={"gain_db": -6})).json()
    assert (told["gain_db"], told["silenced"]) == (-6, False)
    assert (await http.patch(person, json={"muted": True, "pinned": True})).json()["pinned"]
    (told,) = (await http.get("/v1/rooms/a/participants")).json()["participants"]
    assert (told["gain_db"], told["silenced"]) == (-6, True)
    assert [(asked.gain_db, asked.muted) for asked in host.room("a").audio] == [(-6, None), (None, True)]


@pytest.mark.parametrize(
    "body",
    [
        {"pinned": "yes"},
        {"pinned": 1},
        {"order": -1},
        {"order": 1.5},
        {"order": 10**9},
        {"gain_db": 21},
        {"gain_db": -41},
        {"gain_db": "loud"},
        {"gain_db": True},
        {"volume": 1},
        [],
    ],
)
async def test_wishes_that_cannot_be(http: httpx.AsyncClient, person: str, body: object) -> None:
    assert error_of(await http.patch(person, json=body)) == (422, "invalid_request")


@pytest.mark.parametrize("body", [b"", b"{", b'{"gain_db": NaN}', b'{"gain_db": 1e999}', b"\xff"])
async def test_bodies_that_are_no_wishes(http: httpx.AsyncClient, person: str, body: bytes) -> None:
    refused = await http.patch(person, content=body, headers={"Content-Type": "application/json"})
    assert error_of(refused) == (422, "invalid_request")


async def test_nobody_is_not_changed(http: httpx.AsyncClient, person: str) -> None:
    nobody = person.rsplit("/", 1)[0] + "/nobody"
    for body in ({"pinned": True}, {"muted": True}, {}):
        assert error_of(await http.patch(nobody, json=body)) == (404, "unknown_participant")
    elsewhere = "/v1/rooms/elsewhere/participants/nobody"
    assert error_of(await http.patch(elsewhere, json={"pinned": True})) == (404, "room_not_found")


# --- the overlay ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:;base64,"])
async def test_an_overlay_reaches_the_room_and_can_be_read(
    http: httpx.AsyncClient, host: FakeHost, prefix: str
) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    asked = {"title": "Board", "clock": True, "logo": prefix + BASE64, "logo_opacity": 0.5}
    put = await http.put(OVERLAY, json=asked)
    assert put.status_code == 200
    shown = host.room("a").overlay
    assert shown is not None
    assert (shown.title, shown.clock, shown.logo, shown.logo_opacity) == ("Board", True, PICTURE, 0.5)
    assert shown.background_image is None
    read = (await http.get(OVERLAY)).json()
    assert read == put.json()
    assert read.items() >= asked.items()
    assert (await http.put(OVERLAY, json=read)).json() == read


async def test_what_is_left_out_is_taken_away(http: httpx.AsyncClient, host: FakeHost) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    nothing = (await http.get(OVERLAY)).json()
    await http.put(OVERLAY, json={"title": "Board", "logo": BASE64})
    assert (await http.put(OVERLAY, json={})).json() == nothing
    shown = host.room("a").overlay
    assert shown is not None
    assert (shown.title, shown.logo) == ("", None)


async def test_an_overlay_survives_a_crash_and_ends_with_the_room(http: httpx.AsyncClient, host: FakeHost) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    await http.put(OVERLAY, json={"banner": "recorded", "logo": BASE64})
    before = host.room("a").overlay
    host.kill("a")
    assert (await http.get(OVERLAY)).json()["banner"] == "recorded"
    assert host.opened == 2
    joined = await http.post("/v1/rooms/a/participants", content=OFFER, headers=SDP)
    assert joined.status_code == 201
    assert host.room("a").overlay == before

    await http.delete("/v1/rooms/a")
    assert error_of(await http.get(OVERLAY)) == (404, "room_not_found")
    await http.post("/v1/rooms", json={"name": "a"})
    assert (await http.get(OVERLAY)).json()["banner"] == ""
    assert host.room("a").overlay is None


async def test_an_overlay_survives_the_service(settings: Settings, host: FakeHost) -> None:
    keeping = settings.model_copy(update={"shutdown": "keep"})
    before = assemble_fake(keeping, host)
    async with running(before.state.services), client_of(before) as http:
        for name in ("a", "b"):
            await http.post("/v1/rooms", json={"name": name})
            await http.put(f"/v1/rooms/{name}/overlay", json={"title": name})
    host.kill("b")  # while nobody looks
    after = assemble_fake(keeping, host)
    async with running(after.state.services), client_of(after) as http:
        assert (await http.get(OVERLAY)).json()["title"] == "a"
        await http.post("/v1/rooms", json={"name": "b"})
        assert (await http.get("/v1/rooms/b/overlay")).json()["title"] == ""


@pytest.mark.parametrize(
    ("overlay", "code"),
    [
        ({"logo": "no picture!"}, "invalid_style"),
        ({"logo": "data:image/png;base64,###"}, "invalid_style"),
        ({"logo": "data:image/png,abc"}, "invalid_style"),
        ({"background_image": "https://example.org/x.png"}, "invalid_style"),
        ({"logo": "\u00e9"}, "invalid_style"),
        ({"background": "colourless"}, "invalid_style"),
        ({"logo": 1}, "invalid_request"),
        ({"logo_opacity": "half"}, "invalid_request"),
        ({"surprise": 1}, "invalid_request"),
        ([], "invalid_request"),
        (None, "invalid_request"),
    ],
)
async def test_overlays_that_cannot_be(http: httpx.AsyncClient, host: FakeHost, overlay: object, code: str) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    await http.put(OVERLAY, json={"title": "before"})
    assert error_of(await http.put(OVERLAY, json=overlay)) == (422, code)
    assert (await http.get(OVERLAY)).json()["title"] == "before"
    shown = host.room("a").overlay
    assert shown is not None
    assert shown.title == "before"


async def test_an_overlay_beyond_the_limit(http: httpx.AsyncClient) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    limit = 6 * 1024 * 1024
    for size, status in {limit + 1: 413, limit: 422}.items():
        refused = await http.put(OVERLAY, content=b"x" * size, headers={"Content-Type": "application/json"})
        assert error_of(refused)[0] == status


# --- tiles ------------------------------------------------------------------------------------------------------------


async def test_listeners_know_where_the_tiles_are(
    app: FastAPI, http: httpx.AsyncClient, host: FakeHost, person: str
) -> None:
    id_ = person.rsplit("/", 1)[1]
    left, whole = TileBox(x=0, y=0, width=0.5, height=1), TileBox(x=0, y=0, width=1, height=1)
    box = whole.model_dump()
    async with Listener(app, "a") as listener:
        state = await listener.next()
        assert state["tiles"]["tiles"] == [{"id": id_, "start": box, "end": box}]
        assert state["tiles"].keys() == {"media_time", "begins_at", "duration", "tiles"}
        moved = TilesMoved(media_time=5, begins_at=6, duration=0.25, tiles=(TileMove(id=id_, start=whole, end=left),))
        host.tell("a", moved)
        told = await listener.next()
        assert told == {
            "type": "tiles",
            "media_time": 5,
            "begins_at": 6,
            "duration": 0.25,
            "tiles": [{"id": id_, "start": box, "end": left.model_dump()}],
        }
        await http.put("/v1/rooms/a/layout", json={"custom": {"slots": []}, "options": {"gap": 2}})
        assert await listener.next() == {"type": "layout", "layout": "custom", "options": {"gap": 2}}
