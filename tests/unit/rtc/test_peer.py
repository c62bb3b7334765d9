import asyncio
import random

import pytest

from mcu.clock import MediaClock
from mcu.errors import BadOfferError
from mcu.rtc.peer import Peer
from mcu.rtc.sdp import MAX_CANDIDATES
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


async def test_any_fragment_is_taken_or_refused_in_words() -> None:
    peer, _ = _peer()
    await peer.answer(CHROMIUM)
    rng = random.Random(11)
    good = "a=mid:0\r\na=candidate:1 1 udp 2113937151 127.0.0.1 9 typ host generation 0\r\na=end-of-candidates\r\n"
    refused = 0
    for _ in range(500):
        characters = list(good)
        for _ in range(rng.randrange(4)):
            at = rng.randrange(len(characters))
            characters[at : at + rng.randrange(3)] = rng.choice(
                ["", "\0", "\ud800", "9" * 30, "-1", "\r\n", "a=mid:7\r\n", " "]
            )
        try:
            await peer.trickle("".join(characters))
        except BadOfferError:
            refused += 1
    assert 50 < refused < 450
    assert peer._transport is not None
    await asyncio.sleep(0)
    assert len(peer._transport._connection._remote_candidates) <= 2 * MAX_CANDIDATES
    await peer.close()
