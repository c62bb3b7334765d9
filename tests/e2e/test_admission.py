"""A machine that is full says so, and is no longer full when somebody has left: real rooms, real participants."""

from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from api.costs import cost_of
from mcu.media import VideoCodec
from mcu.messages import Demand, Load
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import Synthetic
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.beside, pytest.mark.timeout(110)]


def cores_for(people: int, *, recording: bool = False) -> float:
    """Of a room of people with a camera and a microphone, as ``Synthetic`` has them."""
    person = Demand(id="", microphone=True, camera=True, on_stage=True, codec=VideoCodec.H264)
    people_here = tuple(person.model_copy(update={"id": str(n)}) for n in range(people))
    return cost_of(Load(demands=people_here, recording=recording)).cores


@pytest.fixture
def server() -> Iterator[Server]:
    # One size of the mix: a second, for somebody whose packets a busy machine loses, would cost another encoder.
    service = Server(capacity_cores=cores_for(2) + cores_for(0) + 0.001, shutdown="keep", video_rungs=1)
    yield service.start()
    service.close()


def refused(server: Server, code: str, path: str) -> None:
    answer = server.http.post(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, code)


def assert_turned_away(person: Synthetic) -> None:
    with pytest.raises(httpx.HTTPStatusError) as error:
        person.join("a", "Cleo")
    person.leave()
    answer = error.value.response
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "no_capacity_participant")
    assert "cores are needed and" in answer.json()["error"]["message"]


def test_the_third_waits_until_one_has_left_also_over_a_restart_of_the_service(server: Server) -> None:
    with (
        closing(Synthetic(server.url)) as ada,
        closing(Synthetic(server.url)) as ben,
        closing(Synthetic(server.url)) as cleo,
    ):
        ada.join("a", "Ada")
        ben.join("a", "Ben")
        ada.see()
        assert server.metric("tutti_capacity_cores") == pytest.approx(cores_for(2) + cores_for(0) + 0.001)
        used = server.metric("tutti_capacity_used_cores")

        assert_turned_away(cleo)
        refused(server, "no_capacity_recording", "/v1/rooms/a/recordings")
        assert server.metric("tutti_refused_participants_total") == 1
        assert server.metric("tutti_refused_recordings_total") == 1

        assert server.stop() == 0
        server.start()  # the room went on; what it bears is not forgotten
        wait_for(
            lambda: server.metric("tutti_capacity_used_cores") >= used - 1e-6, timeout_s=10, what="the room to be heard"
        )
        assert_turned_away(cleo)

        ada.leave()
        wait_for(lambda: len(server.get("/v1/rooms/a/participants")["participants"]) == 1, timeout_s=10, what="a leave")
        cleo.join("a", "Cleo")
        cleo.see()


def test_without_limits_nothing_is_refused() -> None:
    server = Server(capacity_cores=0, capacity_memory_mb=0).start()
    try:
        for n in range(3):
            server.open_room(f"r{n}")
        assert server.metric("tutti_capacity_cores") == float("inf")
        assert server.metric("tutti_capacity_used_memory_mb") > 0
    finally:
        server.close()
