"""The picture and sound of a room without a room: files in, a file out, on the virtual clock.

Layout, compositor, audio mixing and encoders are those of live rooms.
"""

from mcu.offline.golden import assert_same_picture
from mcu.offline.movie import actors_of, render_moment, render_movie, render_scenario
from mcu.offline.picture import render_picture, write_png
from mcu.offline.scenario import Actor, Look, Scenario
from mcu.offline.script import parse_style, read_layout, read_scenario
from mcu.offline.sheet import render_sheet
from mcu.offline.sources import name_of, open_source
from mcu.offline.stills import RgbImage
from mcu.video.scene import TileInfo

__all__ = [
    "Actor",
    "Look",
    "RgbImage",
    "Scenario",
    "TileInfo",
    "actors_of",
    "assert_same_picture",
    "name_of",
    "open_source",
    "parse_style",
    "read_layout",
    "read_scenario",
    "render_moment",
    "render_movie",
    "render_picture",
    "render_scenario",
    "render_sheet",
    "write_png",
]
