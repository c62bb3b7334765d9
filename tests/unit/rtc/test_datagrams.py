"""System calls of our own against Python's sockets: what one sends, the other receives, byte for byte."""

import errno
import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.rtc.datagrams import AVAILABLE, Inbox, Outbox, address_of, packed_address
from mcu.rtc.segments import is_refusal

pytestmark = [pytest.mark.unit, pytest.mark.skipif(not AVAILABLE, reason="Linux only")]

MOST, MAX_BYTES = 4, 1501


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as near, socket.socket(family, socket.SOCK_DGRAM) as far:
        try:
            near.bind((request.param, 0))
            far.bind((request.param, 0))
        except OSError as error:
            pytest.skip(f"no {request.param} here: {error}")
        far.settimeout(2)
        yield near, far


def test_what_is_taken_is_what_was_sent_with_its_sender(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    inbox = Inbox(MOST, MAX_BYTES)
    assert inbox.take(near.fileno()) == []
    sent = [b"one", b"", b"x" * 1500, b"four", b"the fifth, longer than the first"]
    for datagram in sent:
        far.sendto(datagram, near.getsockname()[:2])
    sender = far.getsockname()[:2]
    assert inbox.take(near.fileno()) == [(datagram, sender) for datagram in sent[:MOST]]
    assert inbox.take(near.fileno()) == [(sent[MOST], sender)]
    assert inbox.take(near.fileno()) == []


def test_one_inbox_serves_sockets_of_both_families() -> None:
    inbox = Inbox(MOST, MAX_BYTES)
    for host in ("127.0.0.1", "::1", "127.0.0.1", "::1"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind((host, 0))
            except OSError as error:
                pytest.skip(f"no {host} here: {error}")
            sock.sendto(b"to itself", sock.getsockname()[:2])
            assert inbox.take(sock.fileno()) == [(b"to itself", sock.getsockname()[:2])]


def test_what_is_too_long_comes_cut_and_a_closed_socket_has_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    inbox = Inbox(MOST, MAX_BYTES)
    far.sendto(bytes(9000), near.getsockname()[:2])
    assert [len(datagram) for datagram, _ in inbox.take(near.fileno())] == [MAX_BYTES]
    near.close()
    assert inbox.take(near.fileno()) == []


def test_what_is_sent_arrives_each_as_a_datagram_of_its_own(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    to = packed_address(*far.getsockname()[:2])
    outbox = Outbox()
    outbox.send(near.fileno(), b"alone", to)
    assert far.recvfrom(2000) == (b"alone", near.getsockname())
    run = [bytes([index]) * 1190 for index in range(9)] + [b"last"]
    for _ in range(2):
        try:
            outbox.send_run(near.fileno(), b"".join(run), 1190, to)
        except OSError as error:
            if not is_refusal(error):
                raise
            pytest.skip(f"this kernel does not segment: {error}")
        assert [far.recv(2000) for _ in run] == run


def test_what_cannot_be_sent_is_an_error_of_its_kind(pair: tuple[socket.socket, socket.socket]) -> None:
    near, far = pair
    to = packed_address(*far.getsockname()[:2])
    outbox = Outbox()
    with pytest.raises(OSError, match="Bad file descriptor"):
        outbox.send(-1, b"x", to)
    with pytest.raises(OSError) as no_address:  # noqa: PT011 - the number is looked at
        outbox.send(near.fileno(), b"x", b"")
    assert no_address.value.errno in {errno.EDESTADDRREQ, errno.EINVAL}
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there, pytest.raises(BlockingIOError):
        _send_for_ever(outbox, here)


def _send_for_ever(outbox: Outbox, sock: socket.socket) -> None:
    while True:
        outbox.send(sock.fileno(), bytes(1000), b"")


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), st.integers(0, 65535))
def test_addresses_are_packed_as_the_kernel_has_them(host: object, port: int) -> None:
    name, number = address_of(packed_address(str(host), port))
    assert (ip_address(name), number) == (host, port)


def test_a_name_is_no_address() -> None:
    assert packed_address("no-address.invalid", 5000) == b""
