"""Rooms for tests of the recording service."""

import asyncio
from pathlib import Path

from mcu.errors import TuttiError
from tests.media import recorder_clips as clips


class RoomGoneError(TuttiError):
    code = "room_gone"


class Rooms:
    """Rooms in this process: each part gets three seconds of pictures at once; the clock goes on between parts."""

    def __init__(self) -> None:
        self.writing: dict[str, clips.Room] = {}
        self.refusals: list[TuttiError] = []  # to come, one a start
        self.parts: list[int] = []

    async def start_part(self, room: str, recording_id: str, part: int, directory: Path) -> int:
        assert directory.parent.name == recording_id
        self.parts.append(part)
        if self.refusals:
            raise self.refusals.pop(0)
        made = clips.Room(directory, part=part, wall_offset_us=clips.WALL_US + 5_000_000 * part)
        frames = clips.merged(clips.video(3), clips.audio(5))
        started_us = await asyncio.to_thread(made.start, frames)
        await asyncio.to_thread(clips.publish, frames, made.pictures, made.sound)
        self.writing[room] = made
        return started_us

    async def stop_part(self, room: str, recording_id: str) -> int:
        if room not in self.writing:
            raise RoomGoneError(f"room {room} is gone, and recording {recording_id} with it")
        return await asyncio.to_thread(self.writing.pop(room).writer.stop)

    async def end(self, room: str) -> None:
        """The room closes in order, or is killed after its last fragment was flushed: the same to the files."""
        await asyncio.to_thread(self.writing.pop(room).writer.stop)
