"""A whole conference out of clips: what a room with these people would have recorded."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from layouts.geometry import Size
from layouts.model import Layout, Options, Source
from layouts.templates import Template
from mcu.clock import Ticker
from mcu.media import VIDEO_CLOCK_HZ, EncodedFrame
from mcu.messages import VideoConfig
from mcu.offline.mp4 import Mp4Writer
from mcu.offline.picture import Painter, arrange, source_of
from mcu.offline.sound import SoundMix
from mcu.offline.sources import MediaSource, open_source
from mcu.video.encode import H264Encoder
from mcu.video.scene import Scene, TileInfo

_SEEK_S = 4  # a keyframe at least this often
_STILLS_LAST_US = 5_000_000  # how long a movie of nothing but still pictures is

OnProgress = Callable[[float], None]
"""Called now and then with the part that is done, 0 to 1; it may stand still while the length is unknown."""


def render_movie(  # noqa: PLR0913 - one function for test authors and the command line
    layout: str | Template,
    inputs: Sequence[Path | str],
    out: Path,
    *,
    video: VideoConfig,
    options: Options = Options(),  # noqa: B008 - frozen, so one for all calls is safe
    labels: bool = False,
    screens: Collection[int] = (),
    on_progress: OnProgress = lambda _part: None,
) -> None:
    """Write an MP4 (H.264, AAC-LC, fast start) of the inputs, all beginning together, as long as the longest.

    A clip that is over keeps its last picture. Equal inputs make equal bytes on the same machine.

    Args:
        layout: a name that ``layouts.select.resolve`` knows, or a custom layout.
        inputs: clips and still pictures, in order of joining.
        out: overwritten; on an error half-written. Whoever minds passes a temporary name.
        video: canvas, frame rate and bitrate.
        options: how the layout is to look.
        labels: write the files' names on the tiles and frame who speaks.
        screens: which inputs, counted from 0, are shared screens.
        on_progress: see ``OnProgress``.

    Raises:
        LayoutError: unknown layout.
        UnreadableMediaError: an input cannot be read.
        OSError: the file cannot be written.
    """
    canvas = Size(video.width, video.height)
    with ExitStack() as stack:
        sources: dict[str, MediaSource] = {}
        for index, path in enumerate(inputs):
            sources[str(index)] = open_source(Path(path))
            stack.callback(sources[str(index)].close)
        people = [
            source_of(id_, source.name, source.first_picture, is_screen=int(id_) in screens)
            for id_, source in sources.items()
        ]
        stage = _Stage(people, partial(arrange, layout, canvas, options=options), labels=labels)
        movie = _Movie(stage, sources, video, Painter(canvas, options))
        writer = Mp4Writer(out)
        stack.callback(writer.close)
        movie.write(writer, on_progress)


class _Stage:
    """Who is where at the moment; speakers come to the front."""

    def __init__(self, people: Sequence[Source], arrange: Callable[..., Layout], *, labels: bool) -> None:
        self._people = {person.id: person for person in people}
        self._arrange = arrange
        self._labels = labels
        self._active: str | None = None
        self._turns = 0
        self._layout = arrange(people)

    def scene(self, active: str | None, speaking: frozenset[str]) -> Scene:
        """The scene while these people speak."""
        if active is not None and active != self._active:
            self._active = active
            self._turns += 1
            self._people[active] = replace(self._people[active], last_spoke=self._turns)
            self._layout = self._arrange(tuple(self._people.values()), previous=self._layout)
        info = {id_: TileInfo(person.name, speaking=id_ in speaking) for id_, person in self._people.items()}
        return Scene(self._layout, info if self._labels else {})


class _Movie:
    """The work on one file, tick by tick."""

    def __init__(self, stage: _Stage, sources: Mapping[str, MediaSource], video: VideoConfig, painter: Painter) -> None:
        self._stage = stage
        self._sources = sources
        self._painter = painter
        self._fps = video.fps
        self._ticker = Ticker(video.fps)
        self._encoder = H264Encoder(video)
        self._mix = SoundMix(sources)
        lengths = [source.length_us for source in sources.values()]
        self._length_us = max((length for length in lengths if length), default=0)
        self._only_stills = all(length == 0 for length in lengths)
        if self._only_stills:
            self._length_us = _STILLS_LAST_US

    def write(self, writer: Mp4Writer, on_progress: OnProgress) -> None:
        """Render from the first tick to the last."""
        tick = 0
        while not self._is_over(tick):
            writer.write_picture(self._picture(tick))
            tick += 1
            writer.write_sound(self._mix.until(self._ticker.due_us(tick)))
            if self._length_us:
                on_progress(min(1.0, self._ticker.due_us(tick) / self._length_us))
        writer.write_sound(self._mix.finish(self._ticker.due_us(tick)))
        on_progress(1.0)

    def _is_over(self, tick: int) -> bool:
        """Whether less than half of this tick's time has anything new; the movie has one tick at least."""
        if tick == 0:
            return False
        middle_us = self._ticker.due_us(tick) + int(self._ticker.period_us / 2)
        if self._only_stills:
            return middle_us >= _STILLS_LAST_US
        return all(source.is_over(middle_us) for source in self._sources.values())

    def _picture(self, tick: int) -> EncodedFrame:
        now_us = self._ticker.due_us(tick)
        selection = self._mix.selection
        shown = {id_: source.picture(now_us) for id_, source in self._sources.items()}
        pictures = {id_: picture for id_, picture in shown.items() if picture is not None}
        self._painter.paint(self._stage.scene(selection.active, selection.speaking), pictures)
        pts, after = (number * VIDEO_CLOCK_HZ // self._fps for number in (tick, tick + 1))
        keyframe = tick % (_SEEK_S * self._fps) == 0
        frame = self._encoder.encode(self._painter.canvas, pts, after - pts, keyframe=keyframe)
        assert frame is not None, "x264 leaves nothing out"
        return frame
