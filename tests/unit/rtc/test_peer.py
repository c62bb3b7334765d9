import asyncio

import pytest

from mcu.clock import MediaClock
from mcu.errors import BadOfferError
from mcu.rtc.peer import Peer
from tests.unit.rtc.test_sdp import CHROMIUM

pytestmark = pytest.mark.unit


class _Events:
    def __init__(self) -> None:
        self.told: list[str] = []

    def connected(self) -> None:
        self.told.append("connected")

    def closed(self, reason: str) -> None:
        self.told.append(reason)


def _peer() -> tuple[Peer, _Events]:
    events = _Events()
    return Peer("alice", MediaClock(), [], events, connect_timeout_s=10), events


@pytest.mark.parametrize("offer", ["", "v=0\r\n", CHROMIUM.replace("a=ice-ufrag", "a=x"), "v=0\r\n" + "x" * 10**6])
async def test_a_bad_offer_opens_nothing_and_can_be_followed_by_a_good_one(offer: str) -> None:
    peer, events = _peer()
    tasks = asyncio.all_tasks()
    with pytest.raises(BadOfferError):
        await peer.answer(offer)
    assert asyncio.all_tasks() == tasks
    assert (await peer.answer(CHROMIUM)).startswith("v=0\r\n")
    with pytest.raises(BadOfferError, match="already"):
        await peer.answer(CHROMIUM)
    await peer.close()
    await peer.close()
    assert events.told == ["left"]


async def test_leaving_while_the_offer_is_answered() -> None:
    peer, events = _peer()
    tasks = asyncio.all_tasks()
    answering = asyncio.create_task(peer.answer(CHROMIUM))
    await asyncio.sleep(0)
    await peer.close()
    with pytest.raises(BadOfferError, match="left"):
        await answering
    assert events.told == ["left"]
    assert asyncio.all_tasks() <= tasks | {answering}


async def test_candidates_need_an_offer() -> None:
    peer, _ = _peer()
    with pytest.raises(BadOfferError, match="before the offer"):
        await peer.trickle("a=end-of-candidates\r\n")


async def test_an_unanswered_peer_has_nothing_to_feed() -> None:
    peer, _ = _peer()
    peer.feed(audio=None, camera=None, screen=None)
    peer.request_keyframe("camera")
    peer.on_keyframe_asked(None)
    assert peer.stats() == {}
    assert peer.video_sender is None
    await peer.close()
