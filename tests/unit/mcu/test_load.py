"""What a participant is said to ask of the machine: by their offer, and when they are there."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from mcu.load import offered
from mcu.media import Rung, VideoCodec
from mcu.messages import Demand
from mcu.participant import Participant
from mcu.rtc.negotiate import Negotiated
from mcu.sync import LipSync

pytestmark = pytest.mark.unit

OFFERS = Path(__file__).parents[1] / "rtc" / "offers"
H264, VP8 = VideoCodec.H264, VideoCodec.VP8


@dataclass
class Sender:
    rung: Rung


@dataclass
class Peer:
    """As much of a peer as is asked."""

    negotiated: Negotiated = field(
        default_factory=lambda: Negotiated(video_out=H264, audio_in=True, camera_in=True, screen_in=True)
    )
    video_sender: Sender | None = field(default_factory=lambda: Sender(Rung.HALF))


def participant(
    state: Literal["connecting", "connected"] = "connected", *, watches: bool = True, peer: Peer | None = None
) -> Participant:
    return Participant("p", "Ada", cast("Any", peer or Peer()), LipSync(), watches=watches, state=state)


@pytest.mark.parametrize(("browser", "codec"), [("chromium", H264), ("firefox", VP8)])  # this Firefox has no H.264
@pytest.mark.parametrize("watches", [True, False])
def test_a_browser_asks_for_a_tile_and_for_a_picture_it_can_decode(
    browser: str, codec: VideoCodec, *, watches: bool
) -> None:
    demand = offered("p", (OFFERS / f"{browser}.sdp").read_bytes().decode(), watches=watches)
    assert demand == Demand(
        id="p", microphone=True, camera=True, on_stage=True, sharing=False, codec=codec if watches else None
    )


@pytest.mark.parametrize("offer", ["", "nonsense", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"])
def test_an_offer_that_makes_no_sense_asks_for_nothing(offer: str) -> None:
    assert offered("p", offer, watches=True) == Demand(id="p")


@pytest.mark.parametrize(
    ("tiles", "on_stage", "sharing"),
    [((), False, False), (("p",), True, False), (("p:screen",), False, True), (("p", "p:screen", "q"), True, True)],
)
def test_who_is_on_the_canvas_is_what_costs(tiles: tuple[str, ...], *, on_stage: bool, sharing: bool) -> None:
    demand = participant().demand(tiles)
    assert (demand.camera, demand.on_stage, demand.sharing) == (True, on_stage, sharing)
    assert (demand.codec, demand.rung) == (H264, Rung.HALF)


def test_who_connects_is_about_to_get_a_tile() -> None:
    assert participant("connecting").demand(()).on_stage


def test_who_sends_nothing_and_does_not_watch_has_neither_tile_nor_encoder() -> None:
    silent = Peer(Negotiated(video_out=H264), None)
    assert participant(watches=False, peer=silent).demand(("p", "p:screen")) == Demand(id="p")
