import asyncio
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.rtc.hostile import DTLS_BURST, MAX_ADDRESSES, MAX_AT_ONCE, MAX_QUEUED, MEDIA_BURST, STUN_BURST, Gate

pytestmark = pytest.mark.unit

PEER, STRANGER = ("192.0.2.1", 4000), ("192.0.2.66", 666)
COOKIE = b"\x21\x12\xa4\x42"
QUESTION = b"\x00\x01\x00\x08" + COOKIE + bytes(12) + b"ours:theirs"
RTP = b"\x80" + bytes(30)
DTLS = b"\x16" + bytes(30)


class _Queue(list[Any]):
    qsize = list.__len__
    put_nowait = list.append


class _World:
    """A gate before one socket of a fake ICE connection; unless one is given, that is a fake too."""

    def __init__(self, protocol: Any = None, peer: tuple[str, int] = PEER) -> None:
        self.media: list[bytes] = []
        self.stun: list[bytes] = []
        self.protocol = protocol or SimpleNamespace(
            datagram_received=lambda data, _addr: self.stun.append(data),
            local_candidate=SimpleNamespace(component=1),
            transactions={},
            transport=SimpleNamespace(_sock=None),
        )
        self.transactions: dict[bytes, object] = self.protocol.transactions
        self.connection = SimpleNamespace(
            local_username="ours",
            _queue=_Queue(),
            _protocols=[self.protocol],
            _remote_candidates=[SimpleNamespace(_network_host=peer[0], port=peer[1])],
        )
        self.now_us = 0
        self.gate = Gate(cast("Any", self.connection), self.media.append, lambda: self.now_us)
        self.gate.guard_sockets()

    def receive(self, data: bytes, addr: tuple[Any, ...] = PEER) -> None:
        self.protocol.datagram_received(data, addr)


def test_each_protocol_goes_its_way() -> None:
    world = _World()
    world.receive(RTP)
    world.receive(DTLS, (*PEER, 0, 0))  # IPv6 addresses have four parts
    world.receive(QUESTION)
    world.transactions[b"transaction!"] = object()
    world.receive(b"\x01\x01\x00\x00" + COOKIE + b"transaction!")
    assert world.media == [RTP]
    assert world.connection._queue == [(DTLS, 1)]
    assert len(world.stun) == 2
    assert world.gate.heard == 4
    assert not world.gate.drops


class _Protocol(asyncio.DatagramProtocol):
    """As aioice's, on a real socket."""

    def __init__(self) -> None:
        self.passed_by: list[bytes] = []
        self.local_candidate = SimpleNamespace(component=1)
        self.transactions: dict[bytes, object] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:  # noqa: ARG002 - asyncio's own names
        self.passed_by.append(data)


async def test_what_waits_in_the_socket_is_taken_too_but_the_others_have_their_turn() -> None:
    made = await asyncio.get_running_loop().create_datagram_endpoint(_Protocol, local_addr=("127.0.0.1", 0))
    transport, protocol = made
    await asyncio.sleep(0)  # asyncio's own reader is there
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(transport.get_extra_info("sockname"))
        world = _World(protocol, sender.getsockname())
        sent = [RTP + bytes([number]) for number in range(MAX_AT_ONCE + 4)]
        for packet in sent:
            sender.send(packet)
        counts = []
        while len(world.media) < len(sent):
            await asyncio.sleep(0)
            counts.append(len(world.media))
        sender.send(bytes(2000))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    transport.close()
    assert world.media == sent
    assert MAX_AT_ONCE in counts
    assert world.gate.drops == {"size": 1}
    assert not protocol.passed_by


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x16" * 11, b"\x80" * 1501, b"\x16" * 9000])
def test_datagrams_of_impossible_size_are_dropped(data: bytes) -> None:
    world = _World()
    world.receive(data)
    world.connection.data_received(data, 1)  # by aioice itself, before the sockets are guarded
    assert world.gate.drops == {"size": 2}
    assert not world.connection._queue
    assert not world.media


@pytest.mark.parametrize("connected", [False, True])
def test_strangers_send_neither_media_nor_dtls(*, connected: bool) -> None:
    world = _World()
    world.gate.connected = connected
    world.receive(RTP, STRANGER)
    world.receive(DTLS, STRANGER)
    world.receive(DTLS, PEER)
    assert world.gate.drops == {"stranger": 2}
    assert len(world.connection._queue) == 1
    assert not world.media


def test_an_address_learnt_later_is_the_peers_too() -> None:
    world = _World()
    world.receive(RTP, STRANGER)
    world.connection._remote_candidates.append(SimpleNamespace(_network_host=STRANGER[0], port=STRANGER[1]))
    world.receive(RTP, STRANGER)
    world.receive(DTLS, STRANGER)
    assert world.media == [RTP]
    assert world.connection._queue == [(DTLS, 1)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x00\x00" + bytes(16),  # no cookie
        b"\x00\x01\x00\x00" + COOKIE + bytes(12),  # a question that does not know our name
        b"\x01\x01\x00\x00" + COOKIE + bytes(12),  # an answer that nobody waits for
        b"\x00\x01\x00\x00" + COOKIE + bytes(8),  # cut off
    ],
)
def test_unwanted_stun_is_dropped_unparsed(data: bytes) -> None:
    world = _World()
    world.receive(data)
    assert world.gate.drops == {"stun": 1}
    assert not world.stun


def test_the_queue_before_dtls_is_bounded() -> None:
    world = _World()
    for _ in range(MAX_QUEUED + 10):
        world.receive(DTLS)
    assert len(world.connection._queue) == MAX_QUEUED
    assert world.gate.drops == {"flood": 10}


def test_a_peer_that_sends_more_than_anybody_needs_is_thinned_out() -> None:
    world = _World()
    for n in range(100_000):  # ten seconds of 10,000 a second
        world.now_us = n * 100
        world.receive(RTP)
    assert len(world.media) == pytest.approx(40_000 + MEDIA_BURST, abs=10)
    assert world.gate.drops == {"media_rate": 100_000 - len(world.media)}


def test_a_picture_of_the_largest_size_comes_through_at_once() -> None:
    world = _World()
    for _ in range(1_500_000 // 1_200):
        world.receive(RTP)
    assert not world.gate.drops


def test_questions_are_answered_at_a_bounded_rate_answers_always_taken() -> None:
    world = _World()
    world.transactions[b"transaction!"] = object()
    for _ in range(1000):
        world.receive(QUESTION)
        world.receive(b"\x01\x01\x00\x00" + COOKIE + b"transaction!")
    assert len(world.stun) == 1000 + STUN_BURST
    assert world.gate.drops == {"stun_rate": 1000 - STUN_BURST}
    world.now_us = 1_000_000
    world.receive(QUESTION)
    assert len(world.stun) == 1001 + STUN_BURST


def test_once_connected_little_dtls_is_listened_to() -> None:
    world = _World()
    world.gate.connected = True
    for _ in range(1000):
        world.receive(DTLS)
        world.connection._queue.clear()  # the stack takes it at once
    assert world.gate.drops == {"dtls_rate": 1000 - DTLS_BURST}
    world.now_us = 1_000_000
    world.receive(DTLS)
    assert world.connection._queue == [(DTLS, 1)]


def test_a_peer_has_no_more_addresses_than_a_peer_may_have() -> None:
    world = _World()
    candidates = world.connection._remote_candidates
    for port in range(1, MAX_ADDRESSES):
        candidates.append(SimpleNamespace(_network_host=STRANGER[0], port=port))
    world.receive(QUESTION, ("192.0.2.67", 1))
    assert not world.stun
    assert world.gate.drops == {"addresses": 1}
    world.receive(QUESTION)
    assert len(world.stun) == 1


def test_what_the_stack_chokes_on_ends_at_the_gate(caplog: pytest.LogCaptureFixture) -> None:
    world = _World()

    def choke(_packet: bytes) -> None:
        raise KeyError("PRIORITY")

    gate = Gate(cast("Any", world.connection), choke)
    gate.guard_sockets()
    for _ in range(1000):
        world.receive(RTP)
    assert gate.drops == {"malformed": 1000}
    assert len(caplog.records) == 1  # once, not a thousand times


@given(st.binary(max_size=60), st.sampled_from([PEER, STRANGER]))
def test_any_datagram_is_taken_or_counted(data: bytes, addr: tuple[str, int]) -> None:
    world = _World()
    world.receive(data, addr)
    assert world.gate.heard + sum(world.gate.drops.values()) == 1
