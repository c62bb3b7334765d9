"""A room process to be killed: records in real time, telling the media time (us) of each published picture."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

from mcu.media import EncodedFrame, VideoCodec
from tests.media import recorder_clips as clips


def main(directory: Path) -> None:
    """Record until killed, with as few keyframes as a room's encoder makes for a recording."""
    room = clips.Room(directory)
    camera = clips.Camera()
    sound = iter(clips.audio(30))

    def live() -> Iterator[EncodedFrame]:
        next_sound = next(sound)
        for number in itertools.count():
            picture = camera.next(keyframe=number % (4 * clips.FPS) == 0)
            while next_sound.time_us <= picture.time_us:
                yield next_sound
                next_sound = next(sound)
            yield picture

    def telling() -> Iterator[EncodedFrame]:
        for frame in live():
            yield frame
            if isinstance(frame.codec, VideoCodec):
                print(frame.time_us, flush=True)  # noqa: T201  # to the test

    frames = telling()
    room.start(frames)
    clips.publish(frames, room.pictures, room.sound, speed=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
