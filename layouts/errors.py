"""The root of every error this project raises.

    TuttiError
    ├── LayoutError          an unknown or malformed layout
    ├── mcu.errors.*         media, negotiation, rooms
    ├── recorder.errors.*    recordings and stores
    └── api.errors.*         requests

It stands on the lowest floor because every other folder may import from here upwards.
"""

from typing import ClassVar


class TuttiError(Exception):
    """Base of all errors; ``code`` is the stable machine-readable name that HTTP clients see."""

    code: ClassVar[str] = "internal"


class LayoutError(TuttiError):
    """A layout name or description that cannot be used; the message names the fault and its place."""

    code = "invalid_layout"
