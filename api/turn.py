"""Time-limited TURN credentials as coturn's ``use-auth-secret`` checks them (the TURN REST API convention)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

from api.settings import Settings
from mcu.messages import IceServer


def credentials(secret: str, user: str, expires_at: int) -> tuple[str, str]:
    """User name and password that are good until ``expires_at`` (Unix seconds)."""
    username = f"{expires_at}:{user}"
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def issued(servers: Iterable[IceServer], settings: Settings, now_s: float) -> list[IceServer]:
    """The servers as they are handed out now, each time with new credentials where there is a secret for them."""
    secret = settings.turn_secret.get_secret_value() if settings.turn_secret else None
    return with_credentials(servers, secret, secrets.token_hex(4), int(now_s) + settings.turn_credential_ttl_s)


def with_credentials(servers: Iterable[IceServer], secret: str | None, user: str, expires_at: int) -> list[IceServer]:
    """The servers as a peer gets them: with a secret, TURN servers that have no credentials get some."""
    return [_with_credentials(server, secret, user, expires_at) for server in servers]


def _with_credentials(server: IceServer, secret: str | None, user: str, expires_at: int) -> IceServer:
    is_turn = any(url.startswith(("turn:", "turns:")) for url in server.urls)
    if secret is None or not is_turn or server.username is not None:
        return server
    username, credential = credentials(secret, user, expires_at)
    return IceServer(urls=server.urls, username=username, credential=credential)
