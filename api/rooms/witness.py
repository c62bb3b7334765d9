"""Notes for a recording's timeline what a room's events tell: who is where on the picture, and who speaks."""

from collections.abc import Callable, Mapping
from typing import Any

from mcu.messages import (
    ActiveSpeaker,
    Event,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantUpdated,
    RoomState,
    TilesMoved,
)
from mcu.stage import SCREEN_SUFFIX


class Witness:
    """Sees events as they happen, from a known state on.

    Args:
        state: the room now.
        now_us: the room's media time.
        note: takes lines as in ``recorder.notes``.
    """

    def __init__(self, state: RoomState, now_us: Callable[[], int], note: Callable[[Mapping[str, Any]], None]) -> None:
        self._now_us = now_us
        self._note = note
        self._names = {person.id: person.name for person in state.participants}
        self._speaking = {person.id for person in state.participants if person.speaking}
        self._active = state.active_speaker
        self._tell(people=dict(self._names))
        if state.tiles is None:
            self._tell(tiles=[])
        else:
            self._see_tiles(state.tiles)
        self._tell_speaking()

    def see(self, event: Event) -> None:
        """Note an event that has just happened, if it has a place in a timeline."""
        match event:
            case TilesMoved():
                self._see_tiles(event)
            case ActiveSpeaker():
                self._hear(self._speaking, event.participant_id)
            case ParticipantJoined():
                self._names[event.participant.id] = event.participant.name
                self._tell(people={event.participant.id: event.participant.name})
            case ParticipantUpdated():
                changed = {event.participant.id}
                self._hear(
                    self._speaking | changed if event.participant.speaking else self._speaking - changed, self._active
                )
            case ParticipantLeft():
                self._hear(self._speaking - {event.participant_id}, self._active)

    def _see_tiles(self, event: TilesMoved) -> None:
        """The places that the tiles head for, from when they set out."""
        tiles = [{"id": tile.id, "name": self._name(tile.id), "rect": tile.end.model_dump()} for tile in event.tiles]
        self._note({"t": event.media_time, "tiles": tiles})

    def _name(self, tile_id: str) -> str:
        return self._names.get(tile_id.removesuffix(SCREEN_SUFFIX), tile_id)

    def _hear(self, speaking: set[str], active: str | None) -> None:
        if (speaking, active) != (self._speaking, self._active):
            self._speaking, self._active = speaking, active
            self._tell_speaking()

    def _tell_speaking(self) -> None:
        self._tell(speaking=sorted(self._speaking), active=self._active)

    def _tell(self, **what: Any) -> None:
        self._note({"t": self._now_us() / 1e6, **what})
