"""The picture and sound of a room without a room: files in, a file out, on the virtual clock.

Layout, compositor, audio mixing and encoders are those of live rooms.
"""

from mcu.offline.golden import assert_same_picture
from mcu.offline.movie import render_movie
from mcu.offline.picture import render_picture, write_png
from mcu.offline.sources import open_source
from mcu.offline.stills import RgbImage

__all__ = ["RgbImage", "assert_same_picture", "open_source", "render_movie", "render_picture", "write_png"]
