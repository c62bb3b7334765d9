"""The rooms as the rest of the service sees them: by name, always in their latest life."""

import asyncio
import base64
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from api.errors import RemoteError
from api.rooms.asking import AnyReply, ask
from api.rooms.host import Kind, RoomGone, RoomHost, RoomRef, RoomTimeoutError
from api.rooms.keeper import RoomKeeper
from mcu.load import offered
from mcu.messages import (
    Done,
    GetParticipant,
    GetSnapshot,
    GetState,
    IceServer,
    Join,
    Joined,
    Leave,
    Load,
    ParticipantState,
    ParticipantTold,
    Request,
    RoomConfig,
    RoomState,
    SetAudio,
    SetBitrate,
    SetLayout,
    SetOverlay,
    SetWish,
    Snapshot,
    Trickle,
)

logger = logging.getLogger(__name__)

JOIN_TIMEOUT_S = 20  # an answer waits for the server's own ICE candidates
LIST_TIMEOUT_S = 2  # whoever is slower is left out of lists
_REPEATABLE = (
    GetState,
    GetParticipant,
    GetSnapshot,
    SetBitrate,
    SetLayout,
    SetOverlay,
)  # asked twice they do no more than asked once


class RoomService:
    """What can be done with rooms and the people in them.

    All calls with a room's name raise ``RoomNotFoundError`` when there is none, and ``RoomGone``, ``RoomTimeoutError``
    or ``RemoteError`` when its process is going, silent or unwilling.

    Args:
        host: runs them.
        keeper: keeps them.
        create_on_join: whether joining an unknown room creates it.
        ice_servers: those for the rooms' side of a participant's connection, with credentials that are good now.
    """

    def __init__(
        self,
        host: RoomHost,
        keeper: RoomKeeper,
        *,
        create_on_join: bool,
        ice_servers: Callable[[], Sequence[IceServer]],
    ) -> None:
        self._host = host
        self._keeper = keeper
        self._create_on_join = create_on_join
        self._ice_servers = ice_servers

    # --- rooms --------------------------------------------------------------------------------------------------------

    async def create(self, config: RoomConfig) -> RoomState:
        """Open a room; raises ``RoomExistsError``, ``NoCapacity``, ``RemoteError`` (``invalid_layout``)."""
        return await ask(self._host, await self._keeper.create(config), GetState(), RoomState)

    async def close(self, name: str) -> None:
        """End a room; returns when its recording knows."""
        await self._keeper.close(name)

    async def instances(self) -> set[str]:
        """The rooms' processes that run."""
        return {ref.instance for ref in await self._refs()}

    async def states(self) -> list[RoomState]:
        """Every room that answers, by name."""
        replies = await asyncio.gather(*(self._state_or_none(ref) for ref in await self._refs()))
        return sorted((state for state in replies if state is not None), key=lambda state: state.config.name)

    async def state(self, name: str) -> RoomState:
        """One room."""
        return await self._ask(name, GetState(), RoomState)

    async def set_layout(self, name: str, layout: SetLayout) -> RoomState:
        """Change the layout; one that cannot be is a ``RemoteError`` with ``invalid_layout``."""
        await self._ask(name, layout, Done)
        return await self.state(name)

    async def set_bitrate(self, name: str, bitrate_bps: int) -> RoomState:
        """Change the mix's bitrate; too much of it is a ``RemoteError`` with ``invalid_request``."""
        await self._ask(name, SetBitrate(bitrate_bps=bitrate_bps), Done)
        return await self.state(name)

    async def set_overlay(self, name: str, overlay: SetOverlay) -> None:
        """Change what lies over the tiles; what cannot be is a ``RemoteError`` with ``invalid_style``."""
        await self._ask(name, overlay, Done)

    async def snapshot(self, name: str) -> bytes:
        """The canvas as JPEG."""
        return base64.b64decode((await self._ask(name, GetSnapshot(), Snapshot)).jpeg_base64)

    # --- participants -------------------------------------------------------------------------------------------------

    async def join(
        self, room: str, display_name: str, offer_sdp: str, *, video: bool = True, follows: bool = False
    ) -> tuple[str, str]:
        """Take an offer; the participant's id and the answer.

        Raises:
            RemoteError: ``room_full``, ``bad_offer``.
            NoCapacity: the machine cannot bear them.
        """
        message = Join(
            participant_id=secrets.token_hex(8),
            name=display_name,
            sdp=offer_sdp,
            video=video,
            follows=follows,
            ice_servers=tuple(self._ice_servers()),
        )
        demand = offered(message.participant_id, offer_sdp, watches=video)
        ref = await self._keeper.ensure(room, create=self._create_on_join, first=demand)
        async with self._host.admit(ref, Kind.PARTICIPANT, Load(demands=(demand,))):
            joined = await ask(self._host, ref, message, Joined, JOIN_TIMEOUT_S)
        return joined.participant_id, joined.sdp

    @asynccontextmanager
    async def recording_admitted(self, room: str) -> AsyncIterator[None]:
        """Make sure that the machine can bear a recording of the room, before it is begun. Raises ``NoCapacity``."""
        ref = await self._keeper.find(room)
        async with self._host.admit(ref, Kind.RECORDING, Load(recording=True)):
            yield

    async def trickle(self, room: str, participant_id: str, fragment: str) -> None:
        """Pass on candidates."""
        await self._ask(room, Trickle(participant_id=participant_id, fragment=fragment), Done)

    async def direct(self, room: str, participant_id: str, *wanted: SetWish | SetAudio) -> ParticipantState:
        """Do what is wanted for one participant; raises ``RemoteError`` (``unknown_participant``)."""
        for message in wanted:
            await self._ask(room, message, Done)
        return (await self.participant(room, participant_id)).participant

    async def participant(self, room: str, participant_id: str) -> ParticipantTold:
        """One participant; raises ``RemoteError`` (``unknown_participant``)."""
        return await self._ask(room, GetParticipant(participant_id=participant_id), ParticipantTold)

    async def leave(self, room: str, participant_id: str) -> None:
        """Let somebody go."""
        await self._ask(room, Leave(participant_id=participant_id), Done)

    # --- asking -------------------------------------------------------------------------------------------------------

    async def _ask(self, name: str, message: Request, reply: type[AnyReply]) -> AnyReply:
        ref = await self._keeper.find(name)
        try:
            return await ask(self._host, ref, message, reply)
        except RoomGone:
            if not isinstance(message, _REPEATABLE):
                raise
        return await ask(self._host, await self._keeper.find(name), message, reply)  # it died under the question

    async def _refs(self) -> list[RoomRef]:
        return [ref for node in await self._host.nodes() for ref in node.rooms]

    async def _state_or_none(self, ref: RoomRef) -> RoomState | None:
        try:
            return await ask(self._host, ref, GetState(), RoomState, LIST_TIMEOUT_S)
        except (RoomGone, RoomTimeoutError, RemoteError) as error:
            logger.info("room %r is left out: %s", ref.name, error)
            return None
