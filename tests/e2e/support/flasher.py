"""A ``Synthetic`` whose flashes and beeps are measured, in a process of its own.

In that of the tests it shares the interpreter with whatever the test does meanwhile, and comes late with both.
"""

import gc
import multiprocessing
from multiprocessing.connection import Connection

from tests.e2e.support.media import Rgb
from tests.e2e.support.synthetic import Synthetic

_ANSWER_S = 60


class Flasher:
    """Somebody who flashes and beeps, and takes no mix.

    Args:
        base_url: of the service.
        colour: of the picture between flashes.
    """

    def __init__(self, base_url: str, colour: Rgb) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_flash, args=(other, base_url, colour), daemon=True)
        self._process.start()
        other.close()

    def join(self, room: str, name: str) -> None:
        """Take part."""
        self._pipe.send((room, name))
        assert self._pipe.poll(_ANSWER_S), "the flasher does not answer"
        self._pipe.recv()

    def close(self) -> None:
        """Leave, and end the process."""
        self._pipe.close()
        self._process.join(_ANSWER_S)
        assert self._process.exitcode == 0, f"the flasher ended with {self._process.exitcode}"


def _flash(pipe: Connection, base_url: str, colour: Rgb) -> None:
    gc.disable()
    flasher = Synthetic(base_url, watches=False, colour=colour)
    try:
        while True:
            pipe.send(flasher.join(*pipe.recv()))
    except EOFError:
        flasher.close()
