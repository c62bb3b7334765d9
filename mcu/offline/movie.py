"""A whole conference out of clips: what a room with these people would have recorded."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from layouts.geometry import Size
from layouts.model import Kind, Options
from layouts.motion import DEFAULT_DURATION_US
from layouts.templates import Template
from mcu.clock import Ticker
from mcu.media import VIDEO_CLOCK_HZ, EncodedFrame
from mcu.messages import VideoConfig
from mcu.offline.mp4 import Mp4Writer
from mcu.offline.performer import Performer
from mcu.offline.picture import Painter
from mcu.offline.scenario import FOREVER_US, Actor, Look, Scenario
from mcu.offline.sound import SoundMix
from mcu.offline.sources import open_source
from mcu.offline.stage import Stage
from mcu.offline.stills import RgbImage
from mcu.video.encode import H264Encoder
from mcu.video.style import NO_STYLE, CanvasStyle

_SEEK_S = 4  # a keyframe at least this often
_STILLS_LAST_US = 5_000_000  # how long pictures stay after the last thing that happens

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
    style: CanvasStyle = NO_STYLE,
    motion_us: int = DEFAULT_DURATION_US,
    on_progress: OnProgress = lambda _part: None,
) -> float:
    """Write an MP4 (H.264, AAC-LC, fast start) of the inputs, all beginning together, as long as the longest.

    A clip that is over keeps its last picture. Equal inputs make equal bytes on the same machine.

    Args:
        layout: a name that ``layouts.select.resolve`` knows, or a custom layout.
        inputs: clips, still pictures and patterns, in order of joining.
        out: overwritten; on an error half-written. Whoever minds passes a temporary name.
        video: canvas, frame rate and bitrate.
        options: how the layout is to look.
        labels: write the files' names on the tiles and frame who speaks.
        screens: which inputs, counted from 0, are shared screens.
        style: what the canvas shows beside the tiles.
        motion_us: how long tiles take from one layout to the next; 0 for a jump.
        on_progress: see ``OnProgress``.

    Returns:
        The movie's length in seconds.

    Raises:
        LayoutError: unknown layout.
        UnreadableMediaError: an input cannot be read.
        OSError: the file cannot be written.
    """
    scenario = Scenario(
        actors_of(inputs, screens), (Look(0, layout, options, style),), video, labels=labels, motion_us=motion_us
    )
    return render_scenario(scenario, out, on_progress=on_progress)


def actors_of(inputs: Sequence[Path | str], screens: Collection[int] = ()) -> tuple[Actor, ...]:
    """Actors that are there all the time, named after their sources."""
    return tuple(
        Actor(str(index), source, kind=Kind.SCREEN if index in screens else Kind.CAMERA)
        for index, source in enumerate(inputs)
    )


def render_scenario(scenario: Scenario, out: Path, *, on_progress: OnProgress = lambda _part: None) -> float:
    """Write a scenario as an MP4; as ``render_movie`` otherwise.

    Returns:
        The movie's length in seconds.
    """
    with _cast(scenario) as performers, ExitStack() as stack:
        movie = _Movie(scenario, performers)
        movie.play(0)  # what cannot be arranged is refused before anything is written
        writer = Mp4Writer(out)
        stack.callback(writer.close)
        return movie.write(writer, on_progress)


def render_moment(scenario: Scenario, at_us: int) -> RgbImage:
    """The picture that the movie shows at a time: full-range R'G'B', shape (height, width, 3), uint8.

    Raises:
        LayoutError: unknown layout.
        UnreadableMediaError: a source cannot be read.
    """
    with _cast(scenario) as performers:
        return _Movie(scenario, performers).moment(at_us)


@contextmanager
def _cast(scenario: Scenario) -> Iterator[list[Performer]]:
    """The actors with their sources open."""
    with ExitStack() as stack:
        performers = []
        for actor in scenario.actors:
            source = open_source(actor.source)
            stack.callback(source.close)
            performers.append(Performer(actor, source))
        yield performers


class _Movie:
    """The work on one scenario, tick by tick."""

    def __init__(self, scenario: Scenario, performers: Sequence[Performer]) -> None:
        video = scenario.video
        self._performers = performers
        self._fps = video.fps
        self._ticker = Ticker(video.fps)
        self._stage = Stage(scenario, performers)
        self._painter = Painter(Size(video.width, video.height))
        self._encoder = H264Encoder(video)
        self._mix = SoundMix(performers)
        self._least_us, self._most_us = scenario.last_event_us, FOREVER_US
        if all(performer.is_still for performer in performers):
            self._least_us += _STILLS_LAST_US
        if scenario.length_us is not None:
            self._least_us = self._most_us = scenario.length_us
        known_ends_us = [performer.known_end_us or 0 for performer in performers]
        self._length_us = min(self._most_us, max([self._least_us, *known_ends_us]))

    def play(self, tick: int) -> None:
        """Go on to a tick."""
        self._stage.play(self._ticker.due_us(tick), self._mix.selection)

    def write(self, writer: Mp4Writer, on_progress: OnProgress) -> float:
        """Render from the first tick to the last."""
        tick = 0
        while not self._is_over(tick):
            writer.write_picture(self._picture(tick))
            tick += 1
            writer.write_sound(self._mix.until(self._ticker.due_us(tick)))
            on_progress(min(1.0, self._ticker.due_us(tick) / max(1, self._length_us)))
        writer.write_sound(self._mix.finish(self._ticker.due_us(tick)))
        on_progress(1.0)
        return self._ticker.due_us(tick) / 1_000_000

    def moment(self, at_us: int) -> RgbImage:
        """The picture at a time; everything before has to be gone through, but is not painted."""
        tick = 0
        while True:
            self.play(tick)
            if self._ticker.due_us(tick + 1) > at_us:
                break
            tick += 1
            self._mix.until(self._ticker.due_us(tick))
        self._stage.paint(self._painter, self._ticker.due_us(tick))
        return self._painter.rgb()

    def _is_over(self, tick: int) -> bool:
        """Whether less than half of this tick's time has anything new; the movie has one tick at least."""
        if tick == 0:
            return False
        middle_us = self._ticker.due_us(tick) + int(self._ticker.period_us / 2)
        if middle_us < self._least_us:
            return False
        return middle_us >= self._most_us or all(performer.is_over(middle_us) for performer in self._performers)

    def _picture(self, tick: int) -> EncodedFrame:
        self.play(tick)
        self._stage.paint(self._painter, self._ticker.due_us(tick))
        pts, after = (number * VIDEO_CLOCK_HZ // self._fps for number in (tick, tick + 1))
        keyframe = tick % (_SEEK_S * self._fps) == 0
        frame = self._encoder.encode(self._painter.canvas, pts, after - pts, keyframe=keyframe)
        assert frame is not None, "x264 leaves nothing out"
        return frame
