"""What listeners are told, whatever becomes of the room."""

import httpx
import pytest
from fastapi import FastAPI

from api.rooms.feed import STALE, Feed, FeedEndedError
from mcu.messages import ActiveSpeaker, OverloadChanged, RoomEnding
from tests.unit.api.conftest import OFFER, SDP
from tests.unit.api.fake_host import FakeHost
from tests.unit.api.listener import Listener

pytestmark = pytest.mark.unit


async def test_the_state_comes_first_and_then_what_changes(app: FastAPI, http: httpx.AsyncClient) -> None:
    await http.post("/v1/rooms/a/participants?name=Ada", content=OFFER, headers=SDP)
    async with Listener(app, "a") as listener:
        state = await listener.next()
        assert state["type"] == "state"
        assert state["room"]["name"] == "a"
        assert [p["name"] for p in state["participants"]] == ["Ada"]

        await http.post("/v1/rooms/a/participants?name=Bo", content=OFFER, headers=SDP)
        joined = await listener.next()
        assert (joined["type"], joined["participant"]["name"]) == ("participant_joined", "Bo")
        await http.put("/v1/rooms/a/layout", json={"layout": "speaker"})
        changed = await listener.next()
        assert (changed["type"], changed["layout"]) == ("layout", "speaker")
        await http.delete(f"/v1/rooms/a/participants/{joined['participant']['id']}")
        assert (await listener.next())["reason"] == "left"


async def test_overload_is_told_to_who_is_there_and_to_who_comes(
    app: FastAPI, http: httpx.AsyncClient, host: FakeHost
) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    async with Listener(app, "a") as listener:
        assert (await listener.next())["overload"] is None
        host.room("a").overload = overload = OverloadChanged(level=3, fps=15, width=640)
        host.tell("a", overload)
        assert await listener.next() == {"type": "overload", "level": 3, "fps": 15, "width": 640}
    async with Listener(app, "a") as listener:
        assert (await listener.next())["overload"] == {"level": 3, "fps": 15, "width": 640}


async def test_an_unknown_room_is_refused_before_the_handshake(app: FastAPI) -> None:
    async with Listener(app, "nobody") as listener:
        assert await listener.next() == {"status": 404}
    async with Listener(app, "x" * 101) as listener:
        assert await listener.next() == {"status": 422}


async def test_a_lost_room_is_told_and_its_next_life_shown(
    app: FastAPI, http: httpx.AsyncClient, host: FakeHost
) -> None:
    await http.post("/v1/rooms", json={"name": "a", "max_participants": 7})
    await http.put("/v1/rooms/a/layout", json={"layout": "speaker"})
    async with Listener(app, "a") as listener:
        first = await listener.next()
        host.kill("a")
        assert await listener.next() == {"type": "room_lost"}
        second = await listener.next()

    assert second["type"] == "state"
    assert second["room"]["instance"] != first["room"]["instance"]
    assert (second["room"]["max_participants"], second["room"]["layout"]) == (7, "speaker")
    assert (await http.get("/v1/rooms/a")).json()["instance"] == second["room"]["instance"]


async def test_a_room_that_keeps_crashing_is_given_up(app: FastAPI, http: httpx.AsyncClient, host: FakeHost) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    async with Listener(app, "a") as listener:
        await listener.next()
        for _ in range(3):
            host.kill("a")
            assert await listener.types(2) == ["room_lost", "state"]
        host.kill("a")
        assert await listener.next() == {"type": "room_lost"}
        assert await listener.next() == {"type": "room_ending", "reason": "crashed"}
        assert await listener.next() == {"close": 1000}
    assert (await http.get("/v1/rooms/a")).status_code == 404


async def test_a_room_that_ends_by_itself_lets_its_listeners_go(
    app: FastAPI, http: httpx.AsyncClient, host: FakeHost
) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    async with Listener(app, "a") as listener:
        await listener.next()
        host.tell("a", RoomEnding(reason="empty"))
        host.kill("a")
        assert await listener.next() == {"type": "room_ending", "reason": "empty"}
        assert await listener.next() == {"close": 1000}
    assert host.opened == 1


async def test_every_listener_is_counted_and_their_number_bounded(app: FastAPI, http: httpx.AsyncClient) -> None:
    services = app.state.services
    await http.post("/v1/rooms", json={"name": "a"})
    async with Listener(app, "a") as one, Listener(app, "a") as two:
        assert (await one.next())["type"] == (await two.next())["type"] == "state"
        assert services.feeds.clients == 2
    assert services.feeds.clients == 0


async def test_a_slow_listener_loses_steps_but_not_the_outcome() -> None:
    feed = Feed(bound=3)
    for number in range(4):
        feed.put({"number": number})
    feed.put({"number": 4})
    feed.end()

    assert await feed.get() is STALE
    assert await feed.get() == {"number": 4}
    with pytest.raises(FeedEndedError):
        await feed.get()
    assert feed.dropped == 4


async def test_silence_is_broken_by_a_heartbeat(
    app: FastAPI, http: httpx.AsyncClient, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.events.HEARTBEAT_S", 0.01)
    await http.post("/v1/rooms", json={"name": "a"})
    async with Listener(app, "a") as listener:
        assert await listener.types(3) == ["state", "heartbeat", "heartbeat"]
        host.tell("a", ActiveSpeaker(participant_id="p"))
        seen = [await listener.next() for _ in range(3)]
    assert {"type": "active_speaker", "participant_id": "p"} in seen


async def test_what_a_client_says_changes_nothing(app: FastAPI, http: httpx.AsyncClient) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    async with Listener(app, "a") as listener, Listener(app, "a") as other:
        await listener.next()
        await other.next()
        for text in ("", "{}", '{"type": "close"}', "[" * 50_000, "\x00\ud800", "x" * 60_000):
            listener.say(text=text)
        for data in (b"", b"\xff" * 60_000, b"\x88\x02\x03\xe8"):
            listener.say(bytes=data)
        await http.put("/v1/rooms/a/layout", json={"layout": "speaker"})
        for one in (listener, other):
            assert (await one.next())["layout"] == "speaker"
