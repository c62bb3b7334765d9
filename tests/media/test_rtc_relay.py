"""Our own side behind a TURN server: a real one, and a client that nothing but the relay can reach."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mcu.messages import IceServer
from tests.e2e.support.turn import TurnServer
from tests.media.rtc_world import FPS, Client, PatternTrack, ToneTrack, call, until

pytestmark = [pytest.mark.media, pytest.mark.usefixtures("no_standstill")]


@pytest.fixture(scope="module")
def turn() -> Iterator[TurnServer]:
    server = TurnServer()
    yield server
    server.close()


def _relay_in(answer: str) -> tuple[str, int] | None:
    found = re.search(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ relay", answer)
    return (found[1], int(found[2])) if found else None


class BehindFirewall(Client):
    """Hears nobody but the relay, and reaches nobody else."""

    relay: tuple[str, int] | None = None

    async def accept(self, answer: str) -> None:
        self.relay = _relay_in(answer)
        for protocol in self.connection._protocols:
            self._shut(protocol)
        await super().accept(answer)

    @property
    def connection(self) -> Any:
        return self.pc.getTransceivers()[0].sender.transport.transport._connection

    def _shut(self, protocol: Any) -> None:
        receive, send = protocol.datagram_received, protocol.transport.sendto

        def datagram_received(data: bytes, address: tuple[Any, ...]) -> None:
            if address[:2] == self.relay:
                receive(data, address)

        def sendto(data: bytes, address: tuple[Any, ...]) -> None:
            if address[:2] == self.relay:
                send(data, address)

        protocol.datagram_received, protocol.transport.sendto = datagram_received, sendto


async def test_sound_and_picture_go_both_ways_through_our_relay(turn: TurnServer) -> None:
    client = BehindFirewall()
    client.pc.addTrack(ToneTrack())
    client.pc.addTrack(PatternTrack(luma=60))
    async with call(client, ice_servers=[IceServer(urls=(turn.url,), **turn.credentials())]) as made:
        await until(lambda: made.camera.units and made.audio.units)
        await until(lambda: len(client.frames["video"]) > 2 * FPS and len(client.frames["audio"]) > 100)
        assert client.relay is not None
        assert client.connection._nominated[1].remote_addr == client.relay
        stats, drops = made.peer.stats(), made.peer.drops()
    luma = client.frames["video"][-1].to_ndarray(format="gray")
    assert abs(float(luma.mean()) - 180) < 20
    loudest = max(abs(frame.to_ndarray()).max() for frame in client.frames["audio"][-50:])
    assert 6000 < loudest < 10_000
    assert stats["packets_lost_in"] == 0
    assert not {"relay", "srtp", "socket"} & (+drops).keys()


async def test_a_turn_server_that_refuses_us_costs_the_relay_and_nothing_else(turn: TurnServer) -> None:
    wrong = IceServer(urls=(turn.url,), username="9999999999:nobody", credential="wrong")
    client = Client()
    client.pc.addTrack(ToneTrack())
    async with call(client, ice_servers=[wrong]) as made:
        assert _relay_in(made.answer) is None
        await until(lambda: made.audio.units and client.frames["audio"])
