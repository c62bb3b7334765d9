"""A finished file to whoever asks for it, whole or in part (RFC 9110, sections 13 and 14). The same for every store."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse

from api.errors import RangeError, error_response

_RANGE = re.compile(r"^bytes=(\d*)-(\d*)$")


@dataclass(frozen=True, slots=True)
class File:
    """What is downloaded. ``read(start, end)`` yields the bytes from ``start`` up to, not including, ``end``."""

    size: int
    etag: str  # without quotes
    media_type: str
    disposition: str
    read: Callable[[int, int], Iterator[bytes]]


def content_disposition(ascii_name: str, name: str) -> str:
    """RFC 6266: the name in full for who understands it, a plain one for who does not."""
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(name, safe='')}"


def respond(method: str, headers: Headers, file: File) -> Response:
    """The answer to a GET or HEAD request with these headers."""
    described = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{file.etag}"',
        "Content-Disposition": file.disposition,
        "Cache-Control": "private, no-cache",  # may be kept, but deleting must have an effect
    }
    if _matches(headers.get("if-none-match"), file.etag):
        return Response(None, 304, described)
    try:
        wanted = _range(headers, file)
    except RangeError as error:
        return error_response(error.code, str(error), {"Content-Range": f"bytes */{file.size}"})
    start, end = wanted or (0, file.size)
    described["Content-Length"] = str(end - start)
    if wanted:
        described["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    status = 206 if wanted else 200
    if method == "HEAD":
        return Response(None, status, described, file.media_type)
    return StreamingResponse(file.read(start, end), status, described, file.media_type)


def _matches(tags: str | None, etag: str) -> bool:
    if tags is None:
        return False
    return any(tag.strip().removeprefix("W/") in {f'"{etag}"', "*"} for tag in tags.split(","))


def _range(headers: Headers, file: File) -> tuple[int, int] | None:
    """Start and end of what is wanted; None for everything, also where the header makes no sense or asks for several.

    Raises:
        RangeError: it makes sense, but there is nothing there.
    """
    match = _RANGE.match(headers.get("range", ""))
    condition = headers.get("if-range")
    if match is None or match.group(1, 2) == ("", "") or condition not in {None, f'"{file.etag}"'}:
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, file.size - int(last)), file.size
    else:
        start, end = int(first), min(file.size, int(last) + 1) if last else file.size
    if first and last and int(last) < int(first):
        return None
    if start >= file.size or start >= end:
        raise RangeError(f"the file has {file.size} bytes")
    return start, end
