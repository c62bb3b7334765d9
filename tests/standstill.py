"""Python's garbage collection would stop a test's own rooms and participants, the longer the larger the test run is."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def none_by_collections() -> Iterator[None]:
    """Collect nothing in here, as a room's own process does not; at the end what was made meanwhile."""
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        gc.enable()
        gc.unfreeze()
