"""The page when the room or the service dies under it: it says so, and comes back by itself."""

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.e2e.support.page import AUTOPLAY, FAKE_DEVICES, GRANT_ALL, MEDIA_MS, Guest, launch
from tests.e2e.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

TRACK = "pc.getSenders()[0].track.id"


@pytest.fixture
def mortal() -> Iterator[Server]:
    """A service that a test may kill."""
    service = Server(empty_room_grace_s=2)
    yield service.start()
    service.close()


@pytest_asyncio.fixture
async def ana(mortal: Server, room: str) -> AsyncIterator[Guest]:
    """Somebody in the room."""
    async with async_playwright() as playwright:
        browser = await launch(playwright, *FAKE_DEVICES, *GRANT_ALL, *AUTOPLAY)
        guest = await Guest.of(browser, mortal.url)
        await guest.join(room, "Ana")
        yield guest
        await browser.close()
        assert guest.errors == []


async def _is_in_again(guest: Guest, old_id: str) -> None:
    await guest.comes_to_know(f"state.phase === 'joined' && ![null, '{old_id}'].includes(tutti.state.id)")
    await guest.sees_the_mix()


async def test_a_room_that_dies_is_joined_again_with_the_same_devices(ana: Guest, mortal: Server, room: str) -> None:
    old_id, microphone = await ana.knows("state.id"), await ana.knows(TRACK)
    mortal.room_process(room).kill()
    await expect(ana.status).to_contain_text("The room had to start again.", timeout=MEDIA_MS)
    await _is_in_again(ana, old_id)
    assert await ana.knows(TRACK) == microphone
    people = await ana.open_panel("People")
    await expect(people.get_by_role("listitem")).to_have_count(1, timeout=MEDIA_MS)


async def test_a_recording_goes_on_in_the_room_that_comes_back(ana: Guest, mortal: Server, room: str) -> None:
    old_id = await ana.knows("state.id")
    await ana.button("Start recording").click()
    await expect(ana.page.locator(".rec")).to_have_text(re.compile(r"REC\s*0:0[1-9]"), timeout=MEDIA_MS)
    (recording,) = mortal.get(f"/v1/recordings?room={room}")["recordings"]
    mortal.room_process(room).kill()
    await _is_in_again(ana, old_id)
    await expect(ana.page.locator(".rec")).to_be_visible()
    await ana.button("Stop recording").click()
    panel = await ana.open_panel("Recordings")
    await expect(panel.get_by_role("listitem")).to_contain_text("Ready", timeout=2 * MEDIA_MS)
    assert [each["id"] for each in mortal.get(f"/v1/recordings?room={room}")["recordings"]] == [recording["id"]]


async def test_a_call_outlives_the_service(ana: Guest, mortal: Server) -> None:
    old_id = await ana.knows("state.id")
    mortal.kill()
    await expect(ana.status).to_contain_text("The server does not answer. Your call goes on", timeout=MEDIA_MS)
    mortal.start()
    await expect(ana.status).to_be_hidden(timeout=2 * MEDIA_MS)
    assert await ana.knows("state.id") == old_id
    assert await ana.knows("pc.connectionState") == "connected"


async def test_when_service_and_room_die_it_comes_back_once_they_are_there(
    ana: Guest, mortal: Server, room: str
) -> None:
    old_id, process = await ana.knows("state.id"), mortal.room_process(room)
    mortal.kill()
    process.kill()
    await expect(ana.status).to_contain_text("Reconnecting…", timeout=2 * MEDIA_MS)
    mortal.start()
    await _is_in_again(ana, old_id)


async def test_without_a_service_there_is_a_way_to_try_again(ana: Guest, mortal: Server) -> None:
    await ana.page.route("**/v1/config", lambda route: route.abort())
    await ana.go("/")
    await expect(ana.page.get_by_role("heading", name="Tutti does not answer")).to_be_visible()
    await ana.page.unroute("**/v1/config")
    await ana.button("Try again").click()
    await expect(ana.page.get_by_label("Name of the room")).to_be_visible()
