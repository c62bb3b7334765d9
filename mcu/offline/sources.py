"""What a file gives to the canvas and to the mix."""

from pathlib import Path
from typing import Protocol

from mcu.audio.samples import silence
from mcu.errors import UnreadableMediaError
from mcu.media import Picture, Samples
from mcu.offline.clips import PictureTrack, SoundTrack, open_clip
from mcu.offline.patterns import PREFIX, parse_pattern
from mcu.offline.stills import read_still


class MediaSource(Protocol):
    """Somebody on the canvas, made of a file."""

    name: str
    first_picture: Picture | None
    """What it shows first; None for sound alone."""
    length_us: int | None
    """As the file tells; None when it does not. What has no end has 0."""

    def picture(self, now_us: int) -> Picture | None:
        """The picture to show; the same object as long as it is the same picture. Time never goes back."""

    def sound(self, count: int) -> Samples:
        """The next ``count`` samples, mono."""

    def is_over(self, now_us: int) -> bool:
        """Whether nothing new comes from ``now_us`` on."""

    def close(self) -> None:
        """Give the file back."""


class Still:
    """A picture that does not move and makes no sound."""

    def __init__(self, name: str, picture: Picture) -> None:
        self.name = name
        self.first_picture: Picture | None = picture
        self.length_us: int | None = 0

    def picture(self, now_us: int) -> Picture | None:  # noqa: ARG002 - it is always the same
        """The picture."""
        return self.first_picture

    def sound(self, count: int) -> Samples:
        """Silence."""
        return silence(1, count)

    def is_over(self, now_us: int) -> bool:  # noqa: ARG002 - at any time
        """Always: nothing new comes."""
        return True

    def close(self) -> None:
        """Nothing is open."""


class Clip:
    """Moving pictures, sound, or both, on the clip's own time line: what starts later there starts later here.

    Raises:
        UnreadableMediaError: it is not there, broken, or holds neither; ``picture`` and ``sound`` raise it as well.
    """

    def __init__(self, path: Path) -> None:
        with open_clip(path) as container:
            has_video, has_audio = bool(container.streams.video), bool(container.streams.audio)
            self.length_us: int | None = container.duration  # libav counts microseconds here
        if not (has_video or has_audio):
            raise UnreadableMediaError(f"{path}: there is neither picture nor sound in it")
        self.name = path.stem
        self._pictures = PictureTrack(path) if has_video else None
        self._sound = SoundTrack(path) if has_audio else None
        self.first_picture: Picture | None = self._pictures.first if self._pictures else None

    def picture(self, now_us: int) -> Picture | None:
        """The picture to show; the last one stays."""
        return self._pictures.at(now_us) if self._pictures else None

    def sound(self, count: int) -> Samples:
        """The next samples, silence after the end."""
        return self._sound.take(count) if self._sound else silence(1, count)

    def is_over(self, now_us: int) -> bool:
        """Whether both pictures and sound have ended."""
        pictures_over = self._pictures is None or self._pictures.is_over(now_us)
        return pictures_over and (self._sound is None or self._sound.is_over(now_us))

    def close(self) -> None:
        """Close the file."""
        for track in (self._pictures, self._sound):
            if track is not None:
                track.close()


def open_source(given: Path | str) -> MediaSource:
    """A still picture or a clip, whatever the file holds (its name does not matter), or a pattern.

    Raises:
        UnreadableMediaError: it is not there or cannot be read, or is no pattern that there is.
    """
    if str(given).startswith(PREFIX):
        return parse_pattern(str(given))
    path = Path(given)
    if not path.is_file():
        raise UnreadableMediaError(f"{path}: there is no such file")
    still = read_still(path)
    return Still(path.stem, still) if still is not None else Clip(path)


def name_of(given: Path | str) -> str:
    """What a source is called: a file's name without its ending, a pattern's own."""
    return parse_pattern(str(given)).name if str(given).startswith(PREFIX) else Path(given).stem
