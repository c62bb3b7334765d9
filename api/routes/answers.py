"""How answers are described to readers of ``/docs``."""

from typing import Any
from urllib.parse import quote

from api.errors import STATUS
from api.schemas import Error

Responses = dict[int | str, dict[str, Any]]


def errors(*codes: str) -> Responses:
    """The failures of a call, by status."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(int(STATUS[code]), []).append(f"`{code}`")
    return {status: {"model": Error, "description": " or ".join(names)} for status, names in by_status.items()}


def room_url(name: str) -> str:
    """A room's path."""
    return f"/v1/rooms/{quote(name, safe='')}"
