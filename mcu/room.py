"""One conference room: who is in it, what the canvas shows, and what the outside is told. Media are `mcu.engine`'s.

Everything here runs on the room's event loop; the mixers' threads report through ``call_soon_threadsafe``.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import ParamSpec

from mcu.audio.mixer import Speaking
from mcu.clock import MediaClock
from mcu.direction import Wish
from mcu.engine import MediaEngine
from mcu.errors import BitrateError, RoomFullError, UnknownParticipantError
from mcu.hub import PacketHub
from mcu.media import VideoCodec
from mcu.messages import (
    ActiveSpeaker,
    Event,
    IceServer,
    LayoutChanged,
    Load,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantState,
    ParticipantTold,
    ParticipantUpdated,
    RecordingPart,
    RoomConfig,
    RoomState,
    SetLayout,
    TilesMoved,
)
from mcu.participant import Participant
from mcu.program import Program
from mcu.rtc.peer import Peer
from mcu.stage import SCREEN_SUFFIX
from mcu.sync import LipSync
from mcu.telling import tiles_told
from mcu.video.moves import TileMoves
from mcu.video.style import CanvasStyle

P = ParamSpec("P")
_LOOK_EVERY_S = 1


class Room:
    """A room from its opening to its end.

    Args:
        config: the canvas, the limits, the first layout.
        instance: the name of this life of the room, told to the outside.
        emit: takes every event, on the loop.
    """

    def __init__(self, config: RoomConfig, instance: str, emit: Callable[[Event], None]) -> None:
        self.config = config
        self.clock = MediaClock()
        self._instance = instance
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._created_at = time.time()
        self._participants: dict[str, Participant] = {}  # in order of joining
        self._former_drops: Counter[tuple[str, str]] = Counter()  # of what peers sent who are gone
        self._active_speaker: str | None = None
        self._tiles: TilesMoved | None = None  # what was told last
        self._looking: asyncio.TimerHandle | None = None
        self._turns = 0  # how often the active speaker changed
        self._empty_since: float | None = self._loop.time()
        self._media = MediaEngine(config, self.clock)
        self._media.audio.on_speaking = self._on_loop(self._speaking_changed)
        self._program = Program(config, self._participants, self._media, self._tell_updated)
        self._media.video.on_sources_changed = self._on_loop(self._program.rearrange)
        self._media.video.on_tiles = self._on_loop(self._tiles_moved)
        self._media.video.on_overload = self._on_loop(self._overload_changed)

    def _on_loop(self, call: Callable[P, None]) -> Callable[P, None]:
        def later(*args: P.args, **kwargs: P.kwargs) -> None:
            self._loop.call_soon_threadsafe(partial(call, *args, **kwargs))

        return later

    def start(self) -> None:
        """Start the media threads."""
        self._program.show()
        self._media.start()

    async def close(self) -> None:
        """Let everybody go and stop the media threads."""
        if self._looking is not None:
            self._looking.cancel()
        await asyncio.gather(*(self.leave(id_, "closed") for id_ in list(self._participants)))
        await self._media.stop()

    @property
    def picture_hub(self) -> PacketHub:
        """The mix as H.264, for recordings."""
        return self._media.video.hubs[VideoCodec.H264]

    @property
    def sound_hub(self) -> PacketHub:
        """The mix as AAC, for recordings."""
        return self._media.audio.aac

    @property
    def empty_for_s(self) -> float:
        """How long nobody has been here; 0 while somebody is (or is connecting)."""
        return 0 if self._empty_since is None else self._loop.time() - self._empty_since

    # --- membership ---------------------------------------------------------------------------------------------------

    async def join(  # noqa: PLR0913 - what a request says
        self,
        participant_id: str,
        name: str,
        offer_sdp: str,
        *,
        video: bool = True,
        follows: bool = False,
        ice_servers: Sequence[IceServer] = (),
    ) -> str:
        """Answer somebody's offer; they count as present from here, and are on the canvas once connected.

        Without ``video`` they are sent no picture; who ``follows`` keeps his camera to ``camera_wanted`` himself. The
        ``ice_servers`` are for our side of the connection.

        Raises:
            RoomFullError: no place left.
            BadOfferError: the offer makes no sense.
        """
        if len(self._participants) >= self.config.max_participants:
            raise RoomFullError(f"the room holds {self.config.max_participants} participants and is full")
        events = _PeerEvents(self, participant_id)
        peer = Peer(
            participant_id,
            self.clock,
            ice_servers,
            events,
            connect_timeout_s=self.config.connect_timeout_s,
            stereo=self.config.audio.music,
            give_way=self._media.right_of_way.give,
        )
        self._participants[participant_id] = Participant(
            participant_id, name, peer, LipSync(), watches=video, follows=follows
        )
        self._empty_since = None
        if self._looking is None:
            self._looking = self._loop.call_later(_LOOK_EVERY_S, self._look_at_lines)
        try:
            return await peer.answer(offer_sdp)
        except BaseException:
            self._forget(participant_id)
            await peer.close()
            raise

    async def trickle(self, participant_id: str, fragment: str) -> None:
        """Pass on ICE candidates that came after the offer."""
        await self._participant(participant_id).peer.trickle(fragment)

    async def leave(self, participant_id: str, reason: str) -> None:
        """Let somebody go: by their will, by somebody else's, or because they are lost."""
        participant = self._forget(participant_id)
        if participant is not None:
            await participant.peer.close()
            if participant.state == "connected":
                self._emit(ParticipantLeft(participant_id=participant_id, reason=reason))

    def connected(self, participant_id: str) -> None:
        """Somebody's media path stands: wire it up."""
        participant = self._participants.get(participant_id)
        if participant is None or participant.state != "connecting":
            return
        participant.state = "connected"
        self._media.connect(participant)
        self._emit(ParticipantJoined(participant=participant.told()))
        self._program.rearrange()

    def _forget(self, participant_id: str) -> Participant | None:
        participant = self._participants.pop(participant_id, None)
        if participant is None:
            return None
        self._former_drops += participant.peer.drops()
        if not self._participants:
            self._empty_since = self._loop.time()
        if participant.state == "connected":
            self._part(participant)
        return participant

    def _part(self, participant: Participant) -> None:
        self._media.disconnect(participant)
        if self._active_speaker == participant.id:
            self._active_speaker = None
            self._emit(ActiveSpeaker(participant_id=None))
        self._program.wish(participant.id, None)

    def _participant(self, participant_id: str) -> Participant:
        try:
            return self._participants[participant_id]
        except KeyError:
            raise UnknownParticipantError(f"no participant {participant_id!r} in this room") from None

    async def kick(self, participant_id: str, reason: str) -> None:
        """As ``leave``, for callers who name the participant: raises ``UnknownParticipantError``."""
        self._participant(participant_id)
        await self.leave(participant_id, reason)

    # --- picture ------------------------------------------------------------------------------------------------------

    def set_layout(self, request: SetLayout) -> None:
        """Use another layout from the next tick on; raises ``LayoutError`` and changes nothing if it is no good."""
        self._program.direct(request)
        name, options, custom = self._program.layout, request.options, request.custom
        changed = {"layout": name, "layout_options": options, "custom_layout": custom}
        self.config = self.config.model_copy(update=changed)
        self._emit(LayoutChanged(layout=name, options=options, custom=custom))

    def set_wish(self, participant_id: str, change: Callable[[Wish], Wish]) -> None:
        """Pin, spotlight, hide or order somebody."""
        participant = self._participant(participant_id)
        participant.wish = change(participant.wish)
        self._program.wish(participant_id, participant.wish)
        self._tell_updated(participant)

    def set_bitrate(self, bitrate_bps: int) -> None:
        """Encode with less, or again with more, from the next picture on; raises ``BitrateError``."""
        video = self.config.video
        if bitrate_bps > video.most_bps:
            raise BitrateError(f"video.bitrate: the room was opened with {video.most_bps}, which it cannot exceed")
        video = video.model_copy(update={"bitrate_bps": bitrate_bps, "ceiling_bps": video.most_bps})
        self.config = self.config.model_copy(update={"video": video})
        self._media.follow(video)

    def set_style(self, style: CanvasStyle) -> None:
        """Show this beside the tiles from the next tick on."""
        self._program.dress(style)

    def _tiles_moved(self, moves: TileMoves) -> None:
        self._tiles = tiles_told(moves, self.clock)
        self._emit(self._tiles)

    def snapshot_jpeg(self) -> bytes:
        """The canvas now."""
        return self._media.video.snapshot_jpeg()

    # --- sound --------------------------------------------------------------------------------------------------------

    def _speaking_changed(self, now: Speaking) -> None:
        for participant in self._participants.values():
            if participant.state != "connected":
                continue
            state = (participant.id in now.muted, participant.id in now.speaking)
            if state != (participant.muted, participant.speaking):
                participant.muted, participant.speaking = state
                self._tell_updated(participant)
        if now.active != self._active_speaker and (now.active is None or now.active in self._participants):
            self._active_speaker = now.active
            if now.active is not None:
                self._turns += 1
                self._participants[now.active].last_spoke = self._turns
            self._emit(ActiveSpeaker(participant_id=now.active))
        self._program.rearrange()

    def set_audio(self, participant_id: str, *, gain_db: float | None, muted: bool | None) -> None:
        """Mix somebody louder or softer, or not at all, for everybody; None leaves it as it is."""
        participant = self._participant(participant_id)
        if participant.state != "connected":
            raise UnknownParticipantError(f"participant {participant_id!r} is still connecting")
        if gain_db is not None:
            self._media.audio.set_gain(participant_id, gain_db)
            participant.gain_db = gain_db
        if muted is not None:
            self._media.audio.set_muted(participant_id, muted)
            participant.silenced = muted
        self._tell_updated(participant)

    # --- lines --------------------------------------------------------------------------------------------------------

    def _look_at_lines(self) -> None:
        """Every second, while anybody is here."""
        self._looking = self._loop.call_later(_LOOK_EVERY_S, self._look_at_lines) if self._participants else None
        changed = False
        for participant in self._participants.values():
            if participant.state == "connected":
                stats = participant.peer.stats()
                changed |= participant.line.update(stats["packets_in"], stats["packets_lost_in"])
        if changed:
            self._program.rearrange()
        else:
            self._program.follow_cameras()

    # --- overload -----------------------------------------------------------------------------------------------------

    def _overload_changed(self) -> None:
        self._media.offer()
        self._program.follow_cameras()
        self._emit(self._media.overload(self.config.video))

    # --- telling ------------------------------------------------------------------------------------------------------

    def _tell_updated(self, participant: Participant) -> None:
        if participant.state == "connected":
            self._emit(ParticipantUpdated(participant=participant.told()))

    def participant(self, participant_id: str) -> ParticipantTold:
        """Everything about one of them; raises ``UnknownParticipantError``."""
        participant = self._participant(participant_id)
        return ParticipantTold(participant=self._told(participant), delays=self._media.delays.recent(participant_id))

    def _told(self, participant: Participant) -> ParticipantState:
        told, video = participant.told(), self._media.video
        camera = video.source_stats(participant.id, "camera")
        screen = video.source_stats(participant.id + SCREEN_SUFFIX, "screen")
        return told.model_copy(update={"stats": told.stats | camera | screen})

    def state(self, recording: RecordingPart | None) -> RoomState:
        """Everything about the room."""
        overload = self._media.overload(self.config.video)
        return RoomState(
            config=self.config,
            instance=self._instance,
            created_at=self._created_at,
            layout=self._program.layout,
            participants=tuple(map(self._told, self._participants.values())),
            active_speaker=self._active_speaker,
            tiles=self._tiles,
            overload=overload if overload.level else None,
            recording=recording,
            metrics=self._metrics(),
            delays=self._media.delays.histograms(),
        )

    def load(self, *, recording: bool) -> Load:
        """What the room bears."""
        tiles = self._program.on_canvas
        demands = tuple(participant.demand(tiles) for participant in self._participants.values())
        return Load(video=self.config.video, demands=demands, recording=recording)

    def _metrics(self) -> dict[str, float]:
        drops = sum((p.peer.drops() for p in self._participants.values()), start=self._former_drops)
        named = {f'tutti_receive_dropped_total{{of="{of}",reason="{why}"}}': float(n) for (of, why), n in drops.items()}
        return self._media.metrics() | named


class _PeerEvents:
    """Tells the room what becomes of one peer."""

    def __init__(self, room: Room, participant_id: str) -> None:
        self._room = room
        self._id = participant_id
        self._leaving: asyncio.Task[None] | None = None  # held so that the task is not collected

    def connected(self) -> None:
        self._room.connected(self._id)

    def closed(self, reason: str) -> None:
        self._leaving = asyncio.get_running_loop().create_task(self._room.leave(self._id, reason))
