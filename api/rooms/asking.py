"""Questions to a room's process, in the types of ``mcu.messages``."""

from typing import TypeVar

from api.errors import RemoteError
from api.rooms.host import RoomHost, RoomRef
from mcu.messages import (
    Done,
    Failure,
    Joined,
    ParticipantTold,
    PartStarted,
    PartStopped,
    Request,
    RoomState,
    Snapshot,
    decode_reply,
    encode,
)

AnyReply = TypeVar("AnyReply", Done, Joined, PartStarted, PartStopped, RoomState, ParticipantTold, Snapshot)


async def ask(host: RoomHost, ref: RoomRef, message: Request, reply: type[AnyReply], timeout_s: float = 5) -> AnyReply:
    """Send ``message`` and wait for a ``reply``.

    Raises:
        RoomGone, RoomTimeoutError: there is no answer.
        RemoteError: the room refuses, with its code.
    """
    answer = decode_reply(await host.call(ref, encode(message), timeout_s))
    if isinstance(answer, Failure):
        raise RemoteError(answer.code, answer.message)
    if not isinstance(answer, reply):
        raise RemoteError("wire_error", f"the room answered {answer.type} where {reply.__name__} was due")
    return answer
