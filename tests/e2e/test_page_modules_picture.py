"""The pure modules behind marks, menus, layouts and statistics, called where they live: in a browser."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from tests.e2e.support.modules import ANA, ANNOUNCED, BEN, REDUCED, call_in, page_of
from tests.e2e.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.beside, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(server: Server) -> AsyncIterator[Page]:
    async with page_of(server.url) as page:
        yield page


@pytest.fixture
def call(page: Page) -> Any:
    return partial(call_in, page)


# --- marks over the tiles ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "picture", "filled"),
    [
        ((1280, 720), (640, 360), (0, 0, 1280, 720)),
        ((1280, 800), (1280, 720), (0, 40, 1280, 720)),
        ((390, 844), (1280, 720), (0, 312.3125, 390, 219.375)),
        ((1000, 500), (500, 500), (250, 0, 500, 500)),
        ((300, 200), (0, 0), (0, 0, 300, 200)),
    ],
)
async def test_a_picture_is_fitted_into_its_frame(
    call: Any, frame: tuple[int, int], picture: tuple[int, int], filled: tuple[float, ...]
) -> None:
    sizes = [{"width": width, "height": height} for width, height in (frame, picture)]
    box = await call("placing", "contained", *sizes)
    assert (box["x"], box["y"], box["width"], box["height"]) == pytest.approx(filled)


@pytest.mark.parametrize(
    ("now_s", "x"), [(99, 0.0), (100, 0.0), (100.1, 0.052), (100.25, 0.25), (100.4, 0.448), (100.5, 0.5), (200, 0.5)]
)
async def test_tiles_ease_to_their_places(call: Any, now_s: float, x: float) -> None:
    start, end = ({"x": at, "y": 0.25, "width": 1 - at, "height": 0.5} for at in (0, 0.5))
    event = {"begins_at": 100, "duration": 0.5, "tiles": [{"id": "a", "start": start, "end": end}]}
    (box,) = [tile["box"] for tile in await call("placing", "boxesAt", event, now_s)]
    assert (box["x"], box["y"], box["width"], box["height"]) == pytest.approx((x, 0.25, 1 - x, 0.5))
    assert await call("placing", "isSettled", event, now_s) == (now_s >= 100.5)
    jump = event | {"duration": 0}
    assert (await call("placing", "boxesAt", jump, now_s))[0]["box"]["x"] == (0.5 if now_s >= 100 else 0)


async def test_a_tile_is_its_cameras_or_its_screens(call: Any) -> None:
    assert await call("placing", "ownerOf", "a1b2") == {"id": "a1b2", "screen": False}
    assert await call("placing", "ownerOf", "a1b2:screen") == {"id": "a1b2", "screen": True}


async def test_the_pictures_own_time_is_in_the_statistics(call: Any) -> None:
    # 1 January 1970 is day 25 567 of the NTP era (RFC 5905, figure 4)
    shown_ms = 25_567 * 86_400_000 + 1_800_000_000_000
    report = {"timestamp": 1_800_000_000_180, "estimatedPlayoutTimestamp": shown_ms}
    assert await call("placing", "pictureOffsetMs", report) == -180
    assert await call("placing", "pictureOffsetMs", {"timestamp": 1_800_000_000_180}) is None


@pytest.mark.parametrize(
    ("origin", "key", "to"),
    [
        ("a", "ArrowRight", "b"),
        ("a", "ArrowDown", "c"),
        ("c", "ArrowRight", "b"),
        ("a", "ArrowLeft", None),
        ("b", "ArrowDown", "c"),
        ("c", "ArrowUp", "a"),
        ("a", "Tab", None),
    ],
)
async def test_arrow_keys_go_to_the_next_tile(call: Any, origin: str, key: str, to: str | None) -> None:
    places = {"a": (0, 0), "b": (0.5, 0), "c": (0.2, 0.5)}
    tiles = [{"id": id_, "box": {"x": x, "y": y, "width": 0.5, "height": 0.5}} for id_, (x, y) in places.items()]
    assert await call("placing", "neighbour", tiles, origin, key) == to


async def test_tiles_are_followed_and_a_whole_state_without_them_keeps_them(page: Page) -> None:
    box = {"x": 0, "y": 0, "width": 1, "height": 1}
    moves = [{"id": id_, "start": box, "end": box} for id_ in ("b", "b:screen")]
    told = {"type": "tiles", "begins_at": 1, "duration": 0, "tiles": moves}
    room = {"layout": "grid", "active_speaker": None, "video": {"width": 640, "height": 480}}
    whole = {"type": "state", "room": room, "participants": [ANA, BEN], "recordings": []}
    state = await page.evaluate(REDUCED, [{}, [told, whole]])
    assert state["tiles"]["tiles"] == moves
    assert state["canvas"]["height"] == 480
    state = await page.evaluate(REDUCED, [{}, [told, whole | {"tiles": told | {"tiles": []}}]])
    assert state["tiles"]["tiles"] == []
    for nothing in (whole | {"tiles": None}, {"type": "room_lost"}):
        assert (await page.evaluate(REDUCED, [{}, [told, nothing]]))["tiles"] is None
    said = await page.evaluate(ANNOUNCED, [{"phase": "joined", "id": "a", "participants": [ANA, BEN]}, [told]])
    assert said == ["Ben shares a screen."]


# --- what one can do about somebody -----------------------------------------------------------------------------------


async def test_one_cannot_remove_or_mute_oneself_for_everybody(call: Any) -> None:
    names = [deed["name"] for deed in await call("deeds", "deedsFor", ANA, "a")]
    assert names == ["pin", "spotlight", "hide"]
    names = [deed["name"] for deed in await call("deeds", "deedsFor", BEN, "a")]
    assert names == ["pin", "spotlight", "hide", "mute", "remove"]


async def test_what_is_in_force_can_be_undone(call: Any) -> None:
    ben = BEN | {"pinned": True, "spotlight": True, "hidden": True, "silenced": True}
    deeds = {deed["name"]: deed.get("wish") for deed in await call("deeds", "deedsFor", ben, "a")}
    undone = {"pin": {"pinned": False}, "spotlight": {"spotlight": False}, "hide": {"hidden": False}}
    assert deeds == {**undone, "mute": {"muted": False}, "remove": None}


@pytest.mark.parametrize(
    ("person", "marks"),
    [
        ({"muted": True, "silenced": True}, ["muted for everybody"]),
        ({"muted": True, "silenced": False}, ["muted"]),
        ({"muted": False, "silenced": False}, []),
    ],
)
async def test_who_is_muted_for_everybody_is_told_from_who_is_silent(
    call: Any, person: dict[str, bool], marks: list[str]
) -> None:
    assert await call("deeds", "marksOf", BEN | person) == marks


@pytest.mark.parametrize(
    ("was", "is_now", "said"),
    [
        (False, True, ["You have been muted for everybody."]),
        (True, False, ["You can be heard again."]),
        (True, True, []),
    ],
)
async def test_who_is_muted_for_everybody_is_told(page: Page, was: bool, is_now: bool, said: list[str]) -> None:
    before = {"phase": "joined", "id": "b", "participants": [ANA, BEN | {"silenced": was}]}
    told = {"type": "participant_updated", "participant": BEN | {"silenced": is_now}}
    assert await page.evaluate(ANNOUNCED, [before, [told]]) == said


# --- overload ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"level": 1, "fps": 20, "width": 1280}, "The server is busy: 20 pictures a second."),
        ({"level": 3, "fps": 15, "width": 640}, "The server is busy: 15 pictures a second, half the size."),
        ({"level": 4, "fps": 15, "width": 320}, "The server is busy: 15 pictures a second, a quarter of the size."),
        (
            {"level": 5, "fps": 15, "width": 320},
            "The server is busy: 15 pictures a second, a quarter of the size, tiles refreshed in turns.",
        ),
    ],
)
async def test_overload_in_words(call: Any, told: dict[str, int], words: str) -> None:
    assert await call("words", "ofOverload", told, {"width": 1280, "height": 720}) == words


async def test_overload_is_followed_and_said_once(page: Page) -> None:
    busy = {"type": "overload", "level": 1, "fps": 20, "width": 1280}
    worse, over = busy | {"level": 2, "fps": 15}, busy | {"level": 0, "fps": 30}
    whole = {"type": "state", "room": {"layout": "grid", "active_speaker": None}, "participants": [], "recordings": []}
    for actions, level in (
        ([busy, worse], 2),
        ([busy, over], None),
        ([whole | {"overload": busy}], 1),
        ([busy, whole], None),
    ):
        overload = (await page.evaluate(REDUCED, [{}, actions]))["overload"]
        assert (overload and overload["level"]) == level
    canvas = {"width": 1280, "height": 720}
    said = await page.evaluate(ANNOUNCED, [{"phase": "joined", "canvas": canvas}, [busy]])
    assert said == ["The server is busy: 20 pictures a second."]
    assert await page.evaluate(ANNOUNCED, [{"phase": "joined", "canvas": canvas, "overload": busy}, [worse]]) == []


async def test_layouts_are_offered_in_order_and_ones_own_last(call: Any) -> None:
    built_in = [{"name": name, "form": "built-in"} for name in ("newest", "pip", "bestFit", "grid", "auto")]
    own = [{"name": name, "form": form} for name, form in (("zebra", "slots"), ("conf:3x3", "freeswitch"))]
    offered = {"builtIn": ["auto", "grid", "pip", "newest"], "stored": ["conf:3x3", "zebra"]}
    assert await call("layouts", "layoutNames", [*built_in, *own]) == offered


# --- statistics -------------------------------------------------------------------------------------------------------


def _reading(at_ms: int, received: int, sent: int, lost: int, packets: int) -> list[dict[str, object]]:
    return [
        {
            "type": "transport",
            "timestamp": at_ms,
            "bytesReceived": received,
            "bytesSent": sent,
            "selectedCandidatePairId": "P",
        },
        {"type": "candidate-pair", "id": "P", "currentRoundTripTime": 0.04},
        {"type": "inbound-rtp", "kind": "video", "timestamp": at_ms, "frameWidth": 640, "frameHeight": 360}
        | {"packetsLost": lost, "packetsReceived": packets, "jitter": 0.012, "framesPerSecond": 30, "codecId": "C"}
        | {"jitterBufferDelay": packets / 10, "jitterBufferEmittedCount": packets},
        {"type": "codec", "id": "C", "mimeType": "video/H264"},
        {"type": "remote-inbound-rtp", "kind": "audio", "fractionLost": 0.02},
        {"type": "outbound-rtp", "kind": "video", "mid": "2", "bytesSent": 7, "timestamp": at_ms},
        {"type": "outbound-rtp", "kind": "video", "mid": "1", "frameHeight": 180, "timestamp": at_ms},
    ]


async def test_figures_are_of_the_time_between_two_readings(call: Any) -> None:
    before, now = _reading(1000, 1000, 0, 5, 100), _reading(3000, 251_000, 50_000, 15, 190)
    got = await call("figures", "figures", now, before, {"width": 1280, "height": 720})
    assert (got["inBps"], got["outBps"]) == (1_000_000, 200_000)
    assert (got["lossIn"], got["lossOut"]) == (pytest.approx(0.1), 0.02)
    assert (got["roundTripMs"], got["pictureJitterMs"], got["pictureBufferMs"]) == (40, 12, pytest.approx(100))
    assert (got["rung"], got["rungPart"], got["sentHeight"], got["codecIn"]) == ("half", 0.5, 180, "H264")
    first = await call("figures", "figures", before, None, {"width": 1280, "height": 720})
    assert (first["inBps"], first["lossIn"]) == (None, None)


async def test_no_reading_yet_is_no_figure(call: Any) -> None:
    got = await call("figures", "figures", [], [], {"width": 1280, "height": 720})
    assert {key: value for key, value in got.items() if value is not None} == {"atMs": 0}


async def test_delays_are_told_in_the_order_of_the_way(call: Any) -> None:
    def stage(ms: float) -> dict[str, float]:
        return {"count": 9, "p50_ms": ms, "p95_ms": 2 * ms}

    delays = {
        "sound": {"total": stage(40), "mix": stage(2), "wait": stage(30), "new": stage(1)},
        "picture": {"send": stage(1)},
    }
    told = await call("delays", "delayGroups", delays)
    assert [(group["title"], [row["label"] for row in group["rows"]]) for group in told] == [
        ("Your picture", ["sent to you"]),
        ("Your sound", ["waiting", "mixed", "in all"]),
    ]
    assert told[1]["rows"][2] == {"label": "in all", "p50Ms": 40, "p95Ms": 80}
    assert await call("delays", "delaySample", delays) == {"pictureMs": None, "soundMs": 40}
    assert await call("delays", "delayGroups", {}) == []


@pytest.mark.parametrize(
    ("height", "rung"), [(720, "full"), (360, "half"), (180, "quarter"), (178, "quarter"), (1440, "full"), (None, None)]
)
async def test_which_size_of_the_room_one_gets(call: Any, height: int | None, rung: str | None) -> None:
    assert await call("figures", "rungOf", height, 720) == rung


@pytest.mark.parametrize(
    ("values", "least", "top"),
    [([], 20, 20), ([3, None], 20, 20), ([21], 20, 50), ([730_000], 1, 1e6), ([0.02], 0.01, 0.02)],
)
async def test_an_axis_ends_at_a_round_number(call: Any, values: list[float], least: float, top: float) -> None:
    assert await call("figures", "axisTop", values, least) == pytest.approx(top)


async def test_only_the_last_readings_are_kept(page: Page) -> None:
    kept = await page.evaluate(
        """async () => {
          const { Ring } = await import("/static/js/ring.js");
          const ring = new Ring(3);
          const seen = [ring.last];
          for (const value of [1, 2, 3, 4, 5]) {
            ring.push(value);
            seen.push(ring.last);
          }
          return [seen, ring.values];
        }"""
    )
    assert kept == [[None, 1, 2, 3, 4, 5], [3, 4, 5]]


@pytest.mark.parametrize(
    ("function", "value", "shown"),
    [
        ("bitrate", 64_300, "64 kbit/s"),
        ("bitrate", 999_600, "1.0 Mbit/s"),
        ("bitrate", 2_140_000, "2.1 Mbit/s"),
        ("milliseconds", 3.24, "3.2 ms"),
        ("milliseconds", 140.4, "140 ms"),
        ("percent", 0.004, "0.4 %"),
        ("percent", 0.123, "12 %"),
        ("percent", 0, "0 %"),
    ],
)
async def test_figures_in_words(call: Any, function: str, value: float, shown: str) -> None:
    assert (await call("format", function, value)).replace("\u00a0", " ") == shown
