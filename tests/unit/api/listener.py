"""A WebSocket client without a network: talks ASGI to the application."""

import asyncio
import json
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from fastapi import FastAPI


class Listener:
    def __init__(self, app: FastAPI, room: str) -> None:
        path = f"/v1/rooms/{room}/events"
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        scope = {
            "type": "websocket",
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": b"",
            "headers": [],
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        self.serving = asyncio.create_task(app(scope, self._inbox.get, self._send))  # type: ignore[arg-type]  # ASGI's mutable mappings

    async def _send(self, message: dict[str, Any]) -> None:
        self.sent.put_nowait(message)

    async def next(self) -> dict[str, Any]:
        """The next event; or ``{"close": code}``, or ``{"status": …}`` when the handshake is refused."""
        while True:
            async with asyncio.timeout(5):
                message = await self.sent.get()
            match message["type"]:
                case "websocket.send":
                    event: dict[str, Any] = json.loads(message["text"])
                    return event
                case "websocket.close":
                    return {"close": message["code"]}
                case "websocket.http.response.start":
                    return {"status": message["status"]}

    def say(self, **content: str | bytes) -> None:
        """Send a message, ``text`` or ``bytes``; nobody asked for one."""
        self._inbox.put_nowait({"type": "websocket.receive", **content})

    async def types(self, count: int) -> list[str]:
        return [(await self.next())["type"] for _ in range(count)]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self.serving
