"""Somebody whose only way to the server is a TURN relay."""

from collections.abc import Iterator

import pytest

from tests.e2e.support.chromium import Chromium
from tests.e2e.support.media import RED
from tests.e2e.support.server import Server
from tests.e2e.support.tiles import box_of, is_near
from tests.e2e.support.turn import SECRET, TurnServer
from tests.e2e.support.waiting import wait_for
from tests.unit.rtc.test_sdp import CHROMIUM

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]


@pytest.fixture(scope="module")
def turn() -> Iterator[TurnServer]:
    relay = TurnServer()
    yield relay
    relay.close()


def test_a_relayed_participant_sees_the_mix(server: Server, red: Chromium, turn: TurnServer, room: str) -> None:
    relayed_only: dict[str, object] = {
        "iceTransportPolicy": "relay",
        "iceServers": [{"urls": turn.url, **turn.credentials()}],
    }
    red.open(f"{server.url}/healthz")
    try:
        red.join(room, "Far away", ice=relayed_only)

        def seen() -> bool:
            picture = red.frame()
            return picture is not None and is_near(box_of(picture, RED), (0, 0, 1280, 720))

        wait_for(seen, timeout_s=20, what="the own picture, back from the mix")
        reports = {report["id"]: report for report in red.call("stats")}
        transport = next(report for report in reports.values() if report["type"] == "transport")
        pair = reports[transport["selectedCandidatePairId"]]
        assert reports[pair["localCandidateId"]]["candidateType"] == "relay"
        assert "ALLOCATE processed, success" in turn.said()
    finally:
        red.leave()
        red.open("about:blank")


def test_the_service_relays_too_with_credentials_of_its_own(turn: TurnServer) -> None:
    server = Server(server_ice_servers=turn.url, turn_secret=SECRET).start()
    try:
        headers = {"Content-Type": "application/sdp"}
        answer = server.http.post("/v1/rooms/a/participants", content=CHROMIUM, headers=headers)
        assert answer.status_code == 201
        assert " typ relay" in answer.text
        server.http.delete("/v1/rooms/a")
    finally:
        server.close()
