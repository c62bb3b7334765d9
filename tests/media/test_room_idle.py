"""A room that nobody is in costs next to nothing: a service holds many, and each wake-up of an idle machine is dear."""

import asyncio
import selectors
from collections.abc import Iterator

import pytest

from mcu.messages import RoomConfig
from mcu.room import Room
from tests.media.rtc_world import Client, ToneTrack, until

pytestmark = pytest.mark.media

MOST = 5  # in two seconds; more than 40 while somebody is here


class CountingSelector(selectors.DefaultSelector):
    """Counts how often the loop comes back from waiting."""

    wakes = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.wakes += 1
        return super().select(timeout)


@pytest.fixture
def selector() -> Iterator[CountingSelector]:
    with CountingSelector() as counting:
        yield counting


async def _wakes(selector: CountingSelector) -> int:
    before = selector.wakes
    await asyncio.sleep(2)
    return selector.wakes - before


async def _story(selector: CountingSelector) -> dict[str, int]:
    room = Room(RoomConfig(name="r"), "i", lambda _: None)
    room.start()
    seen = {"before": await _wakes(selector)}
    client = Client()
    client.pc.addTrack(ToneTrack())
    try:
        await client.accept(await room.join("a", "Ana", await client.offer()))
        await until(lambda: len(client.frames["audio"]) > 10)
        seen["meanwhile"] = await _wakes(selector)
        await room.leave("a", "left")
    finally:
        await client.close()
    await until(lambda: not room.state(None).participants)
    seen["after"] = await _wakes(selector)
    await room.close()
    return seen


def test_an_empty_room_hardly_wakes(selector: CountingSelector) -> None:
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        seen = runner.run(_story(selector))
    assert seen["meanwhile"] > 40
    assert seen["before"] <= MOST
    assert seen["after"] <= MOST
