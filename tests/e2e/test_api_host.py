"""Rooms in real processes (that mix nothing): started, lost, hung, found again, and gone without a trace."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from api.costs import Cost, cost_of
from api.rooms import rundir
from api.rooms.admission import UNLIMITED
from api.rooms.host import EventsLostError, Kind, NoCapacity, RoomGone, RoomRef
from api.rooms.local import LocalRoomHost
from api.rooms.rundir import DataDirectoryError, RunDir
from api.rooms.workers import Patience, RoomStartError
from mcu.load import offered
from mcu.messages import (
    Demand,
    Done,
    GetState,
    Join,
    Joined,
    Load,
    Open,
    RoomConfig,
    RoomState,
    decode_event,
    decode_reply,
    encode,
)
from tests.unit.api import fake_worker

pytestmark = [pytest.mark.e2e, pytest.mark.beside, pytest.mark.timeout(60)]

WORKER = (sys.executable, fake_worker.__file__)
OFFER = "v=0\r\nm=audio\r\n"
CAMERA = (Path(__file__).parents[1] / "unit" / "rtc" / "offers" / "chromium.sdp").read_bytes().decode()
QUICK = Patience(heartbeat_s=0.1, hung_s=0.5, answer_s=1, load_s=0.2, close_s=3, exit_s=3)


class Hosts(Protocol):
    def __call__(self, capacity: Cost = UNLIMITED) -> LocalRoomHost: ...


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Hosts]:
    """Services on one data folder, one after the other; what they leave running is killed at the end."""
    made: list[LocalRoomHost] = []

    def make(capacity: Cost = UNLIMITED) -> LocalRoomHost:
        host = LocalRoomHost(RunDir(tmp_path / "run"), max_rooms=4, capacity=capacity, command=WORKER, patience=QUICK)
        made.append(host)
        return host

    yield make
    for host in made:
        await host.stop()
    for process in _workers(tmp_path):
        process.kill()
        process.wait(5)


def _workers(folder: Path) -> list[psutil.Process]:
    def belongs(process: psutil.Process) -> bool:
        return any(part.startswith(str(folder)) for part in process.info["cmdline"] or [])

    return [process for process in psutil.process_iter(["cmdline"]) if belongs(process)]


def _exists(ref: RoomRef) -> bool:
    return Path(ref.address).exists()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _worker(ref: RoomRef) -> psutil.Process:
    return next(p for p in _workers(Path(ref.address).parent) if ref.instance in p.cmdline())


async def _open(host: LocalRoomHost, name: str) -> RoomRef:
    ref = await host.open(name)
    reply = decode_reply(await host.call(ref, encode(Open(instance=ref.instance, config=RoomConfig(name=name)))))
    assert reply == Done()
    return ref


async def _join(host: LocalRoomHost, ref: RoomRef, name: str, offer: str = OFFER) -> object:
    return decode_reply(await host.call(ref, encode(Join(participant_id=name, name=name, sdp=offer))))


async def _admitted(host: LocalRoomHost, ref: RoomRef, name: str) -> object:
    demand = offered(name, CAMERA, watches=True)
    async with host.admit(ref, Kind.PARTICIPANT, Load(demands=(demand,))):
        return await _join(host, ref, name, CAMERA)


async def _wait(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.02)


async def test_a_room_is_had_at_once_and_a_new_spare_stands_ready(hosts: Hosts, tmp_path: Path) -> None:
    host = hosts()
    await host.start()
    await _wait(lambda: len(list((tmp_path / "run").glob("*.sock"))) == 1)
    spare = next((tmp_path / "run").glob("*.sock")).stem

    ref = await _open(host, "a")
    assert ref.instance == spare
    assert await host.open("a") == ref
    assert await host.find("a") == ref
    assert await host.find("b") is None
    await _wait(lambda: len(_workers(tmp_path)) == 2)


async def test_messages_and_events_cross(hosts: Hosts) -> None:
    host = hosts()
    await host.start()
    ref = await _open(host, "a")
    events = host.events(ref)
    assert isinstance(await _join(host, ref, "Ada"), Joined)
    event = decode_event(await anext(events))
    assert event.type == "participant_joined"


async def test_many_who_want_one_room_get_one(hosts: Hosts) -> None:
    host = hosts()
    await host.start()
    refs = await asyncio.gather(*(host.open("a") for _ in range(20)))
    assert len(set(refs)) == 1
    assert len((await host.nodes())[0].rooms) == 1


async def test_the_machine_is_full_at_its_capacity(hosts: Hosts) -> None:
    host = hosts()
    await host.start()
    taken = await asyncio.gather(*(host.open(str(n)) for n in range(6)), return_exceptions=True)
    assert [type(outcome) for outcome in taken].count(NoCapacity) == 2
    assert len((await host.nodes())[0].rooms) == 4


async def test_rooms_found_again_count_and_a_burst_takes_what_is_left(hosts: Hosts) -> None:
    first = hosts()
    await first.start()
    found = await _open(first, "found")
    await _admitted(first, found, "Ada")
    await _admitted(first, found, "Ben")
    await first.stop()

    second = hosts(_cores_for(3) + _cores_for(2))
    await second.start()
    assert await second.open("found") == found
    other = await _open(second, "other")
    joins = [_admitted(second, ref, f"{n}") for n, ref in enumerate([found, other] * 4)]
    answers = await asyncio.gather(*joins, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Joined, NoCapacity}
    used = (await second.nodes())[0].used
    assert used.cores < second.admission.capacity.cores + 1e-6
    assert used.cores + cost_of(Load(demands=(_person(0),))).cores > second.admission.capacity.cores  # it is full
    assert second.admission.refused[Kind.PARTICIPANT] == sum(isinstance(answer, NoCapacity) for answer in answers)


async def test_a_silent_room_counts_as_it_said_last(hosts: Hosts) -> None:
    host = hosts(_cores_for(2) + _cores_for(0))
    await host.start()
    silent, other = await _open(host, "silent"), await _open(host, "other")
    for name in ("Ada", "Ben"):
        await _admitted(host, silent, name)
    await _wait(lambda: host.used.cores >= host.admission.capacity.cores - 1e-6)  # it has said so
    process = _worker(silent)
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(NoCapacity):
        await _admitted(host, other, "Cleo")
    await _wait(lambda: not process.is_running())  # hung, and killed
    await _wait(lambda: not _exists(silent))
    assert isinstance(await _admitted(host, other, "Cleo"), Joined)


def _person(number: int) -> Demand:
    return offered(f"p{number}", CAMERA, watches=True)


def _cores_for(people: int) -> Cost:
    return Cost(cost_of(Load(demands=tuple(map(_person, range(people))))).cores, 10_000)


@pytest.mark.parametrize("how", ["killed", "crashed"])
async def test_a_dead_room_is_noticed_at_once(hosts: Hosts, how: str) -> None:
    host = hosts()
    await host.start()
    ref = await _open(host, "a")
    events = host.events(ref)
    process = _worker(ref)
    if how == "killed":
        process.kill()
    else:
        with pytest.raises(RoomGone):
            await _join(host, ref, "crash")
    async with asyncio.timeout(1):
        with pytest.raises(RoomGone):
            await anext(events)
    with pytest.raises(RoomGone):
        await host.call(ref, encode(GetState()))
    assert await host.find("a") is None

    await _wait(lambda: not process.is_running())  # reaped: a zombie would still run
    await _wait(lambda: not _exists(ref))
    again = await _open(host, "a")
    assert again.instance != ref.instance


async def test_a_hung_room_is_killed(hosts: Hosts) -> None:
    host = hosts()
    await host.start()
    ref = await _open(host, "a")
    process = _worker(ref)
    with pytest.raises(RoomGone):
        await _join(host, ref, "hang")
    await _wait(lambda: not process.is_running())
    assert host.hung == 1


async def test_a_closed_room_is_gone_when_that_is_said(hosts: Hosts) -> None:
    host = hosts()
    await host.start()
    ref = await _open(host, "a")
    process = _worker(ref)
    await host.close(ref)
    assert not process.is_running()
    with pytest.raises(RoomGone):
        await host.close(ref)


async def test_a_room_that_will_not_close_is_killed(hosts: Hosts) -> None:
    host = hosts()
    await host.start()
    ref = await _open(host, "a")
    process = _worker(ref)
    process.send_signal(signal.SIGSTOP)
    await host.close(ref)
    assert not process.is_running()


async def test_rooms_outlive_the_service_and_are_found_again(hosts: Hosts) -> None:
    first = hosts()
    await first.start()
    ref = await _open(first, "caf\u00e9/\u4f1a")
    await _join(first, ref, "Ada")
    process = _worker(ref)
    await first.stop()
    assert process.is_running()

    second = hosts()
    await second.start()
    assert await second.find("caf\u00e9/\u4f1a") == ref
    state = decode_reply(await second.call(ref, encode(GetState())))
    assert isinstance(state, RoomState)
    assert [p.name for p in state.participants] == ["Ada"]
    assert await second.open("caf\u00e9/\u4f1a") == ref

    process.kill()  # a child no longer, but watched all the same
    await _wait(lambda: not _exists(ref))
    assert await second.find("caf\u00e9/\u4f1a") is None


async def test_what_dead_and_hung_rooms_left_is_cleared_away(hosts: Hosts, tmp_path: Path) -> None:
    first = hosts()
    await first.start()
    dead, hung = await _open(first, "dead"), await _open(first, "hung")
    processes = [_worker(dead), _worker(hung)]
    await first.stop()
    processes[0].kill()
    processes[1].send_signal(signal.SIGSTOP)

    second = hosts()
    await second.start()
    assert (await second.nodes())[0].rooms == ()
    assert not _exists(dead)
    assert not _exists(hung)
    await _wait(lambda: {p.status() for p in processes if p.is_running()} <= {psutil.STATUS_ZOMBIE})


async def test_one_service_a_data_folder(hosts: Hosts) -> None:
    first, second = hosts(), hosts()
    await first.start()
    with pytest.raises(DataDirectoryError, match="another service"):
        await second.start()


async def test_nothing_is_left_after_many_rooms(hosts: Hosts, tmp_path: Path) -> None:
    host = hosts()
    await host.start()
    await _open(host, "warm-up")
    open_files = _open_files()
    for n in range(12):
        ref = await _open(host, f"room {n}")
        if n % 3:
            await host.close(ref)
        else:
            _worker(ref).kill()
            await _wait(lambda name=ref.name: host._rooms.get(name) is None)  # type: ignore[misc]  # a default binds the name
    await host.close(await host.open("warm-up"))
    await _wait(lambda: len(_workers(tmp_path)) == 1)
    await _wait(lambda: _open_files() <= open_files)
    await host.stop()
    assert _workers(tmp_path) == []
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["lock"]


async def test_events_that_nobody_takes_are_bounded(hosts: Hosts) -> None:
    host = hosts()
    await host.start()
    ref = await _open(host, "a")
    events = host.events(ref)
    await _join(host, ref, "flood")
    with pytest.raises(EventsLostError):
        async for _ in events:
            pass
    assert isinstance(await _join(host, ref, "Ada"), Joined)  # the room itself is none the worse


async def test_a_worker_that_cannot_start_is_said(tmp_path: Path) -> None:
    host = LocalRoomHost(RunDir(tmp_path / "run"), max_rooms=1, command=(sys.executable, "-c", "raise SystemExit(3)"))
    await host.start()
    with pytest.raises(RoomStartError):
        await host.open("a")
    await host.stop()


def test_sockets_of_a_deep_data_folder_are_kept_where_their_path_is_short(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    short = rundir.choose(deep)
    assert short == rundir.choose(deep)
    assert short != rundir.choose(tmp_path / ("e" * 100))
    assert len(os.fsencode(RunDir(short).socket("0" * rundir.INSTANCE_BYTES))) <= 107
    assert rundir.choose(Path("/srv/data")) == Path("/srv/data/run")
