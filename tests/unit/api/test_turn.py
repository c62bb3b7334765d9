"""Credentials for TURN, checked by hand."""

import pytest

from api.turn import credentials, with_credentials
from mcu.messages import IceServer

pytestmark = pytest.mark.unit


def test_credentials_are_what_coturn_expects() -> None:
    # printf 1700000000:ann | openssl dgst -sha1 -hmac s3cr3t -binary | base64
    assert credentials("s3cr3t", "ann", 1_700_000_000) == ("1700000000:ann", "4oeiSP/8UalVhN1+By4hJNxVxp4=")


def test_only_turn_servers_without_credentials_get_some() -> None:
    stun = IceServer(urls=("stun:a",))
    own = IceServer(urls=("turn:b",), username="u", credential="c")
    bare = IceServer(urls=("turns:c",))
    told = with_credentials([stun, own, bare], "secret", "ann", 1)
    assert told[:2] == [stun, own]
    assert (told[2].urls, told[2].username) == (("turns:c",), "1:ann")
    assert with_credentials([bare], None, "ann", 1) == [bare]
