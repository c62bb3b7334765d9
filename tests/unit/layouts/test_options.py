import dataclasses

import pytest

from layouts.errors import LayoutError
from layouts.geometry import Rect, Size
from layouts.model import Fit, Kind, Options, Order, Side, Source
from layouts.select import names, resolve
from tests.unit.layouts.people import HD, people

pytestmark = pytest.mark.unit


def shown(name: str, sources: list[Source], options: Options) -> list[str]:
    return [tile.source_id for tile in resolve(name, HD, sources, options).tiles]


def test_gap_and_padding_part_the_tiles() -> None:
    tiles = resolve("grid", HD, people(4), Options(gap=16, padding=8)).tiles
    assert tiles[0].rect.x >= 8
    assert tiles[0].rect.y >= 8
    assert tiles[1].rect.x - tiles[0].rect.right == 16
    assert tiles[2].rect.y - tiles[0].rect.bottom == 16
    assert 1280 - tiles[1].rect.right >= 8


def test_hidden_people_take_no_place() -> None:
    options = Options(hidden=frozenset({"p1", "nobody"}))
    assert shown("grid", people(3), options) == ["p0", "p2"]


def test_pinned_people_come_first_in_the_order_of_pinning() -> None:
    assert shown("grid", people(5), Options(pinned=("p4", "ghost", "p2", "p4"))) == ["p4", "p2", "p0", "p1", "p3"]


def test_the_first_pinned_is_big_even_beside_a_screen() -> None:
    sources = [*people(3), Source(id="s", kind=Kind.SCREEN)]
    assert resolve("speaker", HD, sources, Options(pinned=("p1",))).featured == "p1"
    assert resolve("speaker", HD, sources).featured == "s"


def test_pages_cut_the_order() -> None:
    crowd = people(10)
    pages = [resolve("grid", HD, crowd, Options(max_tiles=4, page=page)) for page in range(4)]
    assert [[tile.source_id for tile in page.tiles] for page in pages] == [
        ["p0", "p1", "p2", "p3"],
        ["p4", "p5", "p6", "p7"],
        ["p8", "p9"],
        ["p8", "p9"],  # past the end: the last page
    ]
    assert [page.waiting for page in pages] == [6, 6, 8, 8]


def test_the_speaker_stays_on_every_page() -> None:
    crowd = people(6)
    crowd[5] = dataclasses.replace(crowd[5], last_spoke=1)
    assert shown("speaker", crowd, Options(max_tiles=3, page=1)) == ["p5", "p2", "p3"]


def test_orders() -> None:
    crowd = [
        Source("a", name="zoë", last_spoke=1),
        Source("b", name="Ämil", last_spoke=0),
        Source("c", name="Bob", last_spoke=7),
        Source("d", name="bea", last_spoke=0),
    ]
    assert shown("grid", crowd, Options(order=Order.JOINED)) == ["a", "b", "c", "d"]
    assert shown("grid", crowd, Options(order=Order.SPEAKING)) == ["c", "a", "b", "d"]
    assert shown("grid", crowd, Options(order=Order.NAME)) == ["d", "c", "a", "b"]


def test_fit_by_kind() -> None:
    sources = [Source("camera"), Source("screen", kind=Kind.SCREEN)]
    fits = {tile.source_id: tile.fit for tile in resolve("grid", HD, sources).tiles}
    assert fits == {"camera": Fit.COVER, "screen": Fit.CONTAIN}
    turned = Options(camera_fit=Fit.CONTAIN, screen_fit=Fit.COVER)
    fits = {tile.source_id: tile.fit for tile in resolve("grid", HD, sources, turned).tiles}
    assert fits == {"camera": Fit.CONTAIN, "screen": Fit.COVER}


@pytest.mark.parametrize(
    ("side", "strip"),
    [
        (Side.LEFT, Rect(0, 288, 256, 144)),
        (Side.RIGHT, Rect(1024, 288, 256, 144)),
        (Side.TOP, Rect(512, 0, 256, 144)),
        (Side.BOTTOM, Rect(512, 576, 256, 144)),
        (None, Rect(1024, 288, 256, 144)),
    ],
)
def test_the_strip_lies_where_it_is_asked(side: Side | None, strip: Rect) -> None:
    big, small = resolve("speaker", HD, people(2), Options(side=side)).tiles
    assert small.rect == strip
    assert big.rect.size == Size(1024, 576)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"gap": -1}, "gap"),
        ({"padding": 401}, "padding"),
        ({"corner_radius": -2}, "corner_radius"),
        ({"max_tiles": 0}, "max_tiles"),
        ({"page": -1}, "page"),
        ({"small_share": float("nan")}, "small_share"),
        ({"background": "red"}, "background"),
        ({"background": "#12345g"}, "background"),
    ],
)
def test_a_wrong_option_is_named(values: dict[str, object], named: str) -> None:
    with pytest.raises(LayoutError, match=f"^{named}: "):
        dataclasses.replace(Options(), **values)  # type: ignore[arg-type] # wrong values are the point


@pytest.mark.parametrize("canvas", [Size(0, 0), Size(-2, 90), Size(161, 90), Size(160, 8), Size(10_000, 720)])
def test_impossible_canvases_are_refused(canvas: Size) -> None:
    with pytest.raises(LayoutError, match=r"^canvas: "):
        resolve("grid", canvas, people(1))


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(LayoutError) as caught:
        resolve("gird", HD, people(1))
    assert "'gird'" in str(caught.value)
    assert all(name in str(caught.value) for name in names())
    assert {"grid", "bestFit", "speaker", "single-speaker", "pip", "auto"} <= set(names())
