"""Layouts over HTTP: given to rooms, stored, drawn."""

from io import BytesIO

import httpx
import pytest
from PIL import Image

from api.app import running
from api.library import MOST_STORED
from api.settings import Settings
from tests.unit.api.conftest import assemble_fake, client_of
from tests.unit.api.fake_host import FakeHost
from tests.unit.api.test_bad_input import error_of

pytestmark = pytest.mark.unit

XML = {"Content-Type": "application/xml"}
HALVES = {
    "slots": [
        {"x": 0, "y": 0, "width": "50%", "height": "100%"},
        {"x": "50%", "y": 0, "width": "50%", "height": "100%"},
    ]
}
TWILIO = {
    "main": {"z_pos": 1, "video_sources": ["screen*"]},
    "row": {"z_pos": 2, "max_rows": 1, "video_sources": ["*"]},
}
FREESWITCH = """<configuration name="conference_layouts.conf"><layout-settings>
<layouts>
  <layout name="1x1"><image x="0" y="0" scale="360"/></layout>
  <layout name="1x2"><image x="0" y="90" scale="180"/><image x="180" y="90" scale="180"/></layout>
</layouts>
<groups><group name="grid"><layout>1x1</layout><layout>1x2</layout></group></groups>
</layout-settings></configuration>"""


@pytest.fixture
async def room(http: httpx.AsyncClient) -> str:
    await http.post("/v1/rooms", json={"name": "a"})
    return "/v1/rooms/a/layout"


# --- rooms ------------------------------------------------------------------------------------------------------------


async def test_a_room_gets_options(http: httpx.AsyncClient, host: FakeHost, room: str) -> None:
    options = {"gap": 8, "background": "#203040", "pinned": ["p"]}
    told = (await http.put(room, json={"layout": "speaker", "options": options})).json()
    assert (told["layout"], told["layout_options"]) == ("speaker", options)
    config = host.room("a").config
    assert config is not None
    assert (config.layout_options, config.custom_layout) == (options, None)


@pytest.mark.parametrize("custom", [HALVES, TWILIO], ids=["slots", "twilio"])
async def test_a_room_gets_a_layout_of_its_own(
    http: httpx.AsyncClient, host: FakeHost, room: str, custom: dict[str, object]
) -> None:
    assert (await http.put(room, json={"layout": "mine", "custom": custom})).json()["layout"] == "mine"
    config = host.room("a").config
    assert config is not None
    assert config.custom_layout == custom
    assert (await http.put(room, json={"custom": custom})).json()["layout"] == "custom"


async def test_a_room_opens_with_a_layout_of_its_own_and_keeps_it_over_a_crash(
    http: httpx.AsyncClient, host: FakeHost
) -> None:
    asked = {"name": "b", "layout": "mine", "custom": HALVES, "options": {"gap": 4}}
    assert (await http.post("/v1/rooms", json=asked)).status_code == 201
    host.kill("b")
    assert (await http.get("/v1/rooms/b")).json()["layout_options"] == {"gap": 4}
    config = host.room("b").config
    assert config is not None
    assert (config.layout, config.custom_layout) == ("mine", HALVES)


async def test_a_custom_layout_does_not_take_the_name_of_a_built_in(http: httpx.AsyncClient, room: str) -> None:
    refused = await http.put(room, json={"layout": "grid", "custom": HALVES})
    assert error_of(refused) == (422, "invalid_layout")


async def test_an_unknown_layout_is_refused_with_the_names_that_there_are(http: httpx.AsyncClient, room: str) -> None:
    await http.put("/v1/layouts/halves", json=HALVES)
    refused = await http.put(room, json={"layout": "pyramid"})
    assert error_of(refused) == (422, "invalid_layout")
    message = refused.json()["error"]["message"]
    assert all(name in message for name in ("pyramid", "side-by-side", "halves"))


@pytest.mark.parametrize(
    "body",
    [
        {"layout": ""},
        {"layout": "x" * 201},
        {"layout": 1},
        {"layout": "grid", "options": []},
        {"layout": "grid", "surprise": 1},
        {"custom": "slots"},
        {"custom": []},
        [],
    ],
)
async def test_bodies_that_ask_for_no_layout(http: httpx.AsyncClient, room: str, body: object) -> None:
    assert error_of(await http.put(room, json=body)) == (422, "invalid_request")


@pytest.mark.parametrize("depth", [15, 16, 100, 250, 390])
async def test_layouts_of_great_depth(http: httpx.AsyncClient, room: str, depth: int) -> None:
    body = b'{"custom": ' + b'{"":' * depth + b"1" + b"}" * (depth + 1)
    answer = await http.put(room, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == (200 if depth < 16 else 422), answer.text


@pytest.mark.parametrize(
    "body", ['{"custom": {"a": "\\ud800"}}', '{"custom": {"\\ud800": 1}}', '{"layout": "\\ud800"}']
)
async def test_layouts_that_are_no_unicode(http: httpx.AsyncClient, room: str, body: str) -> None:
    refused = await http.put(room, content=body.encode(), headers={"Content-Type": "application/json"})
    assert error_of(refused) == (422, "invalid_request")


# --- stored -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("document", "form"), [(HALVES, "slots"), (TWILIO, "twilio")])
async def test_a_layout_is_stored_used_and_forgotten(
    http: httpx.AsyncClient, host: FakeHost, room: str, document: dict[str, object], form: str
) -> None:
    path = "/v1/layouts/our%20stage"
    stored = await http.put(path, json=document)
    assert (stored.status_code, stored.headers["Location"]) == (201, path)
    assert (await http.put(path, json=document)).status_code == 200
    told = {"name": "our stage", "form": form, "layouts": ["our stage"], "custom": document, "xml": None}
    assert (await http.get(path)).json() == told

    assert (await http.put(room, json={"layout": "our stage"})).json()["layout"] == "our stage"
    config = host.room("a").config
    assert config is not None
    assert config.custom_layout == document

    assert (await http.delete(path)).status_code == 204
    for gone in (await http.get(path), await http.delete(path), await http.get(f"{path}/preview.png")):
        assert error_of(gone) == (404, "layout_not_found")
    assert host.room("a").config == config


async def test_a_freeswitch_file_is_many_layouts(http: httpx.AsyncClient, host: FakeHost, room: str) -> None:
    stored = await http.put("/v1/layouts/house", content=FREESWITCH, headers=XML)
    assert stored.status_code == 201
    assert stored.json()["layouts"] == ["house:1x1", "house:1x2", "house:group:grid"]
    assert (await http.get("/v1/layouts/house")).json()["xml"] == FREESWITCH

    assert (await http.put(room, json={"layout": "house:group:grid"})).status_code == 200
    config = host.room("a").config
    assert config is not None
    assert config.custom_layout == {"freeswitch": FREESWITCH, "layout": "group:grid"}
    which = await http.put(room, json={"layout": "house"})
    assert error_of(which) == (422, "invalid_layout")
    assert "house:1x2" in which.json()["error"]["message"]

    assert (await http.get("/v1/layouts/house:group:grid/preview.png?participants=2")).status_code == 200
    assert error_of(await http.get("/v1/layouts/house:2x2/preview.png")) == (422, "invalid_layout")


async def test_all_layouts_are_listed(http: httpx.AsyncClient) -> None:
    await http.put("/v1/layouts/halves", json=HALVES)
    await http.put("/v1/layouts/a%20file", content=FREESWITCH, headers=XML)
    listed = (await http.get("/v1/layouts")).json()["layouts"]
    assert {"name": "grid", "form": "built-in", "stored_as": None, "preview": "/v1/layouts/grid/preview.png"} in listed
    ours = [(entry["name"], entry["stored_as"]) for entry in listed if entry["form"] != "built-in"]
    assert ours == [
        ("a file:1x1", "a file"),
        ("a file:1x2", "a file"),
        ("a file:group:grid", "a file"),
        ("halves", "halves"),
    ]
    for entry in listed:
        assert (await http.get(entry["preview"])).status_code == 200, entry


async def test_stored_layouts_are_there_after_a_restart(settings: Settings) -> None:
    before = assemble_fake(settings, FakeHost())
    async with running(before.state.services), client_of(before) as http:
        await http.put("/v1/layouts/halves", json=HALVES)
    after = assemble_fake(settings, FakeHost())
    async with running(after.state.services), client_of(after) as http:
        assert (await http.get("/v1/layouts/halves")).json()["custom"] == HALVES


async def test_a_spoiled_file_hides_no_other(http: httpx.AsyncClient, settings: Settings) -> None:
    await http.put("/v1/layouts/halves", json=HALVES)
    (settings.data_dir / "layouts" / "spoiled.json").write_bytes(b'{"name": "x"')
    listed = (await http.get("/v1/layouts")).json()["layouts"]
    assert listed[-1]["name"] == "halves"


async def test_so_many_are_stored_and_no_more(http: httpx.AsyncClient, settings: Settings) -> None:
    (settings.data_dir / "layouts").mkdir()
    for number in range(MOST_STORED):
        text = f'{{"name": "l{number}", "document": {{"slots": []}}}}'
        (settings.data_dir / "layouts" / f"{number}.json").write_text(text)
    assert error_of(await http.put("/v1/layouts/one-more", json=HALVES)) == (409, "too_many_layouts")


@pytest.mark.parametrize("name", ["grid", "bestFit", "auto"])
async def test_built_in_layouts_stay(http: httpx.AsyncClient, name: str) -> None:
    assert error_of(await http.put(f"/v1/layouts/{name}", json=HALVES)) == (409, "layout_built_in")
    assert error_of(await http.delete(f"/v1/layouts/{name}")) == (409, "layout_built_in")
    assert (await http.get(f"/v1/layouts/{name}")).json()["form"] == "built-in"


@pytest.mark.parametrize("name", ["a:b", "custom", "%2e%2e", "a%5cb", "%00", "x" * 101, "%20"])
async def test_names_that_no_layout_may_have(http: httpx.AsyncClient, name: str) -> None:
    refused = await http.put(httpx.URL(f"http://test/v1/layouts/{name}"), json=HALVES)
    assert error_of(refused) == (422, "invalid_name")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"slots": []}, "slots: "),
        ({"slots": [{"x": -1, "y": 0, "width": 2, "height": 2}]}, "slots[0].x: "),
        ({"slots": [*HALVES["slots"], {"x": 0, "y": 0, "width": "10%", "height": "0%"}]}, "slots[2].height: "),
        ({"slots": [HALVES["slots"][0], HALVES["slots"][0]]}, "slots[1]: overlaps slots[0]"),
        ({"slots": [{"x": "90%", "y": 0, "width": "20%", "height": "10%"}]}, "slots[0].width: "),
        ({"slots": 7}, "slots: "),
        ({"row": {"video_sources": ["*"], "reuse": "show"}}, "row.reuse: "),
        ({"freeswitch": "<layouts/>"}, "freeswitch: "),
        ([], "layout: "),
    ],
)
async def test_a_fault_is_named_with_its_path(http: httpx.AsyncClient, document: object, path: str) -> None:
    refused = await http.put("/v1/layouts/l", json=document)
    assert error_of(refused) == (422, "invalid_layout")
    assert refused.json()["error"]["message"].startswith(path)
    assert error_of(await http.get("/v1/layouts/l")) == (404, "layout_not_found")


@pytest.mark.parametrize(
    ("file", "line"),
    [
        (FREESWITCH.replace('scale="180"', ""), "line 4: "),
        (FREESWITCH.replace("</layouts>", ""), "line 7: "),
        (FREESWITCH.replace("<layout>1x2", "<layout>9x9"), "line 6: "),
        ('<!DOCTYPE c [<!ENTITY e SYSTEM "file:///etc/hostname">]>\n<c>&e;</c>', "line 1: "),
        ('<!DOCTYPE c [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><c>&b;</c>', "line 1: "),
        ("", "line 1: "),
        (b"\xff\xfe", "xml: "),
    ],
)
async def test_a_fault_in_xml_is_named_with_its_line(http: httpx.AsyncClient, file: str | bytes, line: str) -> None:
    refused = await http.put("/v1/layouts/l", content=file, headers=XML)
    assert error_of(refused) == (422, "invalid_layout")
    assert refused.json()["error"]["message"].startswith(line)


@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b'{"slots": NaN}', b'{"slots":' * 5000, b"[" * 20000, b'{"a": "\\ud800"}']
)
async def test_bodies_that_are_no_json(http: httpx.AsyncClient, body: bytes) -> None:
    refused = await http.put("/v1/layouts/l", content=body, headers={"Content-Type": "application/json"})
    assert error_of(refused) == (422, "invalid_request")


@pytest.mark.parametrize("kind", ["application/json", "application/xml"])
async def test_a_file_beyond_the_limit(http: httpx.AsyncClient, kind: str) -> None:
    sizes = {128 * 1024 + 1: 413, 128 * 1024: 422}
    for size, status in sizes.items():
        refused = await http.put("/v1/layouts/l", content=b"x" * size, headers={"Content-Type": kind})
        assert error_of(refused)[0] == status


# --- drawn ------------------------------------------------------------------------------------------------------------


def _colours(png: bytes) -> tuple[tuple[int, int], set[tuple[int, ...]]]:
    """Size, and the colours that fill more than a hundredth of the picture."""
    image = Image.open(BytesIO(png))
    counted = image.getcolors(1 << 20)
    assert counted is not None
    return image.size, {colour for count, colour in counted if count * 100 > image.width * image.height}  # type: ignore[misc]  # an RGB image's colours are tuples


@pytest.mark.parametrize("participants", [0, 1, 7])
async def test_a_drawing_has_a_tile_for_each(http: httpx.AsyncClient, participants: int) -> None:
    drawn = await http.get(f"/v1/layouts/grid/preview.png?participants={participants}&canvas=640x360")
    assert drawn.headers["Content-Type"] == "image/png"
    size, colours = _colours(drawn.content)
    background = (0x11, 0x13, 0x18)
    assert size == (640, 360)
    assert len(colours - {background, (255, 255, 255)}) == participants


async def test_a_shared_screen_is_drawn_large(http: httpx.AsyncClient) -> None:
    drawn = await http.get("/v1/layouts/presentation/preview.png?participants=3&canvas=640x360&screen=true")
    image = Image.open(BytesIO(drawn.content))
    assert image.getpixel((60, 180)) == (96, 104, 116)


async def test_a_drawing_is_asked_for_again_for_free(http: httpx.AsyncClient) -> None:
    path = "/v1/layouts/speaker/preview.png?canvas=320x180"
    first = await http.get(path)
    tag = first.headers["ETag"]
    again = await http.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    other = await http.get(f"{path}&participants=5", headers={"If-None-Match": tag})
    assert other.status_code == 200
    assert (await http.get(path)).content == first.content


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("participants=-1", "invalid_request"),
        ("participants=101", "invalid_request"),
        ("participants=10000", "invalid_request"),
        ("participants=seven", "invalid_request"),
        ("canvas=big", "invalid_request"),
        ("canvas=640", "invalid_request"),
        ("canvas=-640x360", "invalid_request"),
        ("canvas=641x360", "invalid_layout"),
        ("canvas=0x0", "invalid_layout"),
        ("canvas=99999x2", "invalid_layout"),
        ("canvas=4096x4096", "invalid_layout"),
        ("screen=perhaps", "invalid_request"),
    ],
)
async def test_drawings_that_cannot_be(http: httpx.AsyncClient, query: str, code: str) -> None:
    assert error_of(await http.get(f"/v1/layouts/grid/preview.png?{query}")) == (422, code)


async def test_a_drawing_of_pixels_that_do_not_fit(http: httpx.AsyncClient) -> None:
    await http.put("/v1/layouts/wide", json={"slots": [{"x": 1000, "y": 0, "width": 280, "height": 720}]})
    assert (await http.get("/v1/layouts/wide/preview.png?canvas=1280x720")).status_code == 200
    refused = await http.get("/v1/layouts/wide/preview.png?canvas=320x180")
    assert error_of(refused) == (422, "invalid_layout")
