"""Somebody who wants no picture is sent none, and costs no encoder."""

import pytest

from mcu.messages import RoomConfig
from mcu.room import Room
from tests.media.rtc_world import Client, ToneTrack, until

pytestmark = [pytest.mark.media, pytest.mark.usefixtures("no_standstill")]


async def _join(room: Room, name: str, *, video: bool) -> Client:
    client = Client()
    client.pc.addTrack(ToneTrack())
    client.pc.addTransceiver("video", direction="recvonly")
    await client.accept(await room.join(name, name, await client.offer(), video=video))
    return client


async def test_who_wants_sound_only_gets_sound_only() -> None:
    room = Room(RoomConfig(name="r"), "i", lambda _: None)
    room.start()
    listener = await _join(room, "listener", video=False)
    clients = [listener]
    try:
        await until(lambda: len(listener.frames["audio"]) > 50)
        assert room.state(None).metrics["tutti_video_encoders"] == 0
        viewer = await _join(room, "viewer", video=True)
        clients.append(viewer)
        await until(lambda: len(viewer.frames["video"]) > 5)
        assert room.state(None).metrics["tutti_video_encoders"] == 1
        assert listener.frames["video"] == []
        people = {person.id: person for person in room.state(None).participants}
        assert people["viewer"].stats["rung"] == 0
        assert people["viewer"].camera_wanted is not None
    finally:
        for client in clients:
            await client.close()
        await room.close()
