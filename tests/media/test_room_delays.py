"""A live room tells how long each stage takes for somebody who sends camera and microphone."""

import pytest

from mcu.messages import RoomConfig, VideoConfig
from mcu.room import Room
from tests.media.rtc_world import Client, PatternTrack, ToneTrack, until

pytestmark = [pytest.mark.media, pytest.mark.usefixtures("no_standstill")]

PICTURE = {"receive", "decode", "hold", "wait", "compose", "encode", "send", "total"}
SOUND = {"wait", "mix", "send", "total"}


def _count(room: Room, media: str) -> int:
    total = room.participant("a").delays.get(media, {}).get("total")
    return 0 if total is None else total.count


async def test_all_stages_of_picture_and_sound_are_told() -> None:
    room = Room(RoomConfig(name="r", video=VideoConfig(width=320, height=180)), "i", lambda _: None)
    room.start()
    client = Client()
    for track in (ToneTrack(), PatternTrack()):
        client.pc.addTrack(track)
    try:
        await client.accept(await room.join("a", "Ana", await client.offer()))
        await until(lambda: _count(room, "picture") > 20 and _count(room, "sound") > 20)
        told = room.participant("a")
        picture, sound = told.delays["picture"], told.delays["sound"]
        assert (set(picture), set(sound)) == (PICTURE, SOUND)
        assert all(0 <= stage.p50_ms <= stage.p95_ms for stages in told.delays.values() for stage in stages.values())
        assert picture["total"].p50_ms >= picture["encode"].p50_ms > 0
        assert sound["wait"].p50_ms < sound["total"].p50_ms
        assert (told.participant.stats["camera_width"], told.participant.stats["camera_height"]) == (320, 240)
        since_start = room.state(None).delays
        assert sum(since_start["picture"]["total"].counts) >= picture["total"].count
        await room.leave("a", "left")
        assert {media: set(stages) for media, stages in room.state(None).delays.items()} == {
            "picture": PICTURE,
            "sound": SOUND,
        }
    finally:
        await client.close()
        await room.close()
