"""``python -m benchmarks.room``: the process of a room as ``api.worker`` starts it, with its threads named.

Linux then tells each thread's CPU time under its name; threads that native code starts inherit the name of their
starter.
"""

import threading
from pathlib import Path
from typing import Any

from api.worker import main

_COMM_CHARS = 15
_bootstrap = threading.Thread.run


def _named_run(self: threading.Thread, *arguments: Any) -> None:
    Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(self.name[:_COMM_CHARS])
    _bootstrap(self, *arguments)


if __name__ == "__main__":
    threading.Thread.run = _named_run  # type: ignore[method-assign]  # the one place all threads pass
    Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text("loop")
    main()
