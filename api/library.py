"""The layouts that rooms may use: the built-in ones, and those that somebody stored.

A stored document is a layout of its own (slots, or Twilio's regions), or a FreeSWITCH file, whose layouts are called
``{document}:{layout}``, such as ``house:3up+4`` and ``house:group:grid``.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.documents import Document, Documents
from api.errors import BuiltInLayoutError, InvalidNameError, LayoutNotFoundError, TooManyLayoutsError
from api.schemas import Form, checked_name
from api.wishes import LayoutRequest
from layouts.errors import LayoutError
from layouts.geometry import Size
from layouts.model import Options
from layouts.select import names as built_in_names
from layouts.templates import Template, parse_template
from layouts.templates_freeswitch import parse_freeswitch
from mcu.messages import SetLayout

MOST_STORED = 200
_WHAT = "a layout's name"
_CANVASES = (Size(1280, 720), Size(3840, 2160), Size(1080, 1920), Size(1080, 1080), Size(640, 360))


@dataclass(frozen=True, slots=True)
class Known:
    """A layout that rooms may use. ``stored_as`` is the name of its document; None for built-in ones."""

    name: str
    form: Form
    stored_as: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A document: JSON, or for FreeSWITCH ``{"freeswitch": XML}``."""

    name: str
    document: Document

    @property
    def form(self) -> Form:
        """What it is written in."""
        if isinstance(self.document.get("freeswitch"), str):
            return Form.FREESWITCH
        return Form.SLOTS if "slots" in self.document else Form.TWILIO

    def layouts(self) -> Iterator[Known]:
        """Those in it."""
        if self.form is not Form.FREESWITCH:
            yield Known(self.name, self.form, self.name)
            return
        for inner in parse_freeswitch(self.document["freeswitch"]):
            yield Known(f"{self.name}:{inner}", self.form, self.name)

    def custom(self, inner: str | None) -> Document:
        """What a room is told; raises ``LayoutError`` for a layout that the document does not have."""
        if self.form is not Form.FREESWITCH:
            if inner is not None:
                raise LayoutError(f"layout: {self.name!r} is one layout and has none within it")
            return self.document
        if inner is None:
            some = ", ".join(known.name for known in self.layouts())
            raise LayoutError(f"layout: {self.name!r} is a file of layouts; take one of: {some[:1000]}")
        return {**self.document, "layout": inner}


class LayoutLibrary:
    """All layouts by name. Raises ``DiskFullError`` and ``DiskFailedError`` where the folder is at fault.

    Args:
        folder: where stored ones are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._documents = Documents(folder)
        self._changing = asyncio.Lock()

    async def known(self) -> list[Known]:
        """Every layout: the built-in ones first."""
        built_in = [Known(name, Form.BUILT_IN) for name in built_in_names()]
        return built_in + await asyncio.to_thread(self._stored_layouts)

    async def get(self, name: str) -> Stored:
        """A stored document; raises ``LayoutNotFoundError`` and ``InvalidNameError``."""
        name = checked_name(name, what=_WHAT)
        document = await asyncio.to_thread(self._documents.get, name)
        if document is None:
            raise LayoutNotFoundError(f"no layout {name[:100]!r} is stored")
        return Stored(name, document)

    async def put(self, name: str, document: Document) -> tuple[Stored, bool]:
        """Store a document; what is stored, and whether the name is new.

        Raises:
            InvalidNameError, BuiltInLayoutError, TooManyLayoutsError: not under this name, or not one more.
            LayoutError: malformed; the message begins with the path of the fault.
        """
        stored = Stored(_free_name(name), document)
        name = stored.name
        await asyncio.to_thread(_check, stored)
        async with self._changing:
            names = await asyncio.to_thread(self._documents.names)
            if name not in names and len(names) >= MOST_STORED:
                raise TooManyLayoutsError(f"{MOST_STORED} layouts are stored and no more may be; delete one")
            await asyncio.to_thread(self._documents.put, name, document)
        return stored, name not in names

    async def delete(self, name: str) -> None:
        """Forget a document; raises ``LayoutNotFoundError``, ``BuiltInLayoutError`` and ``InvalidNameError``.

        Rooms that use it go on with their copies.
        """
        name = checked_name(name, what=_WHAT)
        _refuse_built_in(name)
        async with self._changing:
            if not await asyncio.to_thread(self._documents.delete, name):
                raise LayoutNotFoundError(f"no layout {name[:100]!r} is stored")

    async def custom(self, name: str) -> Document | None:
        """What a room has to be told about a layout; None for a built-in. Raises ``LayoutNotFoundError``."""
        if name in built_in_names():
            return None
        outer, colon, inner = name.partition(":")
        return (await self.get(outer)).custom(inner if colon else None)

    async def resolve(self, request: LayoutRequest) -> SetLayout:
        """What a room has to be told; raises ``LayoutError`` for a layout that is nowhere, or under a taken name."""
        name, custom = request.layout, request.custom
        if custom is None:
            try:
                custom = await self.custom(name)
            except LayoutNotFoundError:
                names = ", ".join(known.name for known in await self.known())
                raise LayoutError(f"layout: there is no {name[:60]!r}; known are: {names[:2000]}") from None
        elif name in built_in_names():
            raise LayoutError(f"layout: {name!r} is built in; give the custom layout another name")
        else:
            name = checked_name(name, what=_WHAT)
        return SetLayout(layout=name, options=request.options, custom=custom)

    def _stored_layouts(self) -> list[Known]:
        documents: Mapping[str, dict[str, Any]] = self._documents.all()
        return [known for name, document in documents.items() for known in Stored(name, document).layouts()]


def _free_name(name: str) -> str:
    name = checked_name(name, what=_WHAT)
    _refuse_built_in(name)
    if name in {".", "..", "custom"} or any(mark in name for mark in "/\\:"):
        raise InvalidNameError("a layout's name must not be 'custom' nor dots, nor contain slashes and colons")
    return name


def _refuse_built_in(name: str) -> None:
    if name in built_in_names():
        raise BuiltInLayoutError(f"layout {name!r} is built in")


def _check(stored: Stored) -> None:
    """Parse all of it, and see that each layout fits one usual canvas at least: pixels may be meant for any size."""
    if stored.form is not Form.FREESWITCH:
        _check_fits(parse_template(stored.document, stored.name))
        return
    for template in parse_freeswitch(stored.document["freeswitch"]).values():
        _check_fits(template)


def _check_fits(template: Template) -> None:
    faults = []
    for canvas in _CANVASES:
        try:
            template.arrange(canvas, (), Options())
        except LayoutError as error:
            faults.append(error)
        else:
            return
    raise faults[0]
