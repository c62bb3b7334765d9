"""The service as it is run: its process, its sockets, its end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.support.chromium import executable
from tests.e2e.support.server import TUTTI, Server
from tests.e2e.support.synthetic import Synthetic
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.beside, pytest.mark.timeout(90)]


@pytest.fixture
def service() -> Iterator[Server]:
    server = Server()
    yield server.start()
    server.close()


def listen(server: Server, room: str) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{server.port}/v1/rooms/{room}/events", open_timeout=10)


def heard(listener: ClientConnection) -> dict[str, Any]:
    while True:
        event: dict[str, Any] = json.loads(listener.recv(timeout=15))
        if event["type"] != "heartbeat":
            return event


def test_listeners_are_told_of_a_killed_room_and_shown_the_new_one(service: Server) -> None:
    service.open_room("a", max_participants=7)
    with listen(service, "a") as listener:
        first = heard(listener)
        service.room_process("a").kill()
        assert heard(listener) == {"type": "room_lost"}
        second = heard(listener)
    assert first["room"]["instance"] != second["room"]["instance"]
    assert second["room"]["max_participants"] == 7
    assert service.http.get("/healthz").status_code == 200


def test_sigterm_closes_rooms_and_tells_listeners(service: Server) -> None:
    service.open_room("a")
    rooms = service.room_processes()
    with listen(service, "a") as listener:
        heard(listener)
        assert service.stop() == 0
        with pytest.raises(ConnectionClosed) as closed:
            heard(listener)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012  # service restart: come back
    wait_for(lambda: not any(room.is_running() for room in rooms), timeout_s=10, what="the rooms' end")
    assert "Traceback" not in service.said()


def test_ctrl_c_ends_it_as_well(service: Server) -> None:
    os.kill(service.process.pid, signal.SIGINT)
    assert service.process.wait(20) in {0, None}
    assert "Traceback" not in service.said()


def test_rooms_can_be_kept_over_a_restart() -> None:
    server = Server(shutdown="keep")
    try:
        server.start()
        server.open_room("a", max_participants=7)
        instance = server.get("/v1/rooms/a")["instance"]
        assert server.stop() == 0
        server.start()
        room = server.get("/v1/rooms/a")
        assert (room["instance"], room["max_participants"]) == (instance, 7)
        assert server.http.delete("/v1/rooms/a").status_code == 204
    finally:
        server.close()


def test_an_empty_room_ends_by_itself() -> None:
    server = Server(empty_room_grace_s=0.5)
    try:
        server.start()
        server.open_room("a")
        with listen(server, "a") as listener:
            heard(listener)
            assert heard(listener) == {"type": "room_ending", "reason": "empty"}
        assert server.http.get("/v1/rooms/a").status_code == 404
    finally:
        server.close()


def test_a_second_service_on_the_same_folder_says_so(service: Server) -> None:
    other = subprocess.run(
        [str(TUTTI), "serve", "--port", "0", "--data-dir", str(service.data_dir)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert other.returncode == 1
    assert other.stderr.strip().splitlines()[-1].startswith("tutti: another service is running on ")
    assert "Traceback" not in other.stderr


def test_a_port_that_is_taken_is_said(service: Server, tmp_path: Path) -> None:
    other = subprocess.run(
        [str(TUTTI), "serve", "--port", str(service.port), "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert other.returncode == 1
    assert other.stderr.strip().endswith(f"port {service.port}: Address already in use")
    assert "Traceback" not in other.stderr


def test_a_huge_body_is_refused_before_it_is_read(service: Server) -> None:
    with closing(socket.create_connection(("127.0.0.1", service.port), 10)) as client:
        head = "POST /v1/rooms/a/participants HTTP/1.1\r\nHost: x\r\nContent-Type: application/sdp\r\n"
        client.sendall(f"{head}Content-Length: 1000000000000\r\n\r\n".encode())
        answer = client.recv(65536)
        while chunk := client.recv(65536):  # and it hangs up
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"payload_too_large" in answer


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/rooms/../../etc/passwd", 404),
        ("/static/../app.py", 404),
        ("/static/%2e%2e/%2e%2e/pyproject.toml", 404),
        ("/v1/rooms/%ff", 400),
        ("/v1/rooms/\xff", 400),
    ],
)
def test_raw_addresses(service: Server, path: str, status: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", service.port), 10)) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
        assert client.recv(65536).startswith(f"HTTP/1.1 {status} ".encode())


def test_offers_that_make_no_sense_to_a_real_room(service: Server) -> None:
    bodies = [b"", b"hello", b"v=0\r\n", b"\xff\xfe", b"m=audio 9 X 0\r\n", b"v=0\r\n" * 1000, b"m=" * 50_000]
    for body in bodies:
        refused = service.http.post(
            "/v1/rooms/a/participants", content=body, headers={"Content-Type": "application/sdp"}
        )
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_offer"), body[:20]
    assert service.get("/v1/rooms/a")["participants"] == 0


def test_one_more_than_a_real_room_holds(service: Server) -> None:
    service.open_room("small", max_participants=1)
    guest, late = Synthetic(service.url, sends=False), Synthetic(service.url, sends=False)
    try:
        guest.join("small", "First")
        with pytest.raises(httpx.HTTPStatusError) as refused:
            late.join("small", "Late")
        assert (refused.value.response.status_code, refused.value.response.json()["error"]["code"]) == (
            409,
            "room_full",
        )
        people = service.get("/v1/rooms/small/participants")["participants"]
        assert [person["name"] for person in people] == ["First"]
    finally:
        guest.close()
        late.close()


def test_whoever_is_made_to_leave_is_gone(service: Server) -> None:
    guest = Synthetic(service.url, sends=False)
    try:
        service.open_room("a")
        with listen(service, "a") as listener:
            heard(listener)
            guest.join("a", "Guest")
            joined = heard(listener)
            assert (joined["type"], joined["participant"]["name"]) == ("participant_joined", "Guest")
            id_ = joined["participant"]["id"]
            assert service.http.delete(f"/v1/rooms/a/participants/{id_}").status_code == 204
            left = {"type": "participant_left", "participant_id": id_, "reason": "left"}
            assert left in (heard(listener) for _ in range(10))  # after the tiles that made room for the guest
        assert service.http.delete(f"/v1/rooms/a/participants/{id_}").status_code == 404
    finally:
        guest.close()


async def _many(url: str) -> list[int]:
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        requests = [http.post("/v1/rooms", json={"name": f"r{n % 5}"}) for n in range(20)]
        return [response.status_code for response in await asyncio.gather(*requests)]


def test_rooms_asked_for_at_once(service: Server) -> None:
    statuses = asyncio.run(_many(service.url))
    assert sorted(statuses) == [201] * 5 + [409] * 15


def test_the_api_page_opens_without_the_internet(service: Server) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{service.url}/docs")
        page.get_by_text("/v1/rooms/{room}/participants", exact=True).first.wait_for(timeout=20_000)
        browser.close()
    assert [url for url in asked if not url.startswith((service.url, "data:"))] == []
