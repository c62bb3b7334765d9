"""Layouts changed in a live room: the picture that browsers get is what the events say, and a recording runs on."""

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.support import film
from tests.e2e.support.chromium import Chromium
from tests.e2e.support.media import BLUE, GREEN, RED, Rgb
from tests.e2e.support.server import Server
from tests.e2e.support.tiles import Box, box_of, is_near
from tests.e2e.support.waiting import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ROOM = "directed"
FPS = 30
SKIPPED, SHED = "tutti_video_ticks_skipped_total", "tutti_video_ticks_shed_total"
FAULTS = "tutti_video_h264_encoder_faults_total"
KEYFRAMES, REQUESTS = "tutti_video_h264_keyframes_total", "tutti_video_h264_keyframe_requests_total"
_LIT = 60  # luma of no background here, and below that of both cameras

FREESWITCH = """<configuration><layout-settings>
<layouts>
  <layout name="1x1"><image x="0" y="0" scale="360"/></layout>
  <layout name="stairs"><image x="0" y="0" scale="180"/><image x="180" y="180" scale="180"/></layout>
</layouts>
<groups><group name="ours"><layout>1x1</layout><layout>stairs</layout></group></groups>
</layout-settings></configuration>"""
SLOTS = {
    "slots": [
        {"x": 0, "y": 0, "width": "75%", "height": "75%", "source": "name:Greta"},
        {"x": 960, "y": 540, "width": 320, "height": 180, "source": "name:Rosa"},
    ]
}
TWILIO = {
    "large": {"x_pos": 0, "y_pos": 180, "width": 960, "height": 540, "video_sources": ["Rosa"]},
    "small": {"x_pos": 960, "y_pos": 0, "width": 320, "height": 180, "video_sources": ["camera-Greta"]},
}
CHANGES: list[dict[str, Any]] = [
    {"layout": "side-by-side"},
    {"layout": "speaker"},
    {"layout": "speaker", "options": {"side": "left", "gap": 16, "background": "#203040"}},
    {"layout": "ours", "custom": SLOTS},
    {"layout": "pip"},
    {"layout": "theirs", "custom": TWILIO},
    {"layout": "horizontalPresentation"},
    {"layout": "house:group:ours"},
    {"layout": "single-speaker"},
    {"layout": "grid", "options": {"gap": 20, "padding": 40}},
]


class Announced:
    """What a room's event stream says of its tiles, until the connection is closed."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.first: dict[str, Any] = json.loads(connection.recv(timeout=15))
        self.last: dict[str, Any] | None = self.first["tiles"]
        self.count = 0  # of changes
        self._thread = threading.Thread(target=self._listen, name="announced", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with suppress(ConnectionClosed):
            for text in self._connection:
                told = json.loads(text)
                if told["type"] == "tiles":
                    self.last = told
                    self.count += 1

    def ends(self) -> dict[str, dict[str, float]]:
        """By id, where the tiles are once the last change is over."""
        return {tile["id"]: tile["end"] for tile in self.last["tiles"]} if self.last else {}


@dataclass
class Stage:
    viewers: tuple[Chromium, Chromium]
    colours: dict[str, Rgb]  # by participant id
    announced: Announced


@pytest.fixture(scope="module")
def stage(server: Server, red: Chromium, green: Chromium) -> Iterator[Stage]:
    """Two people in a room; Rosa is pinned, so that who speaks does not matter."""
    colours = {}
    for browser, name, colour in ((red, "Rosa", RED), (green, "Greta", GREEN)):
        browser.open(f"{server.url}/healthz")
        colours[browser.join(ROOM, name).rsplit("/", 1)[1]] = colour
    rosa = next(iter(colours))
    with connect(f"ws://127.0.0.1:{server.port}/v1/rooms/{ROOM}/events") as connection:
        announced = Announced(connection)
        pinned = server.http.patch(f"/v1/rooms/{ROOM}/participants/{rosa}", json={"pinned": True})
        assert pinned.json()["pinned"]
        put = server.http.put("/v1/layouts/house", content=FREESWITCH, headers={"Content-Type": "application/xml"})
        assert put.status_code == 201, put.text
        yield Stage((red, green), colours, announced)
    for browser in (red, green):
        browser.leave()
        browser.open("about:blank")


def _in_place(stage: Stage, viewer: Chromium) -> bool:
    """Whether everybody who has a tile is in it, and nobody else is seen."""
    picture = viewer.frame()
    if picture is None:
        return False
    places = stage.announced.ends()
    found = {id_: box_of(picture, colour) for id_, colour in stage.colours.items()}
    return all(
        is_near(found[id_], _pixels(places[id_], picture.shape)) if id_ in places else found[id_] is None
        for id_ in stage.colours
    )


def _pixels(place: dict[str, float], shape: tuple[int, ...]) -> Box:
    height, width = shape[:2]
    x, y, across, down = (place[key] for key in ("x", "y", "width", "height"))
    return round(x * width), round(y * height), round(across * width), round(down * height)


@dataclass
class Directed:
    path: Path
    gained: dict[str, float]  # by metric, over the recording
    elapsed_s: float
    encoders: set[float]


@pytest.fixture(scope="module")
def directed(stage: Stage, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Directed:
    """The recording of ten changes, each of which was seen by both."""
    wait_for(lambda: _in_place(stage, stage.viewers[0]), timeout_s=20, what="two colours in two tiles")
    before, began = server.metrics(), time.monotonic()
    recording = server.record(ROOM)
    encoders = set()
    for number, change in enumerate(CHANGES):
        told, asked_at = stage.announced.count, time.time()
        answer = server.http.put(f"/v1/rooms/{ROOM}/layout", json=change)
        assert answer.status_code == 200, answer.text
        assert answer.json()["layout"] == change["layout"]
        wait_for(lambda n=told: stage.announced.count > n, timeout_s=5, what=f"tiles of {change}")  # type: ignore[misc]  # a lambda with a default
        assert stage.announced.last is not None
        assert stage.announced.last["begins_at"] == pytest.approx(asked_at, abs=2)
        viewer = stage.viewers[number % 2]
        wait_for(lambda v=viewer: _in_place(stage, v), timeout_s=10, what=f"everybody in place of {change}")  # type: ignore[misc]  # as above
        encoders.add(server.metric("tutti_video_h264_encoders"))
    server.post(f"/v1/recordings/{recording}/stop")
    after, elapsed_s = server.metrics(), time.monotonic() - began
    server.finish(recording, stop=False)
    gained = {name: after[name] - before[name] for name in (SKIPPED, SHED, FAULTS, KEYFRAMES, REQUESTS)}
    path = server.download(recording, tmp_path_factory.mktemp("directed") / "directed.mp4")
    return Directed(path, gained, elapsed_s, encoders)


def test_the_state_tells_the_tiles(stage: Stage) -> None:
    tiles = stage.announced.first["tiles"]
    assert {tile["id"] for tile in tiles["tiles"]} <= set(stage.colours)
    assert tiles["duration"] >= 0


def test_no_encoder_is_begun_anew(directed: Directed) -> None:
    assert directed.encoders == {1}
    assert directed.gained[FAULTS] == 0
    assert directed.gained[KEYFRAMES] <= directed.gained[REQUESTS] + directed.elapsed_s / 4 + 1


def test_no_picture_is_missing_but_of_ticks_that_came_too_late(directed: Directed) -> None:
    spacing = film.spacing(directed.path, FPS)
    assert spacing.all_whole, spacing.periods
    assert spacing.missing <= directed.gained[SKIPPED] + directed.gained[SHED]
    assert len(spacing.periods) > FPS  # there is something to speak of


def test_no_picture_is_black(directed: Directed) -> None:
    lit = _lit_shares(directed.path)
    assert lit.min() > 0.2, f"picture {lit.argmin()} of {len(lit)}: only {lit.min():.1%} of it is lit"


def _lit_shares(path: Path) -> npt.NDArray[np.float64]:
    """Of each picture, the part that is neither black nor background."""
    with av.open(str(path)) as file:
        return np.array([(frame.to_ndarray(format="gray")[::4, ::4] > _LIT).mean() for frame in file.decode(video=0)])


@pytest.mark.usefixtures("directed")
def test_who_is_hidden_is_not_seen(stage: Stage, server: Server) -> None:
    rosa, greta = stage.colours
    path = f"/v1/rooms/{ROOM}/participants/{greta}"
    assert server.http.patch(path, json={"hidden": True, "gain_db": -6}).json()["hidden"]
    wait_for(lambda: list(stage.announced.ends()) == [rosa], timeout_s=5, what="tiles without Greta")
    wait_for(lambda: _in_place(stage, stage.viewers[1]), timeout_s=10, what="nothing green")
    assert not server.http.patch(path, json={"hidden": False}).json()["hidden"]
    wait_for(lambda: len(stage.announced.ends()) == 2, timeout_s=5, what="tiles with Greta")


@pytest.mark.usefixtures("directed")
def test_a_logo_is_seen_by_everybody(stage: Stage, server: Server) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), BLUE).save(file, "PNG")
    logo = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    path = f"/v1/rooms/{ROOM}/overlay"
    broken = server.http.put(path, json={"logo": base64.b64encode(b"no picture").decode()})
    assert (broken.status_code, broken.json()["error"]["code"]) == (422, "invalid_style")
    put = server.http.put(path, json={"logo": logo, "logo_place": "bottom-right", "logo_share": 0.3, "title": "Board"})
    assert put.status_code == 200, put.text

    def seen() -> bool:
        picture = stage.viewers[0].frame()
        found = box_of(picture, BLUE) if picture is not None else None
        return picture is not None and found is not None and found[0] + found[2] > picture.shape[1] * 0.9

    wait_for(seen, timeout_s=10, what="a blue square in the corner")
    assert server.http.put(path, json={}).status_code == 200


def test_layout_and_overlay_survive_the_rooms_process(server: Server, room: str) -> None:
    server.open_room(room, layout="ours", custom=SLOTS, options={"gap": 4})
    blue = f"#{BLUE[0]:02x}{BLUE[1]:02x}{BLUE[2]:02x}"
    assert server.http.put(f"/v1/rooms/{room}/overlay", json={"background": blue}).status_code == 200

    def is_blue() -> bool:
        jpeg = server.http.get(f"/v1/rooms/{room}/snapshot.jpg").raise_for_status().content
        picture = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
        return is_near(box_of(picture, BLUE), (0, 0, 1280, 720))

    wait_for(is_blue, timeout_s=5, what="a blue background")
    before = server.get(f"/v1/rooms/{room}")
    server.room_process(room).kill()
    wait_for(lambda: server.get(f"/v1/rooms/{room}")["instance"] != before["instance"], timeout_s=20, what="a new room")
    wait_for(is_blue, timeout_s=10, what="a blue background again")
    after = server.get(f"/v1/rooms/{room}")
    assert (
        (after["layout"], after["layout_options"])
        == (before["layout"], before["layout_options"])
        == ("ours", {"gap": 4})
    )
