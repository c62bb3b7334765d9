"""Whether somebody lets go of Python's interpreter."""

import contextlib
import gc
import sys
import threading
import time
from collections.abc import Iterator


class Rival:
    """A thread that wants the interpreter and gets it only when somebody lets go of it."""

    def __init__(self) -> None:
        self.turns = 0
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="rival", daemon=True)

    def _run(self) -> None:
        while not self._ended:
            self.turns += 1
            time.sleep(0)  # gives it back at once

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended = True
        self._thread.join()


@contextlib.contextmanager
def rival() -> Iterator[Rival]:
    """Nobody is interrupted in here, so the rival's turns are those that it was given.

    No garbage is collected either: sockets that other tests left are closed then, which lets go of the interpreter.
    """
    interval_s = sys.getswitchinterval()
    gc.disable()
    sys.setswitchinterval(1_000)
    thread = Rival()
    thread.start()
    until_s = time.monotonic() + 2 * interval_s
    while time.monotonic() < until_s:
        time.sleep(0)  # whoever has waited since before interrupts by the old interval: let him do it now
    try:
        yield thread
    finally:
        sys.setswitchinterval(interval_s)
        gc.enable()
        thread.end()
