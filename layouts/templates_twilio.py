"""Twilio's video layout syntax: regions, each a grid of its own.

The syntax is that of the Compositions resource of the Twilio Video API (parameter ``VideoLayout``).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from layouts.cast import cast
from layouts.faults import as_choice, as_int, as_list, as_mapping, as_text, fault, only_keys
from layouts.geometry import Rect, Size, even
from layouts.grid import DEFAULT_ASPECT, picture_aspect
from layouts.model import Fit, Layout, Options, Source, Tile
from layouts.pattern import any_names
from layouts.places import place

_MOST_REGIONS = 50
_MOST_CELLS = 1000
_MOST_PATTERNS = 500  # of the whole document: each is compared with everybody
_MOST_PIXELS = 4096
_LEAST_PIXELS = 16  # Twilio's own limit for a region's sides
_LEAST_CELL_PIXELS = 8
_SHOWN_AT_MOST = 100
_REUSE = ("none", "show_oldest", "show_newest")


@dataclass(frozen=True, slots=True)
class Region:
    """One region. A width or height of None reaches to the canvas's edge; counts of None grow as needed."""

    name: str
    sources: tuple[str, ...]
    excluded: tuple[str, ...] = ()
    x: int = 0
    y: int = 0
    z: int = 0
    width: int | None = None
    height: int | None = None
    max_rows: int | None = None
    max_columns: int | None = None
    cells_excluded: frozenset[int] = frozenset()
    reuse: str = "show_oldest"

    def rect(self, canvas: Size) -> Rect:
        """On even pixels.

        Raises:
            LayoutError: partly outside the canvas, or too small.
        """
        right = canvas.width if self.width is None else self.x + self.width
        bottom = canvas.height if self.height is None else self.y + self.height
        if right > canvas.width or bottom > canvas.height:
            raise fault(self.name, f"does not lie inside the canvas of {canvas.width}x{canvas.height}")
        if right - self.x < _LEAST_PIXELS or bottom - self.y < _LEAST_PIXELS:
            raise fault(self.name, f"is smaller than {_LEAST_PIXELS} pixels on {canvas.width}x{canvas.height}")
        left, top = even(self.x), even(self.y)
        return Rect(left, top, min(even(right), canvas.width) - left, min(even(bottom), canvas.height) - top)

    def limits(self, region: Rect) -> tuple[int, int]:
        """Columns and rows at most."""
        columns, rows = region.width // _LEAST_CELL_PIXELS, region.height // _LEAST_CELL_PIXELS
        return min(columns, self.max_columns or columns), min(rows, self.max_rows or rows)

    def capacity(self, region: Rect) -> int:
        """How many it can show at once."""
        columns, rows = self.limits(region)
        return min(_SHOWN_AT_MOST, self._free(columns * rows))

    def cells(self, region: Rect, sources: Sequence[Source], count: int) -> list[Rect]:
        """``count`` cells, at most ``capacity``, in the grid that shows most of the sources' pictures; row by row."""
        aspects = [picture_aspect(source) for source in sources] or [DEFAULT_ASPECT]
        most_columns, most_rows = self.limits(region)
        grids = [(columns, self._rows(columns, count)) for columns in range(1, most_columns + 1)]
        fitting = [(columns, rows) for columns, rows in grids if rows <= most_rows]

        def merit(grid: tuple[int, int]) -> tuple[float, int]:
            width, height = region.width / grid[0], region.height / grid[1]
            area = sum(min(width, height * aspect) * min(height, width / aspect) for aspect in aspects)
            return round(area, 3), -grid[0] * grid[1]

        columns, rows = max(fitting, key=merit)
        numbers = [number for number in range(columns * rows) if number not in self.cells_excluded]
        return [_cell(region, columns, rows, number) for number in numbers[:count]]

    def has_cells(self, cells: int) -> bool:
        """Whether any of the first ``cells`` may be used."""
        return self._free(cells) > 0

    def _rows(self, columns: int, count: int) -> int:
        """The fewest rows that hold ``count`` beside the excluded cells."""
        rows = math.ceil(count / columns)
        while self._free(rows * columns) < count:
            rows += 1
        return rows

    def _free(self, cells: int) -> int:
        return cells - sum(number < cells for number in self.cells_excluded)


def _cell(region: Rect, columns: int, rows: int, number: int) -> Rect:
    row, column = divmod(number, columns)
    left, right = (region.x + even(region.width * edge / columns) for edge in (column, column + 1))
    top, bottom = (region.y + even(region.height * edge / rows) for edge in (row, row + 1))
    return Rect(left, top, right - left, bottom - top)


@dataclass(frozen=True, slots=True)
class RegionTemplate:
    """Regions in the order of the document. One source may be in several."""

    name: str
    regions: tuple[Region, ...]

    def arrange(
        self, canvas: Size, sources: Sequence[Source], options: Options, previous: Layout | None = None
    ) -> Layout:
        """Fill every region; pictures are shown whole, as Twilio does.

        Raises:
            LayoutError: a region does not lie inside this canvas.
        """
        visible = cast(sources, options)
        tiles: list[Tile] = []
        memory: list[tuple[str, str]] = []
        for region in self.regions:
            mine = [s for s in visible if any_names(region.sources, s) and not any_names(region.excluded, s)]
            rect = region.rect(canvas)
            if region.reuse == "none":
                admitted = _admit(region, rect, mine, previous)
                memory += [(region.name, id_) for id_ in admitted]
                tiles += _keep_cells(region, rect, mine, admitted)
            else:
                tiles += _seat(region, rect, mine, previous)
        shown = {tile.source_id for tile in tiles}
        return Layout(
            canvas,
            tuple(sorted(tiles, key=lambda tile: tile.z)),
            name=self.name,
            options=options,
            waiting=sum(source.id not in shown for source in visible),
            memory=tuple(memory),
        )


def _seat(region: Region, rect: Rect, mine: Sequence[Source], previous: Layout | None) -> list[Tile]:
    """Cells are used again: by those who have waited longest, or always by those who came last."""
    capacity = region.capacity(rect)
    before = _within(rect, region.z, previous)
    chosen = list(mine)
    if len(mine) > capacity:
        seen = {tile.source_id for tile in before.tiles} if before is not None else set()
        if region.reuse == "show_newest":
            chosen = list(mine[len(mine) - capacity :])
        else:
            oldest = sorted(mine, key=lambda source: source.id not in seen)[:capacity]
            chosen = [source for source in mine if source in oldest]
    if not chosen:
        return []
    cells = region.cells(rect, chosen, len(chosen))
    return [_tile(source, cell, region) for source, cell in place(chosen, cells, Options(), before)]


def _admit(region: Region, rect: Rect, mine: Sequence[Source], previous: Layout | None) -> list[str]:
    """Everybody who ever had a cell here, then who is new, as long as there are cells."""
    former = [id_ for name, id_ in (previous.memory if previous is not None else ()) if name == region.name]
    new = [source.id for source in mine if source.id not in former]
    return [*former, *new][: region.capacity(rect)]


def _keep_cells(region: Region, rect: Rect, mine: Sequence[Source], admitted: Sequence[str]) -> list[Tile]:
    here = {source.id: source for source in mine}
    if not admitted:
        return []
    cells = region.cells(rect, [here[id_] for id_ in admitted if id_ in here], len(admitted))
    return [_tile(here[id_], cell, region) for id_, cell in zip(admitted, cells, strict=True) if id_ in here]


def _within(rect: Rect, z: int, previous: Layout | None) -> Layout | None:
    if previous is None:
        return None
    tiles = tuple(tile for tile in previous.tiles if tile.z == z and rect.contains(tile.rect))
    return replace(previous, tiles=tiles, featured=None)


def _tile(source: Source, rect: Rect, region: Region) -> Tile:
    return Tile(source.id, rect, Fit.CONTAIN, region.z)


_KEYS = (
    "x_pos",
    "y_pos",
    "z_pos",
    "width",
    "height",
    "max_rows",
    "max_columns",
    "cells_excluded",
    "reuse",
    "video_sources",
    "video_sources_excluded",
)


def parse_regions(document: Mapping[str, object], name: str) -> RegionTemplate:
    """Read an object of regions.

    Raises:
        LayoutError: malformed; the message begins with the path of the fault.
    """
    if not document:
        raise fault("layout", "has no region and no slots")
    if len(document) > _MOST_REGIONS:
        raise fault("layout", f"has {len(document)} regions, more than {_MOST_REGIONS}")
    regions = tuple(_parse_region(key, value) for key, value in document.items())
    patterns = sum(len(region.sources) + len(region.excluded) for region in regions)
    if patterns > _MOST_PATTERNS:
        raise fault("layout", f"has {patterns} video sources in all, more than {_MOST_PATTERNS}")
    return RegionTemplate(name, regions)


def _parse_region(name: str, value: object) -> Region:
    name = as_text("layout", name)
    entry = as_mapping(name, value)
    only_keys(name, entry, _KEYS)
    if "video_sources" not in entry:
        raise fault(f"{name}.video_sources", "is missing")

    def number(key: str, low: int, high: int, default: int) -> int:
        return as_int(f"{name}.{key}", entry.get(key, default), low, high)

    def optional(key: str, low: int, high: int) -> int | None:
        return None if entry.get(key) is None else as_int(f"{name}.{key}", entry[key], low, high)

    region = Region(
        name,
        sources=_patterns(f"{name}.video_sources", entry["video_sources"]),
        excluded=_patterns(f"{name}.video_sources_excluded", entry.get("video_sources_excluded") or ()),
        x=number("x_pos", 0, _MOST_PIXELS, 0),
        y=number("y_pos", 0, _MOST_PIXELS, 0),
        z=number("z_pos", -99, 99, 0),
        width=optional("width", _LEAST_PIXELS, _MOST_PIXELS),
        height=optional("height", _LEAST_PIXELS, _MOST_PIXELS),
        max_rows=optional("max_rows", 1, _MOST_CELLS),
        max_columns=optional("max_columns", 1, _MOST_CELLS),
        cells_excluded=_cells(f"{name}.cells_excluded", entry.get("cells_excluded") or ()),
        reuse=as_choice(f"{name}.reuse", entry.get("reuse", "show_oldest"), _REUSE),
    )
    if region.max_rows and region.max_columns and not region.has_cells(region.max_rows * region.max_columns):
        raise fault(f"{name}.cells_excluded", "leaves no cell")
    return region


def _patterns(path: str, value: object) -> tuple[str, ...]:
    items = as_list(path, value, most=_MOST_PATTERNS)
    return tuple(as_text(f"{path}[{number}]", item) for number, item in enumerate(items))


def _cells(path: str, value: object) -> frozenset[int]:
    items = as_list(path, value, most=_MOST_CELLS)
    return frozenset(as_int(f"{path}[{number}]", item, 0, 999_999) for number, item in enumerate(items))
