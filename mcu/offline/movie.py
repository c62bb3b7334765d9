"""A whole conference out of clips: what a room with these people would have recorded."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from layouts.geometry import Size
from layouts.model import Layout, Options, Source
from layouts.select import resolve
from mcu.clock import Ticker
from mcu.media import VIDEO_CLOCK_HZ
from mcu.messages import VideoConfig
from mcu.offline.mp4 import Mp4Writer
from mcu.offline.picture import Painter, aspect_of
from mcu.offline.sound import SoundMix
from mcu.offline.sources import MediaSource, open_source
from mcu.video.encode import H264Encoder
from mcu.video.scene import Scene, TileInfo

_SEEK_S = 4  # a keyframe at least this often
_STILLS_LAST_US = 5_000_000  # how long a movie of nothing but still pictures is

OnProgress = Callable[[float], None]
"""Called now and then with the part that is done, 0 to 1; it may stand still while the length is unknown."""


def render_movie(  # noqa: PLR0913 - one function for test authors and the command line
    layout: str,
    inputs: Sequence[Path | str],
    out: Path,
    *,
    video: VideoConfig,
    options: Options = Options(),  # noqa: B008 - frozen, so one for all calls is safe
    labels: bool = False,
    on_progress: OnProgress = lambda _part: None,
) -> None:
    """Write an MP4 (H.264, AAC-LC, fast start) of the inputs, all beginning together, as long as the longest.

    A clip that is over keeps its last picture. Equal inputs make equal bytes on the same machine.

    Args:
        layout: a name that ``layouts.select.resolve`` knows.
        inputs: clips and still pictures, in order of joining.
        out: overwritten; on an error half-written. Whoever minds passes a temporary name.
        video: canvas, frame rate and bitrate.
        options: how the layout is to look.
        labels: write the files' names on the tiles and frame who speaks.
        on_progress: see ``OnProgress``.

    Raises:
        LayoutError: unknown layout.
        UnreadableMediaError: an input cannot be read.
        OSError: the file cannot be written.
    """
    with ExitStack() as stack:
        sources: dict[str, MediaSource] = {}
        for index, path in enumerate(inputs):
            sources[str(index)] = open_source(Path(path))
            stack.callback(sources[str(index)].close)
        stage = _Stage(layout, Size(video.width, video.height), sources, options, labels=labels)
        writer = Mp4Writer(out)
        stack.callback(writer.close)
        _Movie(stage, sources, video, writer).render(on_progress)


class _Stage:
    """Who is where at the moment; speakers come to the front."""

    def __init__(
        self, layout: str, canvas: Size, media: Mapping[str, MediaSource], options: Options, *, labels: bool
    ) -> None:
        self._name = layout
        self._canvas = canvas
        self._options = options
        self._labels = {id_: source.name if labels else "" for id_, source in media.items()}
        self._marks_speakers = labels
        self._people = {
            id_: Source(
                id_,
                source.name,
                has_video=source.first_picture is not None,
                aspect=aspect_of(source.first_picture),
            )
            for id_, source in media.items()
        }
        self._active: str | None = None
        self._turns = 0
        self._layout = self._resolve(None)
        self.painter = Painter(canvas, options)

    def scene(self, active: str | None, speaking: frozenset[str]) -> Scene:
        """The scene while these people speak."""
        if active is not None and active != self._active:
            self._active = active
            self._turns += 1
            self._people[active] = replace(self._people[active], last_spoke=self._turns)
            self._layout = self._resolve(self._layout)
        marked = speaking if self._marks_speakers else frozenset()
        info = {id_: TileInfo(name, speaking=id_ in marked) for id_, name in self._labels.items()}
        return Scene(self._layout, info)

    def _resolve(self, previous: Layout | None) -> Layout:
        return resolve(self._name, self._canvas, tuple(self._people.values()), self._options, previous)


class _Movie:
    """The work on one file, tick by tick."""

    def __init__(
        self, stage: _Stage, sources: Mapping[str, MediaSource], video: VideoConfig, writer: Mp4Writer
    ) -> None:
        self._stage = stage
        self._sources = sources
        self._fps = video.fps
        self._ticker = Ticker(video.fps)
        self._encoder = H264Encoder(video)
        self._mix = SoundMix(sources)
        self._writer = writer
        lengths = [source.length_us for source in sources.values()]
        self._length_us = max((length for length in lengths if length), default=0)
        self._only_stills = all(length == 0 for length in lengths)

    def render(self, on_progress: OnProgress) -> None:
        tick = 0
        while not self._is_over(tick):
            self._write_picture(tick)
            self._writer.write_sound(self._mix.until(self._ticker.due_us(tick + 1)))
            tick += 1
            if self._length_us:
                on_progress(min(1.0, self._ticker.due_us(tick) / self._length_us))
        self._writer.write_sound(self._mix.finish(self._ticker.due_us(tick)))
        on_progress(1.0)

    def _is_over(self, tick: int) -> bool:
        """Whether less than half of this tick's time has anything new; the movie has one tick at least."""
        if tick == 0:
            return False
        middle_us = self._ticker.due_us(tick) + int(self._ticker.period_us / 2)
        if self._only_stills:
            return middle_us >= _STILLS_LAST_US
        return all(source.is_over(middle_us) for source in self._sources.values())

    def _write_picture(self, tick: int) -> None:
        now_us = self._ticker.due_us(tick)
        selection = self._mix.selection
        scene = self._stage.scene(selection.active, selection.speaking)
        painter = self._stage.painter
        pictures = {id_: source.picture(now_us) for id_, source in self._sources.items()}
        painter.paint(scene, {id_: picture for id_, picture in pictures.items() if picture is not None})
        pts, after = (number * VIDEO_CLOCK_HZ // self._fps for number in (tick, tick + 1))
        frame = self._encoder.encode(painter.canvas, pts, after - pts, keyframe=tick % (_SEEK_S * self._fps) == 0)
        if frame is not None:
            self._writer.write_picture(frame)
