"""The sound's own way out: real sockets and real SRTP, a made pair of addresses."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pylibsrtp import Policy, Session

from mcu.rtc import datagrams
from mcu.rtc.direct import RELAY_PACKETS, DirectPath
from mcu.rtc.srtp import SrtpSession
from tests.unit.rtc.fakes import Loop

pytestmark = pytest.mark.unit

KEY = bytes(range(30))
PACKET = bytes.fromhex("806f00070000096000000001") + b"sound"


class _Relay:
    """As aioice's: it has no socket that takes datagrams as they are."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, tuple[str, int]]] = []

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        self.sent.append((data, address))


class _Bench:
    def __init__(self, transport: object, address: tuple[str, int]) -> None:
        self.loop = Loop()
        pair = SimpleNamespace(protocol=SimpleNamespace(transport=transport), remote_addr=address)
        self.connection = SimpleNamespace(_nominated={1: pair})
        self.path = DirectPath(cast("Any", self.connection), cast("Any", self.loop))

    def begin(self) -> None:
        self.path.begin(SrtpSession(Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_OUTBOUND))))


def _decrypted(datagram: bytes) -> bytes:
    return Session(Policy(key=KEY, ssrc_type=Policy.SSRC_ANY_INBOUND)).unprotect(datagram)


def _pair_of_sockets(host: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    near, far = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
    try:
        for each in (near, far):
            each.bind((host, 0))
    except OSError as error:
        pytest.skip(f"no {host} here: {error}")
    near.setblocking(False)
    far.settimeout(2)
    return near, far


@pytest.fixture(params=["127.0.0.1", "::1"])
def sockets(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    near, far = _pair_of_sockets(request.param)
    with near, far:
        yield near, far


@pytest.mark.parametrize("system_call", [True, False], ids=["sendto(2)", "Python's"])
def test_what_is_sent_arrives_and_can_be_decrypted(
    sockets: tuple[socket.socket, socket.socket], system_call: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not system_call:
        monkeypatch.setattr(datagrams, "AVAILABLE", False)
    near, far = sockets
    bench = _Bench(SimpleNamespace(_sock=near), far.getsockname()[:2])
    bench.begin()
    datagram = bench.path.send(PACKET)
    data, sender = far.recvfrom(2000)
    assert data == datagram
    assert sender[:2] == near.getsockname()[:2]
    assert _decrypted(data) == PACKET
    assert not +bench.path.refused


def test_the_path_follows_the_pair_in_use(sockets: tuple[socket.socket, socket.socket]) -> None:
    near, far = sockets
    bench = _Bench(SimpleNamespace(_sock=near), (far.getsockname()[0], 9))
    bench.begin()
    bench.path.send(PACKET)
    other = SimpleNamespace(protocol=SimpleNamespace(transport=SimpleNamespace(_sock=near)))
    other.remote_addr = far.getsockname()[:2]
    bench.connection._nominated[1] = other
    second = PACKET.replace(b"sound", b"again").replace(b"\x00\x07", b"\x00\x08")
    bench.path.send(second)
    assert _decrypted(far.recv(2000)) == second


@pytest.mark.parametrize("system_call", [True, False], ids=["sendto(2)", "Python's"])
def test_a_closed_socket_is_counted_and_harms_nobody(system_call: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not system_call:
        monkeypatch.setattr(datagrams, "AVAILABLE", False)
    near, far = _pair_of_sockets("127.0.0.1")
    bench = _Bench(SimpleNamespace(_sock=near), far.getsockname())
    bench.begin()
    near.close()
    far.close()
    bench.path.send(PACKET)
    assert +bench.path.refused == {"socket": 1}


def test_nothing_goes_out_before_there_are_keys_nor_after_the_end() -> None:
    near, far = _pair_of_sockets("127.0.0.1")
    with near, far:
        far.setblocking(False)
        bench = _Bench(SimpleNamespace(_sock=near), far.getsockname())
        assert bench.path.send(PACKET) == b""
        bench.begin()
        bench.path.end()
        assert bench.path.send(PACKET) == b""
        assert +bench.path.refused == {"unsent": 2}
        with pytest.raises(BlockingIOError):
            far.recv(2000)


def test_nothing_goes_out_while_there_is_no_pair() -> None:
    bench = _Bench(_Relay(), ("192.0.2.1", 5000))
    bench.connection._nominated.clear()
    bench.begin()
    assert bench.path.send(PACKET) == b""
    assert +bench.path.refused == {"unsent": 1}


def test_a_packet_that_cannot_be_encrypted_is_counted() -> None:
    bench = _Bench(_Relay(), ("192.0.2.1", 5000))
    bench.begin()
    assert bench.path.send(bytes(5000)) == b""
    assert +bench.path.refused == {"srtp": 1}


def test_a_relay_is_reached_over_the_loop() -> None:
    relay = _Relay()
    bench = _Bench(relay, ("192.0.2.1", 5000))
    bench.begin()
    datagram = bench.path.send(PACKET)
    assert relay.sent == []
    bench.loop.run()
    assert relay.sent == [(datagram, ("192.0.2.1", 5000))]
    assert _decrypted(datagram) == PACKET


def test_a_loop_that_hangs_has_only_so_much_for_a_relay() -> None:
    relay = _Relay()
    bench = _Bench(relay, ("192.0.2.1", 5000))
    bench.begin()
    sent = [bench.path.send(PACKET[:3] + bytes([number]) + PACKET[4:]) for number in range(RELAY_PACKETS + 3)]
    bench.loop.run()
    assert [data for data, _ in relay.sent] == sent[:RELAY_PACKETS]
    assert +bench.path.refused == {"relay": 3}
    bench.path.send(PACKET[:3] + b"\x63" + PACKET[4:])
    bench.path.end()
    bench.loop.run()
    assert len(relay.sent) == RELAY_PACKETS
    assert +bench.path.refused == {"relay": 3, "unsent": 1}


def test_an_address_that_is_none_is_counted_and_harms_nobody() -> None:
    near, far = _pair_of_sockets("127.0.0.1")
    with near, far:
        bench = _Bench(SimpleNamespace(_sock=near), ("no-address.invalid", 5000))
        bench.begin()
        bench.path.send(PACKET)
        assert +bench.path.refused == {"socket": 1}
