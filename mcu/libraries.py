"""Where the codecs' own libraries lie that are called directly: PyAV's wheel carries them, the system's come second."""

import ctypes.util
from collections.abc import Iterator
from pathlib import Path

import av


def candidates(name: str) -> Iterator[str]:
    """Files or names to try for a library such as ``opus``, the best first."""
    package = Path(av.__file__).parent
    for folder in (package.parent / "av.libs", package / ".dylibs"):
        yield from sorted(str(path) for path in folder.glob(f"lib{name}[-.]*"))
    system = ctypes.util.find_library(name)
    if system is not None:
        yield system
