"""Stands in for ``api.worker`` in tests: speaks the room protocol, mixes nothing.

Participants' names tell it what to do: ``crash`` dies, ``hang`` stops answering everything, ``full`` and ``bad`` fail,
``flood`` sends 3000 events at once.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from mcu import wire
from mcu.load import offered
from mcu.messages import (
    Close,
    Demand,
    Done,
    Failure,
    GetLoad,
    GetParticipant,
    GetSnapshot,
    GetState,
    Join,
    Joined,
    LayoutChanged,
    Leave,
    Load,
    Message,
    Open,
    OverloadChanged,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantState,
    ParticipantTold,
    PartStarted,
    PartStopped,
    Ping,
    RecordingPart,
    RoomConfig,
    RoomEnding,
    RoomState,
    SetAudio,
    SetBitrate,
    SetLayout,
    SetOverlay,
    SetWish,
    Snapshot,
    StageDelay,
    StartPart,
    StopPart,
    TileBox,
    TileMove,
    TilesMoved,
    Trickle,
    decode_request,
    encode,
)

LAYOUTS = ("grid", "speaker")
UNKNOWN_LAYOUT = Failure(code="invalid_layout", message="unknown layout; there are: grid, speaker")
JPEG_BASE64 = "/9j/2Q=="  # start and end of image


class FakeRoom:
    def __init__(self) -> None:
        self.config: RoomConfig | None = None
        self.instance = ""
        self.layout = "grid"
        self.people: dict[str, ParticipantState] = {}
        self.demands: dict[str, Demand] = {}
        self.part: RecordingPart | None = None
        self.overlay: SetOverlay | None = None
        self.overload: OverloadChanged | None = None
        self.audio: list[SetAudio] = []
        self.joins: list[Join] = []
        self.events: list[Message] = []
        self.ended = False

    def answer(self, data: bytes) -> Message:
        request = decode_request(data)
        if self.config is None and not isinstance(request, Open | Close):
            return Failure(code="not_open", message="not open")
        return self._handlers[type(request)](self, request) or Done()

    def _open(self, request: Open) -> Message | None:
        if request.config.layout not in LAYOUTS and request.config.custom_layout is None:
            return UNKNOWN_LAYOUT
        self.config, self.instance, self.layout = request.config, request.instance, request.config.layout
        return None

    def _leave(self, request: Leave) -> Message | None:
        self.demands.pop(request.participant_id, None)
        if self.people.pop(request.participant_id, None) is None:
            return Failure(code="unknown_participant", message="no such participant")
        self.events.append(ParticipantLeft(participant_id=request.participant_id, reason=request.reason))
        return None

    def _trickle(self, request: Trickle) -> Message | None:
        if request.participant_id not in self.people:
            return Failure(code="unknown_participant", message="no such participant")
        return None

    def _set_layout(self, request: SetLayout) -> Message | None:
        assert self.config is not None
        if request.layout not in LAYOUTS and request.custom is None:
            return UNKNOWN_LAYOUT
        self.layout = request.layout
        changed = {"layout": request.layout, "layout_options": request.options, "custom_layout": request.custom}
        self.config = self.config.model_copy(update=changed)
        self.events.append(LayoutChanged(layout=request.layout, options=request.options, custom=request.custom))
        return None

    def _set_bitrate(self, request: SetBitrate) -> Message | None:
        assert self.config is not None
        if request.bitrate_bps > self.config.video.bitrate_bps:
            return Failure(code="invalid_request", message="too much")
        video = self.config.video.model_copy(update={"bitrate_bps": request.bitrate_bps})
        self.config = self.config.model_copy(update={"video": video})
        return None

    def _set_wish(self, request: SetWish) -> Message | None:
        if request.participant_id not in self.people:
            return Failure(code="unknown_participant", message="no such participant")
        wanted = request.model_dump(include={"pinned", "spotlight", "hidden", "order"}, exclude_none=True)
        if wanted.get("order", 0) < 0:
            wanted["order"] = None
        self.people[request.participant_id] = self.people[request.participant_id].model_copy(update=wanted)
        return None

    def _set_audio(self, request: SetAudio) -> Message | None:
        if request.participant_id not in self.people:
            return Failure(code="unknown_participant", message="no such participant")
        self.audio.append(request)
        wanted = {"gain_db": request.gain_db, "silenced": request.muted}
        changed = {name: value for name, value in wanted.items() if value is not None}
        self.people[request.participant_id] = self.people[request.participant_id].model_copy(update=changed)
        return None

    def _set_overlay(self, request: SetOverlay) -> Message | None:
        if request.background == "colourless":
            return Failure(code="invalid_style", message="background: 'colourless' is no colour like #111318")
        self.overlay = request
        return None

    def _snapshot(self, _request: GetSnapshot) -> Message:
        return Snapshot(jpeg_base64=JPEG_BASE64)

    def _start_part(self, request: StartPart) -> Message:
        self.part = RecordingPart(recording_id=request.recording_id, part=request.part)
        return PartStarted(**self.part.model_dump(), started_wall_us=time.time_ns() // 1000)

    def _stop_part(self, _request: StopPart) -> Message:
        part, self.part = self.part, None
        if part is None:
            return Failure(code="recording_not_active", message="not recording")
        return PartStopped(**part.model_dump(), ended_wall_us=time.time_ns() // 1000)

    def _close(self, request: Close) -> None:
        self.ended = True
        self.events.append(RoomEnding(reason=request.reason))

    def _join(self, request: Join) -> Message:
        assert self.config is not None
        self.joins.append(request)
        match request.name:
            case "crash":
                os._exit(1)
            case "hang":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "flood":
                self.events += [LayoutChanged(layout=f"grid{n}") for n in range(3000)]
        if len(self.people) >= self.config.max_participants:
            return Failure(code="room_full", message="the room is full")
        if not request.sdp.startswith("v=0") or "m=" not in request.sdp:
            return Failure(code="bad_offer", message="that is no offer")
        person = ParticipantState(
            id=request.participant_id, name=request.name, joined_at=time.time(), state="connected"
        )
        self.people[person.id] = person
        self.demands[person.id] = offered(person.id, request.sdp, watches=request.video)
        self.events.append(ParticipantJoined(participant=person))
        return Joined(participant_id=person.id, sdp="v=0\r\nanswer\r\n")

    def _participant(self, request: GetParticipant) -> Message:
        person = self.people.get(request.participant_id)
        if person is None:
            return Failure(code="unknown_participant", message="no such participant")
        return ParticipantTold(participant=person, delays={"sound": {"mix": StageDelay(count=3, p50_ms=1, p95_ms=2)}})

    def _state(self, _request: GetState) -> RoomState:
        assert self.config is not None
        return RoomState(
            config=self.config,
            instance=self.instance,
            created_at=1.0,
            layout=self.layout,
            participants=tuple(self.people.values()),
            tiles=TilesMoved(media_time=1, begins_at=2, duration=0.25, tiles=tuple(map(_tile, self.people))),
            overload=self.overload,
            recording=self.part,
            metrics={"tutti_frames_total": 7.0, "tutti_tick_lateness_ms_p95": 1.5},
        )

    def _load(self, _request: GetLoad) -> Load:
        assert self.config is not None
        video, demands = self.config.video, tuple(self.demands.values())
        return Load(video=video, demands=demands, recording=self.part is not None)

    _handlers: ClassVar[dict[type[Message], Callable[..., Message | None]]] = {
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
        Ping: lambda _room, _request: None,
    }


def _tile(id_: str) -> TileMove:
    whole = TileBox(x=0, y=0, width=1, height=1)
    return TileMove(id=id_, start=whole, end=whole)


async def _run(path: Path) -> None:
    room, writers, ended = FakeRoom(), set[asyncio.StreamWriter](), asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        writer.write(wire.pack(wire.hello()))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while True:
                frame = await wire.read(reader)
                if frame.kind == wire.Kind.REQUEST:
                    reply = room.answer(frame.payload)
                    for event in room.events:
                        for other in writers:
                            other.write(wire.pack(wire.Frame(wire.Kind.EVENT, 0, encode(event))))
                    room.events.clear()
                    writer.write(wire.pack(wire.Frame(wire.Kind.REPLY, frame.id, encode(reply))))
                    await writer.drain()
                if room.ended:
                    ended.set()
        writers.discard(writer)
        writer.close()
        if room.config is None:
            ended.set()

    server = await asyncio.start_unix_server(connected, path)
    await ended.wait()
    server.close()
    for writer in list(writers):
        writer.close()
    await asyncio.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--log-level")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.run_dir / f"{arguments.instance}.sock"))


if __name__ == "__main__":
    main()
