"""The page, driven as people do it, in Chromium against the real service."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.e2e.support.page import (
    MEDIA_MS,
    PHONE,
    SMALL_PHONE,
    WIDE,
    Guest,
)
from tests.e2e.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

LOUD = """(meter) => new Promise((resolve) => {
  const timer = setInterval(() => {
    if (meter.style.getPropertyValue("--level") < 0.1) return;
    clearInterval(timer);
    resolve(true);
  }, 20);
})"""

Invite = Callable[..., Awaitable[Guest]]


@pytest_asyncio.fixture(loop_scope="module")
async def invite(browser: Browser, server: Server) -> AsyncIterator[Invite]:
    """Makes guests; checks of each that nothing failed in its page and that it asked no other host for anything."""
    guests: list[Guest] = []

    async def one(size: tuple[int, int] = WIDE) -> Guest:
        guests.append(await Guest.of(browser, server.url, size=size))
        return guests[-1]

    yield one
    for guest in guests:
        await guest.close()
    assert [error for guest in guests for error in guest.errors] == []
    assert [stranger for guest in guests for stranger in guest.strangers] == []


async def test_from_the_start_page_into_a_room(invite: Invite, room: str, tmp_path: Path) -> None:
    ana = await invite()
    await ana.go("/")
    await ana.page.get_by_label("Name of the room").fill("a/b")
    await ana.button("Go to room").click()
    await expect(ana.page.get_by_role("alert").filter(has_text="slashes")).to_be_visible()
    await ana.page.get_by_label("Name of the room").fill(room)
    await ana.shot(tmp_path, "start")
    await ana.button("Go to room").click()
    await expect(ana.page.get_by_role("heading", name=room)).to_be_visible()
    await expect(ana.page.get_by_text("Nobody is here yet.")).to_be_visible()
    await expect(ana.page.get_by_label("Your camera", exact=True)).to_be_visible()
    await ana.shot(tmp_path, "lobby")


async def test_the_lobby_shows_devices_and_how_loud_one_is(invite: Invite, room: str) -> None:
    ana = await invite()
    await ana.go(f"/r/{room}")
    for picker in ("Camera", "Microphone"):
        await expect(ana.page.get_by_label(picker, exact=True).locator("option").first).to_contain_text("ake")
    preview = ana.page.get_by_label("Your camera", exact=True)
    await expect(preview).to_have_js_property("readyState", 4)
    async with asyncio.timeout(10):
        assert await ana.page.locator(".meter").evaluate(LOUD)  # the fake microphone beeps


async def test_joining_shows_everybody_in_one_picture(
    invite: Invite, room: str, server: Server, tmp_path: Path
) -> None:
    ana, ben = await invite(), await invite()
    await ana.join(room, "Ana")
    await ben.join(room, "Ben")
    people = await ben.open_panel("People")
    await expect(people.get_by_role("listitem")).to_have_count(2)
    await expect(ben.mix).to_have_js_property("videoWidth", 1280)
    red, green, blue = await ben.mean_colour()  # the fake camera is green
    assert green > 60
    assert green > 2 * max(red, blue)
    await ben.shot(tmp_path, "call")
    listed = server.get(f"/v1/rooms/{room}/participants")["participants"]
    assert [person["name"] for person in listed] == ["Ana", "Ben"]
    assert {track["kind"] for track in listed[0]["tracks"]} == {"audio", "video", "screen"}


async def test_muting_and_camera_off_are_seen_by_the_other(invite: Invite, room: str) -> None:
    ana, ben = await invite(), await invite()
    await ana.join(room, "Ana")
    await ben.join(room, "Ben")
    row = (await ben.open_panel("People")).get_by_role("listitem").filter(has_text="Ana")
    await expect(row).not_to_contain_text("muted", timeout=MEDIA_MS)

    await ana.page.keyboard.press("m")
    await expect(ana.button("Unmute microphone")).to_be_visible()
    await expect(row).to_contain_text("muted", timeout=MEDIA_MS)
    await ana.button("Unmute microphone").click()
    await expect(row).not_to_contain_text("muted", timeout=MEDIA_MS)

    await ana.page.keyboard.press("v")
    await expect(ana.button("Turn camera on")).to_be_visible()
    await expect(row).to_contain_text("camera off", timeout=MEDIA_MS)
    senders = "pc.getSenders().map((sender) => sender.track?.kind ?? null)"
    assert await ana.knows(senders) == ["audio", None, None]  # the camera is closed, not only hidden
    await ana.button("Turn camera on").click()
    await expect(row).not_to_contain_text("camera off", timeout=MEDIA_MS)


async def test_a_recording_is_seen_by_everybody_and_downloaded(invite: Invite, room: str, tmp_path: Path) -> None:
    ana, ben = await invite(), await invite()
    await ana.join(room, "Ana")
    await ben.join(room, "Ben")
    sign = re.compile(r"^REC\s*0:0[1-9]$")

    await ana.button("Start recording").click()
    for guest in (ana, ben):
        await expect(guest.page.locator(".rec")).to_have_text(sign, timeout=MEDIA_MS)
        await expect(guest.page).to_have_title(re.compile("REC"))
    await ana.shot(tmp_path, "recording")
    await ben.button("Stop recording").click()
    for guest in (ana, ben):
        await expect(guest.page.locator(".rec")).to_be_hidden(timeout=MEDIA_MS)
        await expect(guest.button("Start recording")).to_be_enabled()

    panel = await ana.open_panel("Recordings")
    await expect(panel.get_by_role("listitem")).to_contain_text("Ready", timeout=MEDIA_MS)
    await ana.shot(tmp_path, "recordings")
    async with ana.page.expect_download() as promised:
        await panel.get_by_role("link", name=re.compile("^Download")).click()
    download = await promised.value
    assert download.suggested_filename.endswith(".mp4")
    file = tmp_path / "recording.mp4"
    await download.save_as(file)
    assert file.read_bytes()[4:8] == b"ftyp"

    await ana.button("Leave").click()
    await expect(ana.page.get_by_role("heading", name="You left the room")).to_be_visible()
    await expect(ana.page.get_by_role("listitem").filter(has_text="Ready")).to_be_visible()
    await ana.go("/")
    row = ana.page.get_by_role("listitem").filter(has_text=room)
    await row.get_by_role("button", name=re.compile("^Delete")).click()
    await row.get_by_role("button", name=re.compile("^Delete")).click()
    await expect(row).to_have_count(0)


async def test_a_second_start_says_that_the_room_is_recorded(invite: Invite, room: str, server: Server) -> None:
    ana = await invite()
    await ana.join(room, "Ana")
    await ana.page.route("**/events", lambda route: route.abort())
    body = {"error": {"code": "recording_conflict", "message": "…"}}
    await ana.page.route(f"**/v1/rooms/{room}/recordings", lambda route: route.fulfill(status=409, json=body))
    await ana.button("Start recording").click()
    await expect(ana.page.get_by_role("alert")).to_contain_text("This room is being recorded already.")


async def test_leaving_is_seen_at_once_and_closes_the_devices(invite: Invite, room: str) -> None:
    ana, ben = await invite(), await invite()
    await ana.join(room, "Ana")
    await ben.join(room, "Ben")
    people = await ben.open_panel("People")
    await expect(people.get_by_role("listitem")).to_have_count(2)
    await ana.page.evaluate("window.held = tutti.pc.getSenders().map((sender) => sender.track).filter(Boolean)")
    await ana.button("Leave").click()
    await expect(people.get_by_role("listitem")).to_have_count(1)
    assert await ana.page.evaluate("held.map((track) => track.readyState)") == ["ended", "ended"]


async def test_closing_the_tab_is_leaving(invite: Invite, room: str) -> None:
    ana, ben = await invite(), await invite()
    await ana.join(room, "Ana")
    await ben.join(room, "Ben")
    people = await ben.open_panel("People")
    await expect(people.get_by_role("listitem")).to_have_count(2)
    await ana.go("/")
    await expect(people.get_by_role("listitem")).to_have_count(1)


async def test_a_kicked_person_is_told(invite: Invite, room: str, server: Server) -> None:
    ana = await invite()
    await ana.join(room, "Ana")
    server.http.delete(f"/v1/rooms/{room}/participants/{await ana.knows('state.id')}").raise_for_status()
    await expect(ana.page.get_by_role("heading", name="You were removed from the room")).to_be_visible()


async def test_the_layout_is_changed_for_everybody(invite: Invite, room: str, server: Server) -> None:
    ana, ben = await invite(), await invite()
    await ana.join(room, "Ana")
    await ben.join(room, "Ben")
    await expect((await ben.open_panel("Layout")).get_by_label("Grid")).to_be_checked()
    await (await ana.open_panel("Layout")).get_by_label("Speaker", exact=True).click()
    await expect(ben.page.get_by_label("Speaker", exact=True)).to_be_checked()
    assert server.get(f"/v1/rooms/{room}")["layout"] == "speaker"


async def test_a_full_room_is_said_in_words(invite: Invite, room: str, server: Server) -> None:
    ana, ben = await invite(), await invite()
    await ana.go(f"/r/{room}?name=Ana")
    await expect(ana.button("Join")).to_be_enabled()
    server.open_room(room, max_participants=1)  # only now, as an empty room soon ends
    await ana.button("Join").click()
    await ana.sees_the_mix()
    await ben.go(f"/r/{room}")
    await expect(ben.page.get_by_text("Ana is here.")).to_be_visible()
    await ben.button("Join").click()
    await expect(ben.page.get_by_role("alert")).to_have_text("This room is full. Try again when somebody has left.")
    await expect(ben.button("Join")).to_be_enabled()


async def test_a_name_that_is_too_long_is_said_in_words(invite: Invite, room: str) -> None:
    ana = await invite()
    await ana.go(f"/r/{room}")
    await ana.page.get_by_label("Your name").fill("x" * 101)
    await ana.button("Join").click()
    words = "A name may have 100 characters; this one has 101."
    await expect(ana.page.get_by_role("alert")).to_have_text(words)


async def test_the_address_can_name_and_join_without_processing(invite: Invite, room: str) -> None:
    ana = await invite()
    await ana.go(f"/r/{room}?name=Ana%20Li&autojoin=1&echo=0")
    await ana.sees_the_mix()
    settings = await ana.knows("pc.getSenders()[0].track.getSettings()")
    switches = ("echoCancellation", "noiseSuppression", "autoGainControl")
    assert [settings[switch] for switch in switches] == [False, False, False]
    assert await ana.knows("state.name") == "Ana Li"
    assert "inbound-rtp" in await ana.knows("stats().then((reports) => reports.map((report) => report.type))")


@pytest.mark.parametrize("size", [PHONE, SMALL_PHONE], ids=["390", "360"])
async def test_it_fits_a_phone(invite: Invite, room: str, size: tuple[int, int], tmp_path: Path) -> None:
    ana = await invite(size)
    overflow = "document.documentElement.scrollWidth - innerWidth"
    await ana.go("/")
    assert await ana.page.evaluate(overflow) <= 0
    await ana.join(room, "Ana")
    assert await ana.page.evaluate(overflow) <= 0
    for name in ("Mute microphone", "Turn camera off", "Start recording", "More", "Leave"):
        await expect(ana.button(name)).to_be_in_viewport(ratio=1)
    await ana.shot(tmp_path, "call")
    await ana.button("More").click()
    await expect(ana.button("Layout")).to_be_in_viewport(ratio=1)
    await ana.button("Layout").click()
    await expect(ana.page.get_by_role("complementary", name="Layout")).to_be_in_viewport()
    await ana.shot(tmp_path, "layout")
    await ana.page.keyboard.press("Escape")
    await expect(ana.page.get_by_role("complementary", name="Layout")).to_be_hidden()
