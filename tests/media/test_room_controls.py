"""What is asked for one participant's sound is told to everybody, and stands in the room's state."""

import pytest

from mcu.messages import Event, ParticipantUpdated, RoomConfig
from mcu.room import Room
from tests.media.rtc_world import Client, ToneTrack, until

pytestmark = [pytest.mark.media, pytest.mark.usefixtures("no_standstill")]


async def test_who_is_muted_for_everybody_is_known_to_everybody() -> None:
    events: list[Event] = []
    room = Room(RoomConfig(name="r"), "i", events.append)
    room.start()
    client = Client()
    client.pc.addTrack(ToneTrack())
    try:
        await client.accept(await room.join("a", "Ana", await client.offer()))
        await until(lambda: any(isinstance(e, ParticipantUpdated) and not e.participant.muted for e in events))
        events.clear()
        room.set_audio("a", gain_db=None, muted=True)
        room.set_audio("a", gain_db=-6, muted=None)
        told = [(e.participant.silenced, e.participant.gain_db) for e in events if isinstance(e, ParticipantUpdated)]
        assert told == [(True, 0), (True, -6)]
        (person,) = room.state(None).participants
        assert (person.silenced, person.gain_db) == (True, -6)
        room.set_audio("a", gain_db=None, muted=False)
        assert not room.state(None).participants[0].silenced
    finally:
        await client.close()
        await room.close()
