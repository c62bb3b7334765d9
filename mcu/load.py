"""What a participant asks of the machine, as agreed on with them or, before that, as they offer. Pure."""

from dataclasses import dataclass

from mcu.errors import BadOfferError
from mcu.media import Rung
from mcu.messages import Demand
from mcu.rtc.negotiate import Negotiated, negotiate
from mcu.rtc.sdp import parse_offer


@dataclass(frozen=True, slots=True)
class Part:
    """What somebody has of the mix; at first everything.

    Args:
        watches: is sent the picture, if they take it.
        has_tile: their camera is on the canvas.
        sharing: their screen is, too.
        rung: the size of the picture that they are sent.
    """

    watches: bool = True
    has_tile: bool = True
    sharing: bool = False
    rung: Rung = Rung.FULL


def demand(participant_id: str, agreed: Negotiated, part: Part) -> Demand:
    """What a participant asks for."""
    return Demand(
        id=participant_id,
        microphone=agreed.audio_in,
        camera=agreed.camera_in,
        on_stage=agreed.camera_in and part.has_tile,
        sharing=agreed.screen_in and part.sharing,
        codec=agreed.video_out if part.watches else None,
        rung=part.rung,
    )


def offered(participant_id: str, offer_sdp: str, *, watches: bool) -> Demand:
    """What somebody will ask for whose offer this is; next to nothing if it makes no sense, as the room will say."""
    try:
        agreed = negotiate(parse_offer(offer_sdp)).negotiated
    except BadOfferError:
        agreed = Negotiated()
    return demand(participant_id, agreed, Part(watches=watches))
