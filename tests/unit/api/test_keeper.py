"""Rooms that die and come back, on a clock of the test's own."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from api.rooms.feed import Feeds
from api.rooms.host import Kind, NoCapacity, RoomRef
from api.rooms.keeper import RoomKeeper
from mcu.messages import Load, RoomConfig
from tests.unit.api.fake_host import FakeHost

pytestmark = pytest.mark.unit


class UnwillingHost(FakeHost):
    """Refuses to open rooms so many times."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses = 0

    async def open(self, name: str, load: Load | None = None) -> RoomRef:
        if self.refuses:
            self.refuses -= 1
            raise NoCapacity(Kind.ROOM, "not now")
        return await super().open(name, load)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


@pytest.fixture
def host() -> UnwillingHost:
    return UnwillingHost()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keeper(host: UnwillingHost, clock: Clock) -> AsyncIterator[RoomKeeper]:
    made = RoomKeeper(host, Feeds(), lambda name: RoomConfig(name=name), clock, clock.sleep)
    yield made
    await made.stop()


async def _settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_opening_again_is_tried_more_than_once(keeper: RoomKeeper, host: UnwillingHost, clock: Clock) -> None:
    await keeper.ensure("a", create=True)
    host.refuses = 3
    host.kill("a")
    await _settle()
    assert host.ref("a") is not None
    assert clock.now_s == 3.5


async def test_but_not_for_ever(keeper: RoomKeeper, host: UnwillingHost) -> None:
    await keeper.ensure("a", create=True)
    host.refuses = 4
    host.kill("a")
    await _settle()
    assert host.ref("a") is None
    await keeper.ensure("a", create=True)  # it is as any unknown room now


async def test_crashes_long_ago_are_forgiven(keeper: RoomKeeper, host: UnwillingHost, clock: Clock) -> None:
    await keeper.ensure("a", create=True)
    for _ in range(10):
        host.kill("a")
        await _settle()
        assert host.ref("a") is not None
        clock.now_s += 25
    assert keeper.lost == 10


async def test_only_one_process_is_opened_for_many_who_ask(keeper: RoomKeeper, host: UnwillingHost) -> None:
    refs = await asyncio.gather(*(keeper.ensure("a", create=True) for _ in range(10)))
    assert len(set(refs)) == host.opened == 1
    host.kill("a")
    again = await asyncio.gather(*(keeper.ensure("a", create=False) for _ in range(10)))
    assert len(set(again)) == 1
    assert host.opened == 2
