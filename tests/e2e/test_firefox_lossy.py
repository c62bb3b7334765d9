"""Firefox on a line that loses a packet in twenty, both ways: what it sees and hears, and what others do of it."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest

from tests.e2e.support.browser import BrowserPeer
from tests.e2e.support.chromium import Chromium
from tests.e2e.support.firefox import Firefox
from tests.e2e.support.impairment import Impairment
from tests.e2e.support.lossy_front import LossyFront
from tests.e2e.support.media import BLUE, RED
from tests.e2e.support.server import Server
from tests.e2e.support.spectra import tone_dbfs
from tests.e2e.support.tiles import Box, box_of, is_near
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]

ROOM = "lossy"
LINE = Impairment(loss=0.05, delay_ms=20)
LEFT, RIGHT = (0, 180, 640, 360), (640, 180, 640, 360)
LOST = 100  # packets, in both directions: some ten seconds
NEARLY = 0.85


@pytest.fixture(scope="module")
def front(server: Server) -> Iterator[LossyFront]:
    front = LossyFront(server.url)
    yield front
    front.close()


@pytest.fixture(scope="module")
def pair(server: Server, front: LossyFront, red: Chromium, firefox: Firefox) -> Iterator[tuple[Chromium, Firefox]]:
    """Rosa on a good line and Beatrix on a bad one, who see each other."""
    red.open(f"{server.url}/healthz")
    firefox.open(f"{front.url}/healthz")
    red.join(ROOM, "Rosa")
    firefox.join(ROOM, "Beatrix", painted=(BLUE, 880))
    for peer in (red, firefox):
        wait_for(partial(_sees_both, peer), timeout_s=30, what="both in their tiles")
    front.impair(LINE)
    yield red, firefox
    for peer in (red, firefox):
        peer.leave()
        peer.open("about:blank")


def _sees(peer: BrowserPeer, colour: tuple[int, int, int], tile: Box) -> bool:
    picture = peer.frame()
    return picture is not None and is_near(box_of(picture, colour), tile)


def _sees_both(peer: BrowserPeer) -> bool:
    return _sees(peer, RED, LEFT) and _sees(peer, BLUE, RIGHT)


@dataclass(frozen=True)
class Counts:
    """What the browsers and the room have counted so far."""

    shown: int  # pictures that Beatrix has decoded
    shown_to_rosa: int
    sent: int  # pictures of Beatrix' camera
    painted: int  # of those, decoded by the room
    lost: int  # packets

    @classmethod
    def now(cls, pair: tuple[Chromium, Firefox], server: Server, front: LossyFront) -> "Counts":
        red, firefox = pair
        people = server.get(f"/v1/rooms/{ROOM}/participants")["participants"]
        camera = next(person for person in people if person["name"] == "Beatrix")["stats"]["camera_decoded"]
        sent = int(firefox.stats("outbound-rtp", "video")["framesEncoded"])
        shown, to_rosa = (int(peer.stats("inbound-rtp", "video")["framesDecoded"]) for peer in (firefox, red))
        return cls(shown, to_rosa, sent, int(camera), front.lost)

    def __sub__(self, before: "Counts") -> "Counts":
        return Counts(*(now - then for now, then in zip(astuple(self), astuple(before), strict=True)))


@pytest.fixture(scope="module")
def counted(pair: tuple[Chromium, Firefox], server: Server, front: LossyFront) -> Counts:
    """Of some seconds in which packets were lost."""
    before = Counts.now(pair, server, front)
    wait_for(lambda: front.lost - before.lost >= LOST, timeout_s=60, what="so many packets to be lost")
    return Counts.now(pair, server, front) - before


def test_it_sees_nearly_as_many_pictures_as_others(counted: Counts) -> None:
    assert counted.shown_to_rosa > 0
    assert counted.shown >= NEARLY * counted.shown_to_rosa


def test_nearly_all_of_its_pictures_are_seen(counted: Counts, pair: tuple[Chromium, Firefox]) -> None:
    assert counted.sent > 0
    assert counted.painted >= NEARLY * counted.sent
    for peer in pair:
        wait_for(partial(_sees_both, peer), timeout_s=20, what="both in their tiles, still")


def test_what_is_lost_is_made_up_for_in_both_directions(counted: Counts, server: Server) -> None:
    people = server.get(f"/v1/rooms/{ROOM}/participants")["participants"]
    stats = next(person for person in people if person["name"] == "Beatrix")["stats"]
    assert counted.lost >= LOST
    assert stats["packets_resent"] > 0
    assert stats["camera_nacks"] + stats["camera_fec_recovered"] > 0


def test_both_hear_the_other_and_not_themselves(pair: tuple[Chromium, Firefox]) -> None:
    for peer, own_hz, others_hz in zip(pair, (440, 880), (880, 440), strict=True):
        heard = peer.listen(4)
        others, own = (_mostly_dbfs(heard, hz) for hz in (others_hz, own_hz))
        assert others > -30
        assert own < others - 30


def _mostly_dbfs(heard: npt.NDArray[np.float32], hz: float) -> float:
    """How loud a tone is most of the time; where lost sound was made up for, the tone begins anew."""
    return float(np.median([tone_dbfs(piece, hz) for piece in np.split(heard, 8)]))
