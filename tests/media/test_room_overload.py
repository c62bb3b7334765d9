"""What a room asks of its cameras while the machine does not keep up."""

import pytest

from mcu.messages import Event, OverloadChanged, RoomConfig, VideoConfig
from mcu.room import Room
from mcu.video.overload import Overload
from tests.media.rtc_world import Client, PatternTrack, until

pytestmark = [pytest.mark.media, pytest.mark.usefixtures("no_standstill")]

HALF_IS_BEST = 3  # of the steps of relief


def _wanted(room: Room) -> tuple[int, int]:
    (person,) = room.state(None).participants
    return (person.camera_wanted.width, person.camera_wanted.height) if person.camera_wanted else (0, 0)


def _overload(room: Room, level: int) -> None:
    video = room._media.video
    video.overload.level = level
    assert video.on_overload is not None
    video.on_overload()


async def test_a_room_of_one_size_goes_on_asking_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Overload, "worked", lambda *_: False)
    events: list[Event] = []
    room = Room(RoomConfig(name="r", video=VideoConfig(rungs=1)), "i", events.append)
    room.start()
    client = Client()
    client.pc.addTrack(PatternTrack(luma=100))
    try:
        await client.accept(await room.join("a", "Ana", await client.offer()))
        await until(lambda: _wanted(room) == (960, 720))
        _overload(room, HALF_IS_BEST)
        await until(lambda: any(isinstance(e, OverloadChanged) for e in events))
        assert [e.width for e in events if isinstance(e, OverloadChanged)] == [1280]
        assert _wanted(room) == (960, 720)
    finally:
        await client.close()
        await room.close()


async def test_cameras_send_what_the_largest_size_on_offer_shows_and_all_again_while_it_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Overload, "worked", lambda *_: False)  # what is given up is decided here
    events: list[Event] = []
    room = Room(RoomConfig(name="r"), "i", events.append)
    room.start()
    client = Client()
    client.pc.addTrack(PatternTrack(luma=100))  # a picture of 4:3

    try:
        await client.accept(await room.join("a", "Ana", await client.offer()))
        await until(lambda: _wanted(room) == (960, 720))
        _overload(room, HALF_IS_BEST)
        await until(lambda: _wanted(room) == (480, 360))
        await until(lambda: any(isinstance(e, OverloadChanged) for e in events))
        assert [(e.level, e.width) for e in events if isinstance(e, OverloadChanged)] == [(HALF_IS_BEST, 640)]
        recorder = room.picture_hub.subscribe(bound=30, wake=lambda: None, every_frame=True)
        await until(lambda: _wanted(room) == (960, 720))
        room.picture_hub.unsubscribe(recorder)
        await until(lambda: _wanted(room) == (480, 360))
        _overload(room, 0)
        await until(lambda: _wanted(room) == (960, 720))
    finally:
        await client.close()
        await room.close()
