"""What one does in the picture itself, in Chromium against the real service: marks, pins, layouts, screens."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, WebSocketRoute, expect

from tests.e2e.support.media import BLUE, RED, Rgb
from tests.e2e.support.page import MEDIA_MS, PHONE, Guest
from tests.e2e.support.server import Server
from tests.e2e.support.tiles import CANVAS_WIDTH, box_of, is_near

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

SIZE = (1280, 800)
SCREEN: Rgb = (0, 132, 0)  # what Chromium's fake screen shows, mostly
WITHIN_PX = 6  # rounding, and edges that the encoder has blurred


@pytest_asyncio.fixture(loop_scope="module")
async def pair(browser: Browser, server: Server, room: str) -> AsyncIterator[tuple[Guest, Guest]]:
    """Ana, whose camera is red, and Ben, whose camera is blue, who see each other."""
    guests = [await Guest.of(browser, server.url, size=SIZE, painted=colour) for colour in (RED, BLUE)]
    for guest, name in zip(guests, ("Ana", "Ben"), strict=True):
        await guest.join(room, name)
    for guest in guests:
        await expect(guest.tile("Ben")).to_be_visible(timeout=MEDIA_MS)
    yield guests[0], guests[1]
    for guest in guests:
        await guest.close()
    assert [error for guest in guests for error in guest.errors] == []


async def lies_on(guest: Guest, name: str, colour: Rgb) -> None:
    """Wait until the mark called ``name`` lies exactly on the tile of ``colour``."""
    deadline = time.monotonic() + MEDIA_MS / 1000
    while True:
        box, pixels = await guest.box_of_tile(name), await guest.pixels()
        scale = CANVAS_WIDTH / pixels.shape[1]
        x, y, width, height = (round(scale * length) for length in box)
        marked, seen = (x, y, width, height), box_of(pixels, colour)
        if is_near(seen, marked, round(scale * WITHIN_PX)):
            return
        assert time.monotonic() < deadline, f"{name} is marked at {marked} and seen at {seen}"
        await asyncio.sleep(0.2)


async def test_a_click_on_a_tile_pins_and_unpins(
    pair: tuple[Guest, Guest], server: Server, room: str, tmp_path: Path
) -> None:
    ana, ben = pair
    await lies_on(ana, "Ana", RED)
    await lies_on(ana, "Ben", BLUE)
    server.http.put(f"/v1/rooms/{room}/layout", json={"layout": "speaker"}).raise_for_status()
    await ana.comes_to_know("state.tiles.tiles.some(({ end }) => end.width > 0.7)")
    for name in ("Ben", "Ana"):  # whoever was large before, both have been and are not any more
        await ana.tile(name).click()
        for guest in pair:
            await expect(guest.tile(name)).to_have_attribute("aria-pressed", "true")
            colour, other = (BLUE, RED) if name == "Ben" else (RED, BLUE)
            await lies_on(guest, name, colour)
            await lies_on(guest, "Ana" if name == "Ben" else "Ben", other)
        wide = {who: (await ana.box_of_tile(who))[2] for who in ("Ana", "Ben")}
        assert wide[name] > 3 * min(wide.values())
        await ana.shot(tmp_path, f"pinned-{name}")
        await ben.tile(name).focus()
        await ben.page.keyboard.press("Enter")
        await expect(ana.tile(name)).to_have_attribute("aria-pressed", "false")


async def test_the_menu_hides_mutes_and_removes(pair: tuple[Guest, Guest], room: str, tmp_path: Path) -> None:
    ana, ben = pair
    row = (await ana.open_panel("People")).get_by_role("listitem").filter(has_text="Ben")
    await ana.tile("Ben").click(button="right")
    await expect(ana.page.get_by_role("menuitem")).to_have_count(5)
    await ana.shot(tmp_path, "menu")
    await ana.page.keyboard.press("ArrowDown")
    await ana.page.keyboard.press("ArrowDown")
    await ana.page.keyboard.press("Enter")
    await expect(ana.tile("Ben")).to_have_count(0)
    await expect(row).to_contain_text("Hidden from the picture")
    await row.get_by_role("button", name="More about Ben").click()
    await ana.page.get_by_role("menuitem", name="Show in the picture").click()
    await expect(ana.tile("Ben")).to_be_visible()

    await ana.tile("More about Ben").focus()
    await ana.page.keyboard.press("Enter")
    await ana.page.get_by_role("menuitem", name="Mute for everybody").click()
    await expect(row).to_contain_text("Muted for everybody")
    await expect(ben.page.get_by_text("You are muted for everybody")).to_be_visible()
    await expect(await ben.open_panel("People")).to_contain_text("You · muted for everybody")
    await ben.shot(tmp_path, "muted-for-everybody")
    await ana.join(room, "Ana")  # a page that knows nothing from before
    await ana.open_panel("People")
    await expect(row).to_contain_text("Muted for everybody")
    await row.get_by_role("button", name="More about Ben").click()
    await expect(ana.page.get_by_role("menuitem", name="Unmute for everybody")).to_be_visible()
    await ana.page.get_by_role("menuitem", name="Remove from the room").click()
    await ana.page.get_by_role("menuitem", name="Press again to confirm").click()
    await expect(ben.page.get_by_role("heading", name="You were removed from the room")).to_be_visible()
    await expect(ana.tile("Ben")).to_have_count(0)


async def test_layouts_are_drawn_chosen_and_ones_own_are_among_them(
    pair: tuple[Guest, Guest], server: Server, tmp_path: Path
) -> None:
    ana, ben = pair
    slots = [{"x": 0, "y": 0, "width": "40%", "height": "100%"}, {"x": "40%", "y": 0, "width": "60%", "height": "100%"}]
    server.http.put("/v1/layouts/forty-sixty", json={"slots": slots}).raise_for_status()
    panel = await ana.open_panel("Layout")
    drawing = panel.locator("label").filter(has_text="forty-sixty").locator("img")
    await expect(drawing).to_be_visible()
    assert await drawing.evaluate("({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight]") == [256, 144]
    await expect(panel.get_by_label("Grid", exact=True)).to_be_checked()
    await panel.get_by_label("forty-sixty").click()
    await expect(panel.get_by_label("forty-sixty")).to_be_checked()
    await ana.shot(tmp_path, "layouts")
    await ben.comes_to_know("state.tiles.tiles[0].end.width === 0.4")
    await lies_on(ben, "Ana", RED)
    await lies_on(ben, "Ben", BLUE)
    await panel.get_by_label("Side by side").focus()
    await ana.page.keyboard.press("Space")
    await ben.comes_to_know("state.layout === 'side-by-side'")
    server.http.delete("/v1/layouts/forty-sixty").raise_for_status()


async def test_a_shared_screen_takes_the_picture_and_gives_it_back(pair: tuple[Guest, Guest], tmp_path: Path) -> None:
    ana, ben = pair
    for ending in ("page", "browser"):
        await ana.button("Share your screen").click()
        await expect(ana.page.get_by_text("You are sharing your screen")).to_be_visible()
        await expect(ben.tile("Screen of Ana")).to_be_visible(timeout=MEDIA_MS)
        await expect(ana.tile("Your screen")).to_be_visible()
        assert await ana.knows("pc.getSenders()[2].track.contentHint") == "detail"
        await ben.comes_to_know("state.tiles.tiles.find(({ id }) => id.endsWith(':screen'))?.end.width > 0.6")
        await lies_on(ben, "Screen of Ana", SCREEN)
        await lies_on(ben, "Ben", BLUE)
        await ana.shot(tmp_path, f"shared-{ending}")
        if ending == "page":
            await ana.page.get_by_role("button", name="Stop", exact=True).click()
        else:  # the browser's own bar is out of reach; this is all that the page learns of it
            await ana.page.evaluate("tutti.pc.getSenders()[2].track.dispatchEvent(new Event('ended'))")
        await expect(ana.page.get_by_text("You are sharing your screen")).to_be_hidden()
        await expect(ana.button("Share your screen")).to_be_enabled()
        await expect(ben.tile("Screen of Ana")).to_have_count(0, timeout=MEDIA_MS)
        await lies_on(ben, "Ana", RED)


async def test_a_tap_on_a_phone_pins_and_the_sheet_leaves_the_picture_in_sight(
    browser: Browser, server: Server, room: str, tmp_path: Path
) -> None:
    ana = await Guest.of(browser, server.url, size=PHONE, painted=RED)
    await ana.join(room, "Ana")
    await ana.tile("Ana").tap()
    await expect(ana.tile("Ana")).to_have_attribute("aria-pressed", "true")
    await ana.tile("More about Ana").tap()
    await ana.page.get_by_role("menuitem", name="Unpin").tap()
    await expect(ana.tile("Ana")).to_have_attribute("aria-pressed", "false")
    await ana.button("More").tap()
    await ana.button("Layout").tap()
    panel = ana.page.get_by_role("complementary", name="Layout")
    await expect(panel).to_be_visible()
    await lies_on(ana, "Ana", RED)  # all of it: what the sheet covers would not be seen
    await panel.get_by_label("Speaker", exact=True).tap()
    await expect(panel.get_by_label("Speaker", exact=True)).to_be_checked()
    await ana.shot(tmp_path, "phone")
    await ana.close()
    assert ana.errors == []


async def test_statistics_are_drawn(pair: tuple[Guest, Guest], tmp_path: Path) -> None:
    panel = await pair[0].open_panel("Statistics")
    for label in (r"Bit rate: in [\d.]+\s[kM]bit/s, out [\d.]+\s[kM]bit/s", r"Picture height: in (180|360|720)p"):
        await expect(panel.get_by_label(re.compile(label)).last).to_be_visible(timeout=MEDIA_MS)
    await expect(panel.get_by_text(re.compile("full size|half size|quarter size"))).to_be_visible()
    for title in ("Bit rate", "Loss", "Jitter", "Delay", "Size of the room's picture", "Delay in the room"):
        await expect(panel.get_by_role("heading", name=title, exact=True)).to_be_visible()
    picture = panel.get_by_role("table").filter(has_text="Your picture")
    for stage in (
        "coming in",
        "decoded",
        "held for lip sync",
        "waiting",
        "painted",
        "encoded",
        "in all",
        "sent to you",
    ):
        await expect(picture.get_by_role("row", name=re.compile(rf"^{stage} [\d.]+\sms [\d.]+\sms$"))).to_be_visible()
    ink = "(canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
    for canvas in await panel.locator("canvas").all():
        assert await canvas.evaluate(ink)
    await pair[0].shot(tmp_path, "statistics")
    await picture.scroll_into_view_if_needed()
    await pair[0].shot(tmp_path, "delays")


async def test_what_is_selected_in_the_delays_stays_so(pair: tuple[Guest, Guest]) -> None:
    page = pair[0].page
    panel = await pair[0].open_panel("Statistics")
    row = panel.get_by_role("table").filter(has_text="Your picture").get_by_role("row", name=re.compile("^in all"))
    await expect(row).to_be_visible(timeout=MEDIA_MS)
    await row.evaluate("(row) => getSelection().selectAllChildren(row)")
    before = await row.inner_text()
    await expect(row).not_to_have_text(before, timeout=MEDIA_MS, use_inner_text=True)  # newer values are there
    selected = await page.evaluate("getSelection().toString()")
    assert selected.split() == (await row.inner_text()).split()


def _pass_on(socket: WebSocketRoute, text: str | bytes) -> None:
    told = json.loads(text)
    if told["type"] != "overload":
        socket.send(json.dumps(told | {"overload": None} if told["type"] == "state" else told))


async def test_what_overload_costs_is_said(browser: Browser, server: Server, room: str, tmp_path: Path) -> None:
    sockets: list[WebSocketRoute] = []

    def stand_between(socket: WebSocketRoute) -> None:
        """How busy this machine is in truth is not told."""
        upstream = socket.connect_to_server()
        upstream.on_message(lambda text: _pass_on(socket, text))
        sockets.append(socket)

    ana = await Guest.of(browser, server.url, painted=RED)
    await ana.page.route_web_socket("**/events", stand_between)
    await ana.join(room, "Ana")
    said = ana.page.locator(".overload")
    await expect(said).to_be_hidden()
    sockets[-1].send(json.dumps({"type": "overload", "level": 3, "fps": 15, "width": 640}))
    await expect(said).to_have_text("The server is busy: 15 pictures a second, half the size.")
    panel = await ana.open_panel("Statistics")
    await expect(panel.get_by_text("15 pictures a second")).to_be_visible()
    await ana.shot(tmp_path, "overload")
    sockets[-1].send(json.dumps({"type": "overload", "level": 0, "fps": 30, "width": 1280}))
    await expect(said).to_be_hidden()
    await expect(panel.get_by_text("keeps up")).to_be_visible()
    await ana.close()
    assert ana.errors == []
