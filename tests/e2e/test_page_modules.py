"""The page's pure modules, called where they live: in a browser."""

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


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (7.9, "0:07"), (750, "12:30"), (3723, "1:02:03"), (-1, "0:00")]
)
async def test_durations(call: Any, seconds: float, shown: str) -> None:
    assert await call("format", "duration", seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (840_000, "840 kB"), (12_400_000, "12.4 MB"), (999_999, "1.0 MB"), (5e12, "5.0 TB")],
)
async def test_sizes(call: Any, count: float, shown: str) -> None:
    assert (await call("format", "size", count)).replace("\u00a0", " ") == shown


@pytest.mark.parametrize(
    ("then_s", "shown"),
    [(1_772_000_000, "Today, 07:13"), (1_771_920_000, "Yesterday, 09:00"), (1_771_000_000, "13 Feb 2026, 17:26")],
)
async def test_dates(call: Any, then_s: float, shown: str) -> None:
    now_s = 1_772_010_000  # 25 February 2026, 10:00 in Zurich
    assert await call("format", "date", then_s * 1000, now_s * 1000) == shown


@pytest.mark.parametrize(
    ("name", "shown"), [("Ana", "A"), ("Ana Maria Li", "AL"), ("élodie", "É"), ("  ", "?"), ("🦊 fox", "🦊F")]
)
async def test_initials(call: Any, name: str, shown: str) -> None:
    assert await call("format", "initials", name) == shown


async def test_an_offer_in_stereo(call: Any) -> None:
    video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\na=fmtp:96 x=1\r\n"
    audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n"
    offer = audio + "a=fmtp:111 minptime=10;useinbandfec=1\r\na=fmtp:63 111/111\r\n" + video
    told = await call("stereo", "inStereo", offer)
    assert told == offer.replace("useinbandfec=1", "useinbandfec=1;stereo=1;sprop-stereo=1")
    assert await call("stereo", "inStereo", told) == told


async def test_an_offer_in_which_sound_is_sent_again(call: Any) -> None:
    video = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n"
    audio = "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n"
    told = await call("repairs", "withAudioNack", audio + video)
    assert told == audio.replace("opus/48000/2\r\n", "opus/48000/2\r\na=rtcp-fb:111 nack\r\n") + video
    assert await call("repairs", "withAudioNack", told) == told


async def test_waits_grow_to_a_limit_and_are_spread(page: Page) -> None:
    waits = await page.evaluate(
        """async () => {
          const { backoffMs } = await import("/static/js/backoff.js");
          const attempts = [0, 1, 2, 3, 10];
          return [() => 0, () => 1].map((random) => attempts.map((attempt) => backoffMs(attempt, random)));
        }"""
    )
    assert waits == [[0, 500, 1000, 2000, 15_000], [0, 333, 667, 1333, 10_000]]


async def test_a_fragment_names_credentials_line_and_candidates(call: Any) -> None:
    audio, video = "m=audio 9 UDP/TLS/RTP/SAVPF 111", "m=video 9 UDP/TLS/RTP/SAVPF 96"
    credentials = ["a=ice-ufrag:EsAw", "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1"]
    found = "candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host"
    sdp = ["v=0", audio, *credentials, "a=mid:0", video, "a=mid:1", ""]
    made = await call("fragment", "fragment", "\r\n".join(sdp), [{"candidate": found, "mid": "0"}], True)
    assert made.split("\r\n") == [*credentials, audio, "a=mid:0", f"a={found}", "a=end-of-candidates", ""]


HD, VGA, UPRIGHT = {"width": 1280, "height": 720}, {"width": 640, "height": 480}, {"width": 720, "height": 1280}


@pytest.mark.parametrize(
    ("tile", "camera", "scale"),
    [
        ((640, 360), HD, 2),
        ((1280, 720), HD, 1),
        ((320, 180), HD, 4),
        ((640, 360), VGA, 1),
        ((320, 180), VGA, 2),  # it fills the tile's width; what is cut off above and below is sent as well
        ((320, 180), UPRIGHT, 2.25),
        ((1920, 1080), HD, 1),
        ((640, 360), {}, 1),
    ],
)
async def test_a_camera_sends_what_its_tile_shows(
    call: Any, tile: tuple[int, int], camera: dict[str, int], scale: float
) -> None:
    wanted = {"width": tile[0], "height": tile[1], "bitrate_bps": 123_456}
    limits = {"maxBitrate": 123_456, "maxFramerate": 30, "scaleResolutionDownBy": scale}
    assert await call("quality", "cameraLimits", wanted, camera) == limits


async def test_a_camera_without_a_tile_sends_little(call: Any) -> None:
    limits = await call("quality", "cameraLimits", {"width": 0, "height": 0, "bitrate_bps": 100_000}, HD)
    assert limits == {"maxBitrate": 100_000, "maxFramerate": 5, "scaleResolutionDownBy": 4}


async def test_a_camera_that_was_told_nothing_begins_in_the_middle(call: Any) -> None:
    limits = await call("quality", "cameraLimits", None, HD)
    assert limits == {"maxBitrate": 1_100_000, "maxFramerate": 30, "scaleResolutionDownBy": 2}


async def test_the_room_is_followed_event_by_event(page: Page) -> None:
    told = [
        {"type": "state", "room": {"layout": "grid", "active_speaker": None}, "participants": [ANA], "recordings": []},
        {"type": "participant_joined", "participant": BEN},
        {"type": "participant_updated", "participant": ANA | {"muted": True}},
        {"type": "active_speaker", "participant_id": "b"},
        {"type": "layout", "layout": "speaker"},
        {"type": "something_new"},
    ]
    state = await page.evaluate(REDUCED, [{}, told])
    assert state["participants"] == [ANA | {"muted": True}, BEN]
    assert (state["activeSpeaker"], state["layout"]) == ("b", "speaker")
    state = await page.evaluate(REDUCED, [{}, [*told, {"type": "participant_left", "participant_id": "b"}]])
    assert [person["id"] for person in state["participants"]] == ["a"]
    assert state["activeSpeaker"] is None


@pytest.mark.parametrize(
    ("status", "running"),
    [("starting", "r"), ("active", "r"), ("paused", "r"), ("ending", None), ("complete", None), ("failed", None)],
)
async def test_a_room_is_red_exactly_while_it_is_recorded(page: Page, status: str, running: str | None) -> None:
    recording = {"id": "r", "room": "standup", "status": status}
    state = await page.evaluate(REDUCED, [{"room": "standup"}, [{"type": "recording", "recording": recording}]])
    assert state["running"] == running
    elsewhere = await page.evaluate(REDUCED, [{"room": "other"}, [{"type": "recording", "recording": recording}]])
    assert elsewhere["running"] is None


async def test_a_whole_state_ends_a_recording_that_is_over(page: Page) -> None:
    active = {"id": "r", "room": "standup", "status": "active"}
    whole = {"type": "state", "room": {"layout": "grid", "active_speaker": None}, "participants": [], "recordings": []}
    state = await page.evaluate(REDUCED, [{"room": "standup"}, [{"type": "recording", "recording": active}, whole]])
    assert state["running"] is None


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"type": "participant_joined", "participant": BEN}, ["Ben has joined."]),
        ({"type": "participant_left", "participant_id": "c"}, ["Cleo has left."]),
        ({"type": "active_speaker", "participant_id": "c"}, ["Cleo is speaking."]),
        ({"type": "active_speaker", "participant_id": "a"}, []),
        (
            {"type": "recording", "recording": {"id": "r", "room": "standup", "status": "active"}},
            ["This room is being recorded."],
        ),
        ({"type": "local.status", "status": "The connection is unstable…"}, ["The connection is unstable…"]),
    ],
)
async def test_what_is_said_to_who_cannot_see(page: Page, action: dict[str, object], said: list[str]) -> None:
    people = [ANA, ANA | {"id": "c", "name": "Cleo"}]
    before = {"phase": "joined", "room": "standup", "id": "a", "participants": people}
    assert await page.evaluate(ANNOUNCED, [before, [action]]) == said


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("standup", None),
        ("déjà vu", None),
        ("a/b", True),
        ("  ", True),
        ("..", True),
        ("x" * 101, True),
        ("é" * 100, None),
    ],
)
async def test_names_of_rooms(call: Any, name: str, wrong: bool | None) -> None:
    assert bool(await call("words", "ofRoomName", name, 100)) is bool(wrong)


async def test_errors_without_words_of_our_own_say_the_servers(call: Any) -> None:
    error = {"code": "invalid_layout", "message": "there is no layout 'x'"}
    assert await call("words", "ofError", error) == "There is no layout 'x'."


@pytest.mark.parametrize("what", ["room", "participant", "recording"])
async def test_that_the_machine_is_full_is_said_without_figures(call: Any, what: str) -> None:
    error = {"code": f"no_capacity_{what}", "message": "0.040 cores are needed and 0.000 of 1.75 are left"}
    said = await call("words", "ofError", error)
    assert f"no capacity for another {what} right now. Try again" in said
    assert "cores" not in said


@pytest.mark.parametrize(
    ("date_ms", "offset_ms"), [(99_000, 0), (98_100, 0), (97_000, -1000), (101_500, 0), (700_000, 598_000)]
)
async def test_clocks_differ_only_if_nothing_else_explains_the_date(call: Any, date_ms: int, offset_ms: int) -> None:
    assert await call("api", "clockOffsetMs", date_ms, 100_000, 102_000) == offset_ms


async def test_a_recording_that_comes_to_nothing_is_told_once(page: Page) -> None:
    told = await page.evaluate(
        """async () => {
          const { INITIAL, brokenRecording, reduce } = await import("/static/js/state.js");
          const { ofBroken } = await import("/static/js/words.js");
          const recording = { id: "r", room: "standup", status: "active" };
          const failed = { ...recording, status: "failed", error: "no space left" };
          const states = [{ ...INITIAL, room: "standup" }];
          for (const next of [recording, failed, failed]) {
            states.push(reduce(states.at(-1), { type: "recording", recording: next }));
          }
          const broken = states.slice(1).map((now, index) => brokenRecording(now, states[index]));
          return broken.map((each) => each && ofBroken(each));
        }"""
    )
    assert told == [None, "The recording has failed: no space left.", None]
