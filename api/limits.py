"""What is refused before anything of ours reads it: bodies beyond the limit, paths and queries that are not UTF-8."""

import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import error_response

MAX_LAYOUT_BYTES = 128 * 1024  # the file that FreeSWITCH ships with has a quarter of it
MAX_OVERLAY_BYTES = 6 * 1024 * 1024  # a picture of 4 MB in base64; a message to a room's process may have 8 MiB

_BY_PATH = (
    (re.compile(r"/v1/layouts/[^/]+"), MAX_LAYOUT_BYTES),
    (re.compile(r"/v1/rooms/[^/]+/overlay"), MAX_OVERLAY_BYTES),
)
_SDP_TYPES = (b"application/sdp", b"application/trickle-ice-sdpfrag")


class Limits:
    """ASGI middleware; bodies are read whole (they are small by definition) and handed on.

    Args:
        app: what is protected.
        max_body_bytes: largest body that is neither SDP, nor a stored layout, nor an overlay.
        max_sdp_bytes: largest SDP body.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int, max_sdp_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._max_sdp_bytes = max_sdp_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse or pass on (ASGI)."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif not _is_utf8(scope):
            response = error_response("bad_request", "path and query must be UTF-8, percent-encoded")
            await response(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._bounded(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        limit = self._limit(scope["path"], _media_type(headers))
        body = None if _announced(headers) > limit else await _read(receive, limit)
        if body is None:
            response = error_response(
                "payload_too_large", f"a body of this type may have {limit} bytes", {"Connection": "close"}
            )
            await response(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _limit(self, path: str, media_type: bytes) -> int:
        if media_type in _SDP_TYPES:
            return self._max_sdp_bytes
        return next((limit for pattern, limit in _BY_PATH if pattern.fullmatch(path)), self._max_body_bytes)


def _is_utf8(scope: Scope) -> bool:
    try:
        unquote_to_bytes(scope.get("raw_path") or b"").decode()
        unquote_to_bytes(scope.get("query_string", b"").replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        return False
    return True


def _media_type(headers: MutableMapping[bytes, bytes]) -> bytes:
    return headers.get(b"content-type", b"").split(b";")[0].strip().lower()


def _announced(headers: MutableMapping[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    return int(length) if length.isdigit() else 0


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body; None when it is longer than ``limit``."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break  # the client is gone; the application finds out by itself
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        more = message.get("more_body", False)
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    first: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed
