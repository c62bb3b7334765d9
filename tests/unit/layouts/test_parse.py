import pytest

from layouts.errors import LayoutError
from layouts.model import Fit, Options, Order, Side
from layouts.parse import parse_options

pytestmark = pytest.mark.unit


def test_nothing_said_is_the_default() -> None:
    assert parse_options({}) == Options()


def test_values_as_json_gives_them() -> None:
    parsed = parse_options(
        {
            "gap": 8,
            "padding": 4,
            "background": "#ffffff",
            "camera_fit": "contain",
            "order": "speaking",
            "pinned": ["ann", "bob"],
            "hidden": ["eve"],
            "side": "left",
            "small_share": 0.25,
        }
    )
    assert parsed == Options(
        gap=8,
        padding=4,
        background="#ffffff",
        camera_fit=Fit.CONTAIN,
        order=Order.SPEAKING,
        pinned=("ann", "bob"),
        hidden=frozenset({"eve"}),
        side=Side.LEFT,
        small_share=0.25,
    )


def test_values_as_a_command_line_gives_them() -> None:
    parsed = parse_options({"gap": "8", "small_share": "0.3", "pinned": "ann, bob,", "side": "auto"})
    assert parsed == Options(gap=8, small_share=0.3, pinned=("ann", "bob"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("gap", 1.5),
        ("gap", True),
        ("gap", None),
        ("gap", "1e3"),
        ("gap", 10**400),
        ("gap", "9" * 5000),
        ("small_share", []),
        ("small_share", "nan"),
        ("background", 7),
        ("camera_fit", "stretch"),
        ("order", ["joined"]),
        ("side", {}),
        ("pinned", [1]),
        ("pinned", 5),
        ("hidden", {"a": 1}),
        ("max_tiles", -1),
    ],
)
def test_what_cannot_be_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(LayoutError, match=f"^{name}: "):
        parse_options({name: value})


def test_an_unknown_option_is_answered_with_the_known_ones() -> None:
    with pytest.raises(LayoutError, match="gapp: unknown option; known are: gap, padding"):
        parse_options({"gapp": 8})
