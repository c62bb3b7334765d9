"""Work that a test does in real time, in a process that does nothing else.

That of the tests has hundreds of megabytes by then, and Python's garbage collection would stop it for long.
"""

import asyncio
import contextlib
import gc
import multiprocessing
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")
_RAISE = -10  # before browsers, as other tests' own participants


def in_own_process(work: Callable[[], Coroutine[Any, Any, T]], timeout_s: float) -> T:
    """What comes of ``work``, a function of a module."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, work).result(timeout_s)


def _run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    with contextlib.suppress(OSError):
        os.nice(_RAISE)
    gc.disable()
    return asyncio.run(work())
