"""What pages, probes and Prometheus ask."""

import re

import httpx
import pytest
from prometheus_client import generate_latest
from pydantic import SecretStr

from api.app import running
from api.metrics import Metrics, RoomTotals
from api.settings import Settings
from mcu.messages import DelayHistogram, IceServer, RoomConfig, RoomState
from tests.unit.api.conftest import OFFER, SDP, assemble_fake, client_of
from tests.unit.api.fake_host import FakeHost

pytestmark = pytest.mark.unit


async def test_a_page_learns_what_it_needs(settings: Settings, host: FakeHost) -> None:
    changed = {"ice_servers": (IceServer(urls=("turn:t",)),), "turn_secret": SecretStr("s"), "max_participants": 9}
    app = assemble_fake(settings.model_copy(update=changed), host)
    async with running(app.state.services), client_of(app) as http:
        first, second = [(await http.get("/v1/config")).json() for _ in range(2)]
    assert first["max_participants"] == 9
    assert {"grid", "speaker"} <= set(first["layouts"])
    assert first["ice_servers"][0]["urls"] == ["turn:t"]
    assert first["ice_servers"][0]["credential"]
    assert first["ice_servers"][0]["username"] != second["ice_servers"][0]["username"]


async def test_the_service_says_that_it_lives(http: httpx.AsyncClient) -> None:
    await http.post("/v1/rooms", json={"name": "a"})
    health = (await http.get("/healthz")).json()
    assert (health["status"], health["rooms"]) == ("ok", 1)


async def test_rooms_are_added_up_for_prometheus(http: httpx.AsyncClient) -> None:
    for name in ("a", "b"):
        await http.post(f"/v1/rooms/{name}/participants", content=OFFER, headers=SDP)
    lines = (await http.get("/metrics")).text.splitlines()
    assert "tutti_rooms 2.0" in lines
    assert "tutti_participants 2.0" in lines
    assert "tutti_frames_total 14.0" in lines
    assert "tutti_tick_lateness_ms_p95 1.5" in lines
    labels = 'method="POST",route="/v1/rooms/{room}/participants",status="201"'
    assert f"tutti_http_requests_total{{{labels}}} 2.0" in lines


def _delayed(instance: str, room: str, *counts: int) -> RoomState:
    histogram = DelayHistogram(bounds_s=(0.005, 0.01), counts=counts, sum_s=0.25)
    delays = {"picture": {"encode": histogram}}
    return RoomState(config=RoomConfig(name=room), instance=instance, created_at=0, layout="grid", delays=delays)


def test_delays_are_histograms_by_room_and_stage_and_end_with_the_room() -> None:
    metrics = Metrics()
    metrics.rooms.update([_delayed("i", "a", 3, 2, 1), _delayed("j", "b", 0, 0, 9)], alive={"i", "j"})
    lines = generate_latest(metrics.registry).decode().splitlines()
    labels = 'media="picture",room="a",stage="encode"'
    assert [line for line in lines if line.startswith("tutti_delay_seconds") and 'room="a"' in line] == [
        f'tutti_delay_seconds_bucket{{le="0.005",{labels}}} 3.0',
        f'tutti_delay_seconds_bucket{{le="0.01",{labels}}} 5.0',
        f'tutti_delay_seconds_bucket{{le="+Inf",{labels}}} 6.0',
        f"tutti_delay_seconds_count{{{labels}}} 6.0",
        f"tutti_delay_seconds_sum{{{labels}}} 0.25",
    ]
    assert "# TYPE tutti_delay_seconds histogram" in lines
    metrics.rooms.update([_delayed("i", "a", 3, 2, 1)], alive={"i", "j"})  # the other is silent, not gone
    assert 'room="b"' in generate_latest(metrics.registry).decode()
    metrics.rooms.update([_delayed("i", "a", 3, 2, 1)], alive={"i"})
    assert 'room="b"' not in generate_latest(metrics.registry).decode()


def _told(instance: str, **metrics: float) -> RoomState:
    labelled = {key.replace("__late", '{reason="late"}'): value for key, value in metrics.items()}
    config = RoomConfig(name=instance)
    return RoomState(config=config, instance=instance, created_at=0, layout="grid", metrics=labelled)


def test_counters_never_fall_and_the_worst_duration_shows() -> None:
    totals = RoomTotals()
    a = _told("a", tutti_dropped_total__late=3, tutti_encode_ms=4, tutti_encoders=1)
    b = _told("b", tutti_encode_ms=9, tutti_encoders=2, tutti_limiter_gain=0.5)
    totals.update([a, b], alive={"a", "b"})
    both = {'tutti_dropped_total{reason="late"}': 3, "tutti_encode_ms": 9, "tutti_encoders": 3}
    assert totals.totals() == both | {"tutti_limiter_gain": 0.5}

    b = _told("b", tutti_dropped_total__late=1, tutti_encode_ms=2, tutti_encode_ms_sum=8, tutti_limiter_gain=1)
    totals.update([b], alive={"b"})
    samples = [(s.name, s.labels, s.value) for family in totals.collect() for s in family.samples]
    assert ("tutti_dropped_total", {"reason": "late"}, 4) in samples
    assert ("tutti_encode_ms", {}, 2) in samples
    assert ("tutti_encode_ms_sum", {}, 8) in samples
    assert ("tutti_rooms", {}, 1) in samples


def test_a_room_that_is_silent_for_a_moment_is_not_counted_twice() -> None:
    totals = RoomTotals()
    for states in ([_told("a", tutti_frames_total=3)], [], [_told("a", tutti_frames_total=4)]):
        totals.update(states, alive={"a"})
    assert totals.totals() == {"tutti_frames_total": 4}


async def test_the_api_page_is_whole_without_the_internet(http: httpx.AsyncClient) -> None:
    page = (await http.get("/docs")).text
    linked = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert len(linked) >= 3
    for address in linked:
        assert address.startswith("/"), f"{address} is on another host"
        assert (await http.get(address)).status_code == 200


async def test_the_api_describes_itself(http: httpx.AsyncClient) -> None:
    described = (await http.get("/openapi.json")).json()
    join = described["paths"]["/v1/rooms/{room}/participants"]["post"]
    assert "application/sdp" in join["requestBody"]["content"]
    assert "application/sdp" in join["responses"]["201"]["content"]
    assert "room_full" in join["responses"]["409"]["description"]
    for path, calls in described["paths"].items():
        for method, call in calls.items():
            assert call.get("description"), f"{method} {path} says nothing about itself"


async def test_a_crawler_cannot_make_metrics_grow(http: httpx.AsyncClient) -> None:
    for number in range(5):
        await http.get(f"/wp-admin/{number}")
    text = (await http.get("/metrics")).text
    assert "wp-admin" not in text
