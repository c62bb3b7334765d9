import dataclasses

import pytest

from layouts.errors import LayoutError
from layouts.geometry import Rect
from layouts.model import Fit, Layout, Options
from layouts.templates_freeswitch import parse_freeswitch
from tests.unit.layouts.people import HD, people

pytestmark = pytest.mark.unit

FILE = """
<configuration name="conference_layouts.conf" description="Audio Conference">
  <layout-settings>
    <layouts>
      <layout name="1x1"><image x="0" y="0" scale="360" floor="true"/></layout>
      <layout name="2x1" auto-3d-position="true">
        <image x="0" y="90" scale="180"/>
        <image x="180" y="90" scale="180"/>
      </layout>
      <layout name="2up+1" border="4">
        <image x="0" y="0" scale="240" floor="true" zoom="true"/>
        <image x="240" y="0" scale="120" hscale="240" reservation_id="host" border="0"/>
        <image x="0" y="240" scale="120"/>
      </layout>
      <layout name="overlaps">
        <image x="0" y="0" scale="360"/>
        <image x="300" y="300" scale="60" overlap="true"/>
        <image x="290" y="300" scale="60" overlap="true"/>
        <image x="0" y="0" scale="60" file-only="true"/>
      </layout>
    </layouts>
    <groups>
      <group name="grid">
        <layout>1x1</layout>
        <layout>2x1</layout>
      </group>
    </groups>
  </layout-settings>
</configuration>
"""


def arrange(name: str, count: int, options: Options | None = None) -> Layout:
    return parse_freeswitch(FILE)[name].arrange(HD, people(count), options or Options())


def rects(layout: Layout) -> dict[str, Rect]:
    return {tile.source_id: tile.rect for tile in layout.tiles}


def test_layouts_and_groups_are_found_by_name() -> None:
    assert set(parse_freeswitch(FILE)) == {"1x1", "2x1", "2up+1", "overlaps", "group:grid"}


def test_units_are_360ths_of_the_canvas() -> None:
    assert rects(arrange("2x1", 2)) == {"p0": Rect(0, 180, 640, 360), "p1": Rect(640, 180, 640, 360)}


def test_floor_zoom_border_height_and_reservation() -> None:
    layout = arrange("2up+1", 3, Options(reserved=(("host", "p2"),)))
    floor, host, other = layout.tiles
    # 240/360 of 1280x720 is 853.3x480; 4 pixels of border inside
    assert (floor.source_id, floor.rect, floor.fit) == ("p0", Rect(4, 4, 846, 472), Fit.COVER)
    assert (host.source_id, host.rect, host.fit) == ("p2", Rect(854, 0, 426, 480), Fit.CONTAIN)
    assert (other.source_id, other.rect) == ("p1", Rect(4, 484, 418, 232))
    assert layout.featured == "p0"
    assert set(rects(arrange("2up+1", 3))) == {"p0", "p1"}, "nobody takes a slot reserved for somebody"


def test_the_floor_goes_to_who_speaks() -> None:
    template = parse_freeswitch(FILE)["2up+1"]
    crowd = people(2)
    before = template.arrange(HD, crowd, Options())
    crowd[1] = dataclasses.replace(crowd[1], last_spoke=1)
    after = template.arrange(HD, crowd, Options(), before)
    assert rects(after) == {"p1": rects(before)["p0"], "p0": rects(before)["p1"]}


def test_overlapping_images_lie_above_and_file_slots_stay_empty() -> None:
    layout = arrange("overlaps", 4)
    assert [tile.z for tile in layout.tiles] == [0, 1, 2]
    assert layout.waiting == 1


def test_a_group_takes_the_first_layout_with_room_for_all() -> None:
    assert [arrange("group:grid", count).name for count in (0, 1, 2, 3)] == ["1x1", "1x1", "2x1", "2x1"]


def test_bytes_with_a_declared_encoding() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><layout name="zwölf"><image x="0" y="0" scale="360"/></layout>'
    assert set(parse_freeswitch(text.encode("latin-1"))) == {"zwölf"}


BOMB = """<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>
<layout name="&lol2;"><image x="0" y="0" scale="360"/></layout>"""
OUTSIDE = """<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]><layout name="&secret;"/>"""


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, "<!DOCTYPE x><layout name='a'/>"])
def test_entities_and_document_types_are_refused(text: str) -> None:
    with pytest.raises(LayoutError, match="line 1: a document type or entity is not accepted"):
        parse_freeswitch(text)


def xml(inside: str) -> str:
    return f"<x>{inside}</x>"


def image(attributes: str) -> str:
    return f'<x>\n<layout name="a">\n<image {attributes}/>\n</layout>\n</x>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: no element found"),
        ("<x><y></x>", "line 1: mismatched tag"),
        ("<x/>", "xml: there is no <layout> in it"),
        ("<layout/>", "line 1: a <layout> without a name"),
        ("<layout name='a'/>", "line 1: layout 'a' has no image"),
        (
            "<x>" + "<layout name='a'><image x='0' y='0' scale='1'/></layout>" * 2 + "</x>",
            "line 1: a second <layout> 'a'",
        ),
        (image('y="0" scale="360"'), "line 3: x: is missing"),
        (image('x="0" y="0" scale="big"'), "line 3: scale: 'big' is no number"),
        (image('x="-5" y="0" scale="60"'), "line 3: x: -5 is not between"),
        (image('x="0" y="0" scale="0"'), "line 3: scale: 0 is not between"),
        (image('x="200" y="0" scale="180"'), "line 3: ends at 380, 180, outside the canvas of 360 units"),
        (
            xml("<layout name='a'><image x='0' y='0' scale='9'/></layout>\n<group name='g'><layout>b</layout></group>"),
            "line 2: group 'g' names 'b', which is no layout here",
        ),
        (
            "<x><layout name='a'><image x='0' y='0' scale='360'/></layout><group name='g'/></x>",
            "group 'g': has no layout",
        ),
        ("<x>" + " " * 1_000_000 + "</x>", "xml: is longer than"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, said: str) -> None:
    with pytest.raises(LayoutError) as caught:
        parse_freeswitch(text)
    assert str(caught.value).startswith(said)


def test_images_that_overlap_without_saying_so_are_named() -> None:
    text = "<layout name='a'>\n<image x='0' y='0' scale='200'/>\n<image x='100' y='0' scale='200'/>\n</layout>"
    with pytest.raises(LayoutError, match="line 3: image 2 of layout 'a': overlaps line 2: image 1"):
        parse_freeswitch(text)["a"].arrange(HD, [], Options())
