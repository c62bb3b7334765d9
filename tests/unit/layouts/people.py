"""Sources and canvases for the layout tests."""

from hypothesis import strategies as st

from layouts.geometry import Size
from layouts.model import Fit, Kind, Options, Order, Side, Source

HD = Size(1280, 720)


def people(count: int, aspect: float = 16 / 9) -> list[Source]:
    return [Source(id=f"p{number}", name=f"Person {number}", aspect=aspect) for number in range(count)]


canvases = st.builds(
    lambda width, height: Size(2 * width, 2 * height), st.integers(80, 1920), st.integers(45, 1080)
) | st.sampled_from([Size(160, 90), HD, Size(720, 1280), Size(960, 960), Size(3840, 2160), Size(90, 160)])

crowds = st.integers(0, 100).flatmap(
    lambda count: st.lists(
        st.builds(
            lambda aspect, kind, has_video, last_spoke: (aspect, kind, has_video, last_spoke),
            st.sampled_from([16 / 9, 4 / 3, 1.0, 9 / 16, 3.7, 0.1]) | st.floats(0.01, 100),
            st.sampled_from([Kind.CAMERA] * 9 + [Kind.SCREEN]),
            st.booleans(),
            st.integers(0, 5),
        ),
        min_size=count,
        max_size=count,
    ).map(
        lambda rows: [
            Source(id=f"p{number}", aspect=aspect, kind=kind, has_video=has_video, last_spoke=last_spoke)
            for number, (aspect, kind, has_video, last_spoke) in enumerate(rows)
        ]
    )
)

looks = st.builds(
    Options,
    gap=st.integers(0, 40),
    padding=st.integers(0, 40),
    camera_fit=st.sampled_from(Fit),
    order=st.sampled_from(Order),
    side=st.none() | st.sampled_from(Side),
    small_share=st.floats(0.05, 0.5),
)
