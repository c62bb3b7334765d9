"""Whatever comes in, the answer is one clear line of JSON."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.api.conftest import OFFER, SDP
from tests.unit.api.fake_host import FakeHost

pytestmark = pytest.mark.unit

FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
JSON = {"Content-Type": "application/json"}
LONG = "x" * 101


@pytest.fixture
async def room(http: httpx.AsyncClient) -> None:
    await http.post("/v1/rooms", json={"name": "a", "max_participants": 2})


def error_of(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["Content-Type"] == "application/json", response.text
    assert set(response.json()) == {"error"}
    assert set(response.json()["error"]) == {"code", "message"}
    assert response.json()["error"]["message"]
    return response.status_code, response.json()["error"]["code"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/rooms/nobody", (404, "room_not_found")),
        ("DELETE", "/v1/rooms/nobody", (404, "room_not_found")),
        ("GET", "/v1/rooms/nobody/participants", (404, "room_not_found")),
        ("GET", "/v1/rooms/nobody/snapshot.jpg", (404, "room_not_found")),
        ("DELETE", "/v1/rooms/a/participants/nobody", (404, "unknown_participant")),
        ("GET", "/v1/rooms/a/../../etc/passwd", (404, "not_found")),
        ("GET", "/v1/rooms/..%2f..%2fetc%2fpasswd", (404, "not_found")),
        ("GET", "/static/..%2f..%2fapi%2fapp.py", (404, "not_found")),
        ("GET", "/static/%2e%2e/app.py", (404, "not_found")),
        ("GET", "/v1/rooms/%2e%2e", (422, "invalid_name")),
        ("GET", "/v1/rooms/%00", (422, "invalid_name")),
        ("GET", "/v1/rooms/a%E2%80%AEb", (422, "invalid_name")),
        ("GET", f"/v1/rooms/{LONG}", (422, "invalid_name")),
        ("GET", "/v1/rooms/%ff%fe", (400, "bad_request")),
        ("GET", "/v1/rooms?x=%ff", (400, "bad_request")),
        ("GET", "/nothing/here", (404, "not_found")),
        ("PUT", "/v1/rooms", (405, "method_not_allowed")),
        ("PUT", "/v1/rooms/a", (405, "method_not_allowed")),
        ("DELETE", f"/v1/rooms/a/participants/{LONG}", (422, "invalid_request")),
    ],
)
@pytest.mark.usefixtures("room")
async def test_addresses(http: httpx.AsyncClient, method: str, path: str, expected: tuple[int, str]) -> None:
    assert error_of(await http.request(method, httpx.URL(f"http://test{path}"))) == expected


@pytest.mark.parametrize(
    "body",
    [
        {"name": "b", "video": {"width": -2}},
        {"name": "b", "video": {"width": 641}},
        {"name": "b", "video": {"height": 0}},
        {"name": "b", "video": {"fps": 1_000_000}},
        {"name": "b", "video": {"bitrate": -1}},
        {"name": "b", "video": {"width": "wide"}},
        {"name": "b", "video": []},
        {"name": "b", "max_participants": 0},
        {"name": "b", "max_participants": 10**30},
        {"name": "b", "surprise": 1},
        {"name": ["b"]},
        {},
        [],
        None,
    ],
)
async def test_rooms_of_impossible_sizes(http: httpx.AsyncClient, host: FakeHost, body: object) -> None:
    assert error_of(await http.post("/v1/rooms", json=body)) == (422, "invalid_request")
    assert host.opened == 0


async def test_a_fault_is_named(http: httpx.AsyncClient) -> None:
    refused = await http.post("/v1/rooms", json={"name": "b", "video": {"width": -2, "bitrate": -1}})
    message = refused.json()["error"]["message"]
    assert "video.width: Input should be greater than or equal to 160" in message
    assert "video.bitrate: Input should be greater than or equal to 100000" in message


@pytest.mark.parametrize("name", ["", "   ", "a/b", "a\\b", "a\nb", "a\x00b", "\u2028", ".", "..", LONG])
async def test_names_that_no_room_may_have(http: httpx.AsyncClient, name: str) -> None:
    assert error_of(await http.post("/v1/rooms", json={"name": name})) == (422, "invalid_name")


async def test_a_lone_surrogate_is_no_name(http: httpx.AsyncClient) -> None:
    refused = await http.post("/v1/rooms", content=b'{"name": "\\ud800"}', headers=JSON)
    assert refused.status_code == 422


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"name": "\xff"}', b"[" * 1500])
async def test_bodies_that_are_no_json(http: httpx.AsyncClient, body: bytes) -> None:
    status, code = error_of(await http.post("/v1/rooms", content=body, headers=JSON))
    assert (status, code) in {(422, "invalid_request"), (400, "bad_request")}


@pytest.mark.parametrize(
    ("method", "path", "content_type"),
    [
        ("POST", "/v1/rooms", "text/plain"),
        ("POST", "/v1/rooms", ""),
        ("PUT", "/v1/rooms/a/layout", "application/xml"),
        ("POST", "/v1/rooms/a/participants", "application/json"),
        ("POST", "/v1/rooms/a/participants", "text/plain; charset=application/sdp"),
        ("POST", "/v1/rooms/a/participants", ""),
        ("PATCH", "/v1/rooms/a/participants/p", "application/sdp"),
        ("PATCH", "/v1/rooms/a/participants/p", ""),
        ("PUT", "/v1/rooms/a/overlay", "image/png"),
        ("PUT", "/v1/layouts/l", "text/plain"),
    ],
)
@pytest.mark.usefixtures("room")
async def test_bodies_of_the_wrong_type(http: httpx.AsyncClient, method: str, path: str, content_type: str) -> None:
    refused = await http.request(method, path, content=b'{"name": "b"}', headers={"Content-Type": content_type})
    assert error_of(refused) == (415, "unsupported_media_type")


@pytest.mark.parametrize("offer", [b"", b"hello", b"v=0\r\n", b"\xff\xfe\x00", b"m=audio"])
@pytest.mark.usefixtures("room")
async def test_offers_that_are_none(http: httpx.AsyncClient, offer: bytes) -> None:
    assert error_of(await http.post("/v1/rooms/a/participants", content=offer, headers=SDP)) == (422, "bad_offer")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (LONG, (422, "invalid_name")),
        ("a%00b", (422, "invalid_name")),
        ("%20%20", (422, "invalid_name")),
        ("%ff", (400, "bad_request")),
        ("%ed%a0%80", (400, "bad_request")),  # a surrogate in UTF-8
    ],
)
@pytest.mark.usefixtures("room")
async def test_participants_names(http: httpx.AsyncClient, name: str, expected: tuple[int, str]) -> None:
    url = httpx.URL(f"http://test/v1/rooms/a/participants?name={name}")
    assert error_of(await http.post(url, content=OFFER, headers=SDP)) == expected


async def test_longest_names_are_taken_and_no_name_is_a_guest(http: httpx.AsyncClient) -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    for name in ("\u540d" * 100, family, "", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629"):
        joined = await http.post("/v1/rooms/a/participants", params={"name": name}, content=OFFER, headers=SDP)
        assert joined.status_code == 201
    people = (await http.get("/v1/rooms/a/participants")).json()["participants"]
    assert [p["name"] for p in people] == [
        "\u540d" * 100,
        family,
        "Guest",
        "\u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    ]


@pytest.mark.usefixtures("room")
async def test_one_more_than_the_room_holds(http: httpx.AsyncClient) -> None:
    joins = [await http.post("/v1/rooms/a/participants", content=OFFER, headers=SDP) for _ in range(3)]
    assert [join.status_code for join in joins[:2]] == [201, 201]
    assert error_of(joins[2]) == (409, "room_full")


@pytest.mark.parametrize(
    ("path", "headers", "size", "expected"),
    [
        ("/v1/rooms", JSON, 2049, 413),
        ("/v1/rooms", JSON, 2048, 422),
        ("/v1/rooms", {"Content-Type": "application/xml"}, 2049, 413),
        ("/v1/rooms/a/participants", SDP, 4097, 413),
        ("/v1/rooms/a/participants", SDP, 4096, 422),
    ],
)
async def test_bodies_beyond_the_limit(
    http: httpx.AsyncClient, path: str, headers: dict[str, str], size: int, expected: int
) -> None:
    whole = await http.post(path, content=b"x" * size, headers=headers)
    assert error_of(whole)[0] == expected


async def test_a_body_that_does_not_say_how_long_it_is(http: httpx.AsyncClient) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1000
            yield b"x" * 1000

    refused = await http.post("/v1/rooms/a/participants", content=endless(), headers=SDP)
    assert error_of(refused) == (413, "payload_too_large")
    assert taken < 10_000


async def test_joins_at_once_open_one_room(http: httpx.AsyncClient, host: FakeHost) -> None:
    post = [http.post("/v1/rooms/a/participants", content=OFFER, headers=SDP) for _ in range(10)]
    assert {join.status_code for join in await asyncio.gather(*post)} == {201}
    assert host.opened == 1
    assert len(host.room("a").people) == 10


async def test_what_nobody_expected_is_500_and_tells_nothing(
    http: httpx.AsyncClient, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "nodes", None)
    refused = await http.get("/v1/rooms")
    assert error_of(refused) == (500, "internal")
    assert "NoneType" not in refused.text
    monkeypatch.undo()
