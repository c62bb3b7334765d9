"""All encodes of a canvas: each codec at each rung, and only those that somebody takes."""

from collections.abc import Callable, Iterator, Mapping

from layouts.geometry import Rect, Size
from layouts.model import Fit
from mcu.clock import MediaClock
from mcu.hub import PacketHub
from mcu.media import Picture, Rung, VideoCodec
from mcu.messages import VideoConfig
from mcu.traces import MixTrace
from mcu.video.encode import ENCODERS
from mcu.video.i420 import Canvas
from mcu.video.output import VideoOutput
from mcu.video.scale import paint_picture


class VideoOutputs:
    """The canvas is scaled once for each lower rung in use, whatever the number of codecs.

    Args:
        config: the canvas and the bitrate of each rung.
        wake: called, on any thread, when there is something to do.
        clock: the room's; without one no traces are kept.
    """

    def __init__(self, config: VideoConfig, wake: Callable[[], None], clock: MediaClock | None = None) -> None:
        self._outputs = {
            rung: {codec: VideoOutput(codec, config.at(rung), wake, rung, clock) for codec in ENCODERS} for rung in Rung
        }
        self._sizes = {rung: Size(config.at(rung).width, config.at(rung).height) for rung in Rung}
        self._scaled: dict[Rung, Canvas] = {}  # the lower rungs in use, as of the last tick

    def __iter__(self) -> Iterator[VideoOutput]:
        return (output for rung in self._outputs.values() for output in rung.values())

    def hubs(self) -> Mapping[VideoCodec, Mapping[Rung, PacketHub]]:
        """Where the encoded frames come out."""
        return {codec: {rung: self._outputs[rung][codec].hub for rung in Rung} for codec in ENCODERS}

    @property
    def in_use(self) -> bool:
        """Whether anybody takes anything."""
        return any(output.hub.in_use for output in self)

    def follow(self, config: VideoConfig) -> None:
        """Encode with these bitrates from the next picture on; all else is as before. Any thread."""
        for output in self:
            output.follow(config.at(output.rung))

    def close(self) -> None:
        """Give all encoders back."""
        self._scaled.clear()
        for output in self:
            output.close()

    def work(self, canvas: Canvas, tick: int, now_us: int, *, changed: bool, mix: MixTrace | None = None) -> None:
        """Encode and publish the canvas of ``tick`` wherever somebody needs it."""
        for rung, outputs in self._outputs.items():
            picture = self._at(rung, canvas, changed=changed) if rung is not Rung.FULL else canvas
            for output in outputs.values():
                if picture is None:
                    output.close()
                else:
                    output.work(picture, tick, now_us, changed=changed, mix=mix)

    def _at(self, rung: Rung, canvas: Canvas, *, changed: bool) -> Canvas | None:
        """The canvas at ``rung``; None while nobody is there."""
        if not any(output.hub.in_use for output in self._outputs[rung].values()):
            self._scaled.pop(rung, None)
            return None
        scaled = self._scaled.get(rung)
        if scaled is None:
            scaled = self._scaled[rung] = Canvas(self._sizes[rung])
            changed = True
        if changed:
            whole = Rect(0, 0, scaled.size.width, scaled.size.height)
            paint_picture(scaled, whole, Fit.COVER, Picture(canvas.y, canvas.u, canvas.v))
        return scaled
