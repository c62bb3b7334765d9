"""Answers the requests that reach a room process: joins the room and the recorder, and knows no socket."""

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from api.rooms.witness import Witness
from mcu.errors import TuttiError
from mcu.messages import (
    Close,
    Done,
    Event,
    Failure,
    GetLoad,
    GetParticipant,
    GetSnapshot,
    GetState,
    Join,
    Joined,
    Leave,
    Message,
    Open,
    PartFailed,
    PartStarted,
    PartStopped,
    Ping,
    RecordingPart,
    Reply,
    Request,
    RoomEnding,
    SetAudio,
    SetBitrate,
    SetLayout,
    SetOverlay,
    SetWish,
    Snapshot,
    StartPart,
    StopPart,
    Trickle,
)
from mcu.room import Room
from mcu.video.style import canvas_style_from
from recorder.notes import NotesWriter
from recorder.part import PartInfo, PartWriter
from recorder.segments import LocalSegmentStore

logger = logging.getLogger(__name__)


class NotOpenError(TuttiError):
    """The process is a spare: no room was opened in it yet."""

    code = "not_open"


class AlreadyOpenError(TuttiError):
    """The process already is a room."""

    code = "already_open"


class AlreadyRecordingError(TuttiError):
    """The room is already writing a recording."""

    code = "recording_conflict"


class NotRecordingError(TuttiError):
    """The room is not writing that recording."""

    code = "recording_not_active"


class RoomHandler:
    """One room process's answers.

    Args:
        emit: takes every event for the outside; called on the loop.
    """

    ended: asyncio.Event  # set when the process has nothing left to do

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.ended = asyncio.Event()
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._room: Room | None = None
        self._part: tuple[RecordingPart, PartWriter] | None = None
        self._witness: Witness | None = None  # of the part being written
        self._notes: NotesWriter | None = None
        self._notes_lost = 0  # lines of earlier parts' notes
        self._part_lock = asyncio.Lock()  # one start or stop at a time
        self._ending = False

    @property
    def is_open(self) -> bool:
        """Whether a room lives here."""
        return self._room is not None

    @property
    def room(self) -> Room:
        """The room; raises ``NotOpenError`` in a spare."""
        if self._room is None:
            raise NotOpenError("no room was opened in this process yet")
        return self._room

    async def answer(self, request: Request) -> Reply:
        """Do what is asked; whatever goes wrong becomes a ``Failure``, never an exception."""
        try:
            reply: Reply = await self._handlers[type(request)](self, request)
        except TuttiError as error:
            return Failure(code=error.code, message=str(error))
        except Exception as error:
            logger.exception("request %s failed", request.type)
            return Failure(code="internal", message=f"{type(error).__name__} in the room process")
        return reply

    # --- the room -----------------------------------------------------------------------------------------------------

    async def _open(self, request: Open) -> Reply:
        if self._room is not None:
            raise AlreadyOpenError(f"this process is room {self._room.config.name!r}")
        self._room = Room(request.config, request.instance, self._tell)
        self._room.start()
        return Done()

    async def _join(self, request: Join) -> Reply:
        answer = await self.room.join(
            request.participant_id,
            request.name,
            request.sdp,
            video=request.video,
            follows=request.follows,
            ice_servers=request.ice_servers,
        )
        return Joined(participant_id=request.participant_id, sdp=answer)

    async def _trickle(self, request: Trickle) -> Reply:
        await self.room.trickle(request.participant_id, request.fragment)
        return Done()

    async def _leave(self, request: Leave) -> Reply:
        await self.room.kick(request.participant_id, request.reason)
        return Done()

    async def _set_layout(self, request: SetLayout) -> Reply:
        self.room.set_layout(request)
        return Done()

    async def _set_bitrate(self, request: SetBitrate) -> Reply:
        self.room.set_bitrate(request.bitrate_bps)
        return Done()

    async def _set_wish(self, request: SetWish) -> Reply:
        wanted = request.model_dump(include={"pinned", "spotlight", "hidden", "order"}, exclude_none=True)
        if wanted.get("order", 0) < 0:
            wanted["order"] = None
        self.room.set_wish(request.participant_id, lambda wish: replace(wish, **wanted))
        return Done()

    async def _set_audio(self, request: SetAudio) -> Reply:
        self.room.set_audio(request.participant_id, gain_db=request.gain_db, muted=request.muted)
        return Done()

    async def _set_overlay(self, request: SetOverlay) -> Reply:
        wanted = {name: value for name, value in request if name != "type"}  # a dump would encode the pictures again
        style = await asyncio.to_thread(canvas_style_from, **wanted)
        self.room.set_style(style)
        return Done()

    async def _snapshot(self, _request: GetSnapshot) -> Reply:
        jpeg = await asyncio.to_thread(self.room.snapshot_jpeg)
        return Snapshot(jpeg_base64=base64.b64encode(jpeg).decode())

    async def _state(self, _request: GetState) -> Reply:
        state = self.room.state(self._part[0] if self._part else None)
        lost = self._notes_lost + (self._notes.lost if self._notes else 0)
        return state.model_copy(update={"metrics": {**state.metrics, "tutti_timeline_lines_lost_total": float(lost)}})

    async def _participant(self, request: GetParticipant) -> Reply:
        return self.room.participant(request.participant_id)

    async def _load(self, _request: GetLoad) -> Reply:
        return self.room.load(recording=self._part is not None)

    async def _ping(self, _request: Ping) -> Reply:
        return Done()

    async def _close(self, request: Close) -> Reply:
        await self.end(request.reason)
        return Done()

    async def end(self, reason: str) -> None:
        """End everything in order: the recording's part, the participants, the threads. Once."""
        if self._ending:
            return
        self._ending = True
        try:
            if self._room is not None:
                self._emit(RoomEnding(reason=reason))
                await self._finish_part()
                await self._room.close()
        finally:
            self.ended.set()

    # --- the recording ------------------------------------------------------------------------------------------------

    async def _start_part(self, request: StartPart) -> Reply:
        async with self._part_lock:
            room = self.room
            if self._part is not None:
                raise AlreadyRecordingError(f"recording {self._part[0].recording_id} is running in this room")
            part = RecordingPart(recording_id=request.recording_id, part=request.part)
            writer = PartWriter(
                self._part_info(request),
                room.picture_hub,
                room.sound_hub,
                lambda error: self._later(self._part_failed, part, error),
            )
            self._part = (part, writer)
            self._begin_notes(request)
            try:
                started = await asyncio.to_thread(writer.start)
            except BaseException:
                self._part = None
                await self._end_notes()
                raise
        return PartStarted(recording_id=part.recording_id, part=part.part, started_wall_us=started)

    def _part_info(self, request: StartPart) -> PartInfo:
        video = self.room.config.video
        return PartInfo(
            recording_id=request.recording_id,
            part=request.part,
            width=video.width,
            height=video.height,
            fps=video.fps,
            directory=Path(request.directory),
            wall_us=self.room.clock.wall_us,
        )

    async def _stop_part(self, request: StopPart) -> Reply:
        if self._part is None or self._part[0].recording_id != request.recording_id:
            raise NotRecordingError(f"recording {request.recording_id} is not running in this room")
        stopped = await self._finish_part()
        if stopped is None:
            raise NotRecordingError(f"recording {request.recording_id} has just been stopped")
        return stopped

    async def _finish_part(self) -> PartStopped | None:
        async with self._part_lock:
            if self._part is None:
                return None
            part, writer = self._part
            ended = await asyncio.to_thread(writer.stop)
            self._part = None
            await self._end_notes()
        return PartStopped(recording_id=part.recording_id, part=part.part, ended_wall_us=ended)

    def _begin_notes(self, request: StartPart) -> None:
        """From before the first picture on, so that the state at its time is known."""
        self._notes = NotesWriter(LocalSegmentStore(Path(request.directory)))
        self._witness = Witness(self.room.state(None), self.room.clock.now_us, self._notes.note)

    async def _end_notes(self) -> None:
        notes, self._notes, self._witness = self._notes, None, None
        if notes is not None:
            await asyncio.to_thread(notes.close)
            self._notes_lost += notes.lost

    def _tell(self, event: Event) -> None:
        if self._witness is not None:
            self._witness.see(event)
        self._emit(event)

    def _later(self, call: Callable[[RecordingPart, TuttiError], None], part: RecordingPart, error: TuttiError) -> None:
        self._loop.call_soon_threadsafe(call, part, error)

    def _part_failed(self, part: RecordingPart, error: TuttiError) -> None:
        logger.error("recording %s broke off: %s", part.recording_id, error)
        self._emit(
            PartFailed(recording_id=part.recording_id, part=part.part, code=error.code, message=str(error)),
        )

    _handlers: ClassVar[dict[type[Message], Callable[..., Awaitable[Reply]]]] = {
        Open: _open,
        Join: _join,
        Trickle: _trickle,
        Leave: _leave,
        SetLayout: _set_layout,
        SetBitrate: _set_bitrate,
        SetWish: _set_wish,
        SetAudio: _set_audio,
        SetOverlay: _set_overlay,
        GetSnapshot: _snapshot,
        GetState: _state,
        GetParticipant: _participant,
        GetLoad: _load,
        StartPart: _start_part,
        StopPart: _stop_part,
        Close: _close,
        Ping: _ping,
    }
