"""Ranges and conditions, by the book (RFC 9110)."""

from collections.abc import Iterator

import pytest
from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse

from api.download import File, content_disposition, respond

pytestmark = pytest.mark.unit

DATA = bytes(range(100))


def _read(start: int, end: int) -> Iterator[bytes]:
    yield DATA[start:end]


FILE = File(100, "abc", "video/mp4", content_disposition("x.mp4", "x.mp4"), _read)


async def _answer(method: str = "GET", **headers: str) -> tuple[Response, bytes]:
    response = respond(method, Headers({key.replace("_", "-"): value for key, value in headers.items()}), FILE)
    if isinstance(response, StreamingResponse):
        return response, b"".join([bytes(chunk) async for chunk in response.body_iterator])  # type: ignore[arg-type]  # bytes here
    return response, bytes(response.body)


async def test_the_whole_file() -> None:
    response, body = await _answer()
    assert (response.status_code, body) == (200, DATA)
    assert response.headers["Content-Length"] == "100"
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Content-Type"] == "video/mp4"


@pytest.mark.parametrize(
    ("asked", "expected", "content_range"),
    [
        ("bytes=0-0", DATA[:1], "bytes 0-0/100"),
        ("bytes=10-19", DATA[10:20], "bytes 10-19/100"),
        ("bytes=90-", DATA[90:], "bytes 90-99/100"),
        ("bytes=90-1000", DATA[90:], "bytes 90-99/100"),
        ("bytes=-5", DATA[95:], "bytes 95-99/100"),
        ("bytes=-500", DATA, "bytes 0-99/100"),
    ],
)
async def test_a_part(asked: str, expected: bytes, content_range: str) -> None:
    response, body = await _answer(range=asked)
    assert (response.status_code, body) == (206, expected)
    assert response.headers["Content-Range"] == content_range
    assert response.headers["Content-Length"] == str(len(expected))


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=1000-2000", "bytes=-0"])
async def test_a_part_that_is_not_there(asked: str) -> None:
    response, body = await _answer(range=asked)
    assert response.status_code == 416
    assert response.headers["Content-Range"] == "bytes */100"
    assert b"range_not_satisfiable" in body


@pytest.mark.parametrize("asked", ["bytes=5-1", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes=--5", ""])
async def test_what_makes_no_sense_is_as_if_not_asked(asked: str) -> None:
    response, body = await _answer(range=asked)
    assert (response.status_code, body) == (200, DATA)


async def test_head_has_all_but_the_body() -> None:
    response, body = await _answer("HEAD")
    assert (response.status_code, body, response.headers["Content-Length"]) == (200, b"", "100")
    response, body = await _answer("HEAD", range="bytes=0-9")
    assert (response.status_code, body, response.headers["Content-Length"]) == (206, b"", "10")


async def test_a_file_that_one_has_is_not_sent_again() -> None:
    for tags in ('"abc"', 'W/"abc"', '"x", "abc"', "*"):
        response, body = await _answer(if_none_match=tags)
        assert (response.status_code, body) == (304, b"")
    assert (await _answer(if_none_match='"other"'))[0].status_code == 200


async def test_a_part_of_another_file_is_not_joined_to_this_one() -> None:
    assert (await _answer(range="bytes=5-", if_range='"abc"'))[0].status_code == 206
    assert (await _answer(range="bytes=5-", if_range='"old"'))[0].status_code == 200


def test_names_of_any_script_survive() -> None:
    told = content_disposition("room.mp4", 'caf\u00e9 "\u4f1a".mp4')
    assert told == "attachment; filename=\"room.mp4\"; filename*=UTF-8''caf%C3%A9%20%22%E4%BC%9A%22.mp4"
    told.encode("latin-1")
