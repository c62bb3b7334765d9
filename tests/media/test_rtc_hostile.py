"""Datagrams that end a stock connection, sent to a live peer: its media goes on."""

import asyncio
import random
import socket
from contextlib import suppress

import pylibsrtp
import pytest
from aioice import stun
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import SRTP_PROFILES
from OpenSSL import SSL

from tests.media.rtc_world import Call, Client, PatternTrack, ToneTrack, call, until

pytestmark = pytest.mark.media


def _client() -> Client:
    client = Client()
    client.pc.addTrack(ToneTrack())
    client.pc.addTrack(PatternTrack())
    return client


def _address(answer: str) -> tuple[str, int]:
    """Where the peer listens, as its answer says."""
    candidate = next(line for line in answer.splitlines() if line.startswith("a=candidate:") and "." in line)
    return candidate.split()[4], int(candidate.split()[5])


def _garbage() -> list[bytes]:
    source = random.Random(7)
    kinds = [b"\x00\x01", b"\x01\x01", b"\x16\xfe\xfd", b"\x17\xfe\xfd", b"\x80\x60", b"\x80\xc8", b"\x90\x60", b"\xff"]
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = "x" * 200
    return [
        b"",
        b"\x80",
        b"\x80" * 1501,
        b"\x80" * 4000,
        b"\x16" * 3000,
        bytes(message),
        *(
            kind + source.randbytes(source.choice([0, 5, 9, 10, 11, 40, 1200, 1490]))
            for kind in kinds
            for _ in range(40)
        ),
    ]


async def _goes_on(made: Call) -> None:
    """Media flows in both directions from now on."""
    await asyncio.sleep(0.2)
    counts = [len(made.camera.units), len(made.audio.units), *(len(f) for f in made.client.frames.values())]

    def flows() -> bool:
        now = [len(made.camera.units), len(made.audio.units), *(len(f) for f in made.client.frames.values())]
        return all(after >= before + 5 for before, after in zip(counts, now, strict=True))

    await until(flows, 5)
    assert made.events.reasons == []


async def test_a_strangers_datagrams_change_nothing() -> None:
    async with call(_client()) as made:
        await until(lambda: made.camera.units and made.client.frames["video"])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for datagram in _garbage():
                stranger.sendto(datagram, _address(made.answer))
                await asyncio.sleep(0.0005)
        await _goes_on(made)
        stats = made.peer.stats()
        assert stats["datagrams_dropped_size"] >= 5
        assert stats["datagrams_dropped_stranger"] > 100
        assert stats["datagrams_dropped_stun"] > 20
        assert "datagrams_dropped_malformed" not in stats


class _Preceded(Client):
    """Before it hears the answer a stranger says hello in its place, as DTLS has it."""

    async def accept(self, answer: str) -> None:
        context = RTCCertificate.generateCertificate()._create_ssl_context(SRTP_PROFILES)
        ssl = SSL.Connection(context)
        ssl.set_connect_state()
        with suppress(SSL.WantReadError):
            ssl.do_handshake()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(ssl.bio_read(1500), _address(answer))
        await super().accept(answer)


async def test_who_says_hello_before_the_peer_is_not_listened_to() -> None:
    client = _Preceded()
    client.pc.addTrack(ToneTrack())
    client.pc.addTrack(PatternTrack())
    async with call(client) as made:
        assert made.peer.stats()["datagrams_dropped_stranger"] == 1
        await until(lambda: made.camera.units and made.client.frames["video"])


async def test_the_same_from_the_peers_own_address_changes_nothing() -> None:
    async with call(_client()) as made:
        await until(lambda: made.camera.units and made.client.frames["video"])
        connection = made.client.pc.getSenders()[0].transport.transport._connection
        pair = connection._nominated[1]
        sock = pair.protocol.transport.get_extra_info("socket")
        for datagram in _garbage():
            sock._sock.sendto(datagram, pair.remote_addr)
            await asyncio.sleep(0.0005)
        await _goes_on(made)
        stats = made.peer.stats()
        assert stats["datagrams_dropped_size"] >= 5
        assert stats["datagrams_dropped_srtp"] > 50


async def test_garbage_inside_the_encryption_costs_only_itself() -> None:
    async with call(_client()) as made:
        await until(lambda: made.camera.units and made.client.frames["video"])
        transport = made.client.pc.getSenders()[0].transport
        source = random.Random(7)
        for size in (12, 20, 60, 1000):
            for first, second in [
                (0x80, 97),
                (0x80, 98),
                (0x9F, 97),
                (0xA0, 96),
                (0x80, 200),
                (0x81, 205),
                (0x8F, 206),
            ]:
                with suppress(pylibsrtp.Error):  # what the library itself will not send
                    await transport._send_rtp(bytes([first, second]) + source.randbytes(size - 2))
        await _goes_on(made)
