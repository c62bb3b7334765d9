"""What a service says that is full: over all its rooms, by kind, and not for longer than it lasts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from api.app import running
from api.costs import Cost, cost_of
from api.settings import Settings
from mcu.messages import Load
from tests.unit.api.conftest import SDP, assemble_fake, client_of
from tests.unit.api.fake_host import FakeHost
from tests.unit.api.test_costs import room

pytestmark = pytest.mark.unit

OFFER = (Path(__file__).parents[1] / "rtc" / "offers" / "chromium.sdp").read_bytes()  # camera, sound, H.264
PLENTY_MB = 10_000.0

Services = Callable[[Cost], AbstractAsyncContextManager[tuple[httpx.AsyncClient, FakeHost]]]


@pytest.fixture
def services(settings: Settings) -> Services:
    @asynccontextmanager
    async def of(capacity: Cost) -> AsyncIterator[tuple[httpx.AsyncClient, FakeHost]]:
        host = FakeHost(capacity)
        application = assemble_fake(settings.model_copy(update={"max_sdp_bytes": 100_000}), host)
        async with running(application.state.services), client_of(application) as http:
            yield http, host

    return of


def cores_for(*loads: Load) -> Cost:
    return Cost(sum(cost_of(load).cores for load in loads), PLENTY_MB)


async def join(http: httpx.AsyncClient, name: str) -> httpx.Response:
    return await http.post(f"/v1/rooms/{name}/participants", content=OFFER, headers=SDP)


def code_of(refused: httpx.Response) -> str:
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 2  # somebody has to leave first
    return str(refused.json()["error"]["code"])


async def test_one_participant_too_many_waits_until_another_has_left(services: Services) -> None:
    async with services(cores_for(room(2))) as (http, host):
        first, second = await join(http, "a"), await join(http, "a")
        refused = await join(http, "a")
        assert code_of(refused) == "no_capacity_participant"
        assert "cores are needed and 0.000 of" in refused.json()["error"]["message"]
        assert len(host.room("a").people) == 2
        assert (await http.delete(second.headers["Location"])).status_code == 204
        assert (await join(http, "a")).status_code == first.status_code == 201


async def test_all_rooms_count(services: Services) -> None:
    async with services(cores_for(room(2), room(1))) as (http, _):
        assert [(await join(http, name)).status_code for name in "aba"] == [201, 201, 201]
        assert code_of(await join(http, "b")) == "no_capacity_participant"


async def test_a_room_in_which_nobody_has_a_place_is_not_opened_by_joining(services: Services) -> None:
    async with services(cores_for(room(1), room(0))) as (http, host):
        assert (await join(http, "a")).status_code == 201
        assert code_of(await join(http, "b")) == "no_capacity_room"
        assert host.ref("b") is None


async def test_an_empty_room_costs_next_to_nothing_but_not_nothing(services: Services) -> None:
    async with services(cores_for(room(0), room(0))) as (http, _):
        made = [await http.post("/v1/rooms", json={"name": name}) for name in "abc"]
        assert [each.status_code for each in made] == [201, 201, 503]
        assert code_of(made[2]) == "no_capacity_room"
        assert (await http.delete("/v1/rooms/a")).status_code == 204
        assert (await http.post("/v1/rooms", json={"name": "c"})).status_code == 201


async def test_a_recording_too_many_is_refused_before_it_begins(services: Services) -> None:
    async with services(cores_for(room(1, recording=True), room(1))) as (http, host):
        for name in "ab":
            await join(http, name)
        assert (await http.post("/v1/rooms/a/recordings")).status_code == 201
        host.record("a")
        refused = await http.post("/v1/rooms/b/recordings")
        assert code_of(refused) == "no_capacity_recording"
        assert (await http.get("/v1/recordings?room=b")).json() == {"recordings": []}
        again = await http.post("/v1/rooms/a/recordings")
        assert again.json()["error"]["code"] == "recording_conflict"  # as ever: it would cost nothing more


async def test_memory_counts_as_processors_do(services: Services) -> None:
    async with services(Cost(100, cost_of(room(1)).memory_mb)) as (http, _):
        assert (await join(http, "a")).status_code == 201
        refused = await join(http, "a")
        assert code_of(refused) == "no_capacity_participant"
        assert "MB of memory are needed" in refused.json()["error"]["message"]


async def test_a_burst_fills_the_machine_and_no_more(services: Services) -> None:
    async with services(cores_for(room(3))) as (http, host):
        answers = await asyncio.gather(*(join(http, "a") for _ in range(10)))
        assert [each.status_code for each in answers].count(201) == 3
        assert len(host.room("a").people) == 3


async def test_a_room_that_was_lost_comes_back_into_a_full_machine(services: Services) -> None:
    async with services(cores_for(room(1), room(0))) as (http, host):
        await http.post("/v1/rooms", json={"name": "lost"})
        assert (await join(http, "a")).status_code == 201
        first = (await http.get("/v1/rooms/lost")).json()["instance"]
        host.admission.capacity = Cost(0.001, 1)  # less than before, after a restart with other settings
        host.kill("lost")
        assert (await http.get("/v1/rooms/lost")).json()["instance"] != first
        assert code_of(await join(http, "a")) == "no_capacity_participant"
