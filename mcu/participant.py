"""One participant: its peer, what is known of it, and the picture others get of it."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from mcu.direction import NO_WISH, Wish
from mcu.load import Part, demand
from mcu.media import Rung
from mcu.messages import CameraWanted, Demand, ParticipantState, Track
from mcu.rtc.peer import Peer
from mcu.stage import SCREEN_SUFFIX, Person
from mcu.sync import LipSync
from mcu.trouble import TroubleMeter


@dataclass(slots=True)
class Participant:
    """Mutable record of somebody in the room; changed only on the room's loop."""

    id: str
    name: str
    peer: Peer
    sync: LipSync
    watches: bool = True  # is sent the picture
    follows: bool = False  # keeps the camera to what is wanted by itself
    joined_at: float = field(default_factory=time.time)  # Unix seconds
    state: Literal["connecting", "connected", "disconnected"] = "connecting"
    camera_on: bool = False
    muted: bool = True
    silenced: bool = False  # by request
    gain_db: float = 0.0
    speaking: bool = False
    wish: Wish = NO_WISH
    line: TroubleMeter = field(default_factory=TroubleMeter)
    camera_wanted: CameraWanted | None = None
    last_spoke: int = 0  # grows with each turn as active speaker; 0 never spoke

    def person(self) -> Person:
        """What the stage has to know."""
        return Person(self.id, self.name, self.muted, self.speaking, self.last_spoke, self.line.trouble)

    def demand(self, tiles: Collection[str]) -> Demand:
        """What they ask of the machine while these sources are on the canvas."""
        sender = self.peer.video_sender
        part = Part(
            watches=self.watches,
            has_tile=self.id in tiles or self.state == "connecting",
            sharing=self.id + SCREEN_SUFFIX in tiles,
            rung=sender.rung if sender is not None else Rung.FULL,
        )
        return demand(self.id, self.peer.negotiated, part)

    def told(self) -> ParticipantState:
        """What the outside is told."""
        tracks = self.peer.negotiated.tracks if self.state == "connected" else ()
        return ParticipantState(
            id=self.id,
            name=self.name,
            joined_at=self.joined_at,
            state=self.state,
            tracks=tuple(Track(kind=t.kind, direction=t.direction, codec=t.codec) for t in tracks),
            camera_on=self.camera_on,
            muted=self.muted,
            silenced=self.silenced,
            gain_db=self.gain_db,
            speaking=self.speaking,
            pinned=self.wish.pinned,
            spotlight=self.wish.spotlight,
            hidden=self.wish.hidden,
            order=self.wish.order,
            camera_wanted=self.camera_wanted,
            stats=self.peer.stats(),
        )
