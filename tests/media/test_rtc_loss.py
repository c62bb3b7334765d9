"""Packets lost, doubled and reordered between our peer and a stock client."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.media.rtc_world import FPS, Call, Client, PatternTrack, ToneTrack, call, until

pytestmark = [pytest.mark.media, pytest.mark.usefixtures("no_standstill")]


def _impair(transport: Any, loss: float, jitter_s: float) -> Callable[[], None]:
    """Lose and delay what this socket sends; the returned call undoes it."""
    source = random.Random(5)
    send = transport.sendto
    loop = asyncio.get_running_loop()

    def sendto(data: bytes, addr: tuple[str, int]) -> None:
        if source.random() < loss:
            return
        if source.random() < 0.2:
            loop.call_later(source.random() * jitter_s, send, data, addr)
        else:
            send(data, addr)

    def undo() -> None:
        transport.sendto = send

    transport.sendto = sendto
    return undo


def _client_socket(made: Call) -> Any:
    return made.client.pc.getSenders()[0].transport.transport._connection._nominated[1].protocol.transport


def _our_socket(made: Call) -> Any:
    assert made.peer._transport is not None
    assert made.peer._transport._route()
    made.peer._transport._raw = None  # datagrams one by one, or the kernel would send them past us
    return made.peer._transport._socket


async def test_two_lossy_video_lines_come_in_nearly_whole() -> None:
    client = Client()
    client.pc.addTrack(PatternTrack(luma=60))
    client.pc.addTransceiver(PatternTrack(luma=200), direction="sendonly")
    async with call(client) as made:
        await until(lambda: made.camera.units and made.screen.units)
        undo = _impair(_client_socket(made), loss=0.05, jitter_s=0.03)
        before = [len(made.camera.units), len(made.screen.units)]
        await asyncio.sleep(5)
        undo()
        await asyncio.sleep(0.5)
        for sink, start in zip((made.camera, made.screen), before, strict=True):
            times = [unit.rtp_time for unit in sink.units[start:]]
            assert times == sorted(times)
            assert len(times) > 5 * FPS * 0.9
        stats = made.peer.stats()
        assert stats["packets_lost_in"] > 3
        assert stats["camera_nacks"] + stats["screen_nacks"] > 3
        assert stats["packets_unrouted"] == 0


async def test_what_we_send_survives_loss_by_retransmission() -> None:
    client = Client()
    client.pc.addTrack(ToneTrack())
    client.pc.addTransceiver("video", direction="recvonly")
    async with call(client) as made:
        await until(lambda: len(client.frames["video"]) > 3)
        undo = _impair(_our_socket(made), loss=0.03, jitter_s=0.0)
        before = len(client.frames["video"])
        await asyncio.sleep(4)
        undo()
        assert made.peer.stats()["packets_resent"] > 3
        assert len(client.frames["video"]) - before > 4 * FPS * 0.5  # the stock receiver asks only once
