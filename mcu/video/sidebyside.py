"""A few jobs at once, for a caller who needs them all done before it goes on."""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


class SideBySide:
    """Shares jobs between the calling thread and some helpers.

    What waits for a helper is bounded by the caller, which hands in nothing more before all is done.

    Args:
        helpers: threads beside the caller's; there are none until they are needed.
        name: of these threads.
    """

    def __init__(self, helpers: int, name: str) -> None:
        self._helpers = helpers
        self._pool = ThreadPoolExecutor(max(helpers, 1), thread_name_prefix=name)

    def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Return when all are done; those that come first are begun first. Raises what one of them raised."""
        waiting = deque(jobs)
        helping = [self._pool.submit(_work, waiting) for _ in range(min(self._helpers, len(jobs) - 1))]
        try:
            _work(waiting)
        finally:
            for helper in helping:
                if not helper.cancel():  # else it has not even begun: a busy machine
                    helper.result()

    def stop(self) -> None:
        """End the threads."""
        self._pool.shutdown()


def _work(jobs: deque[Callable[[], None]]) -> None:
    while True:
        try:
            job = jobs.popleft()
        except IndexError:
            return
        job()
