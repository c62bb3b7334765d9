"""``/metrics``: the service's own figures, and those of all rooms put together.

Rooms tell theirs under the names that Prometheus is to see, with labels in the key if they have any
(``tutti_dropped_total{reason="late"}``). What is counted (``…_total``, ``…_count``, ``…_sum``) and quantities are
summed over rooms; of durations and ratios the worst room's is shown. What an ended room had counted stays in the sum,
so that a counter never falls.

Delays are the exception: histograms by room, since the worst of a thousand pictures a second says nothing and a mean
over rooms hides the one that suffers. Those of an ended room are dropped, so there are never more than rooms allow;
those of participants, who come and go without bound, are in their statistics instead.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from mcu.messages import DelayHistogram, RoomState

_KEY = re.compile(r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_HIGHEST = re.compile(r"_(ms|us|seconds|ratio)(_|$)")  # the worst of these is the highest
_LOWEST = re.compile(r"_gain$")  # and of these the lowest

Values = dict[str, float]


@dataclass(frozen=True, slots=True)
class RoomDelays:
    """One room's histograms by medium and stage."""

    name: str
    delays: Mapping[str, Mapping[str, DelayHistogram]]


class RoomTotals(Collector):
    """Puts rooms together. ``update`` before each collection."""

    def __init__(self) -> None:
        self._live: dict[str, Mapping[str, float]] = {}  # by instance, as last told
        self._former: Values = defaultdict(float)  # counters of rooms that have ended
        self._participants = 0
        self._delays: dict[str, RoomDelays] = {}  # by instance, as last told

    def update(self, states: Iterable[RoomState], alive: Collection[str]) -> None:
        """Take what the rooms tell now. Of instances that are ``alive`` but silent the last word stands."""
        states = list(states)
        told: dict[str, Mapping[str, float]] = {key: value for key, value in self._live.items() if key in alive}
        told |= {state.instance: state.metrics for state in states}
        for instance in self._live.keys() - told.keys():
            for key, value in self._live[instance].items():
                if _is_counted(_name(key)):
                    self._former[key] += value
        self._live = told
        delays = {key: value for key, value in self._delays.items() if key in alive}
        self._delays = delays | {state.instance: RoomDelays(state.config.name, state.delays) for state in states}
        self._participants = sum(len(state.participants) for state in states)

    def totals(self) -> Values:
        """All figures of all rooms by key."""
        totals: Values = dict(self._former)
        for metrics in self._live.values():
            for key, value in metrics.items():
                totals[key] = _put_together(_name(key))(totals[key], value) if key in totals else value
        return totals

    def collect(self) -> Iterator[Metric]:
        """As prometheus-client wants it."""
        yield GaugeMetricFamily("tutti_rooms", "Rooms running.", value=len(self._live))
        yield GaugeMetricFamily("tutti_participants", "Participants in all rooms.", value=self._participants)
        families: dict[str, Metric] = {}
        for key, value in sorted(self.totals().items()):
            match = _KEY.match(key)
            if match is not None:
                family = _family(match["name"])
                family = families.setdefault(family.name, family)
                family.add_sample(match["name"], dict(_LABEL.findall(match["labels"] or "")), value)
        yield from families.values()
        yield self._delay_family()

    def _delay_family(self) -> Metric:
        family = HistogramMetricFamily(
            "tutti_delay_seconds",
            "Time that pictures and sound take in each stage of a room.",
            labels=("room", "media", "stage"),
        )
        for room in self._delays.values():
            for media, stages in room.delays.items():
                for stage, histogram in stages.items():
                    family.add_metric((room.name, media, stage), _buckets(histogram), histogram.sum_s)
        return family


def _buckets(histogram: DelayHistogram) -> list[tuple[str, float]]:
    """As Prometheus has them: each with those before it."""
    bounds = (*map(str, histogram.bounds_s), "+Inf")
    return list(zip(bounds, accumulate(histogram.counts), strict=True))


def _name(key: str) -> str:
    return key.split("{", 1)[0]


def _is_counted(name: str) -> bool:
    return name.endswith(("_total", "_count", "_sum"))


def _put_together(name: str) -> Callable[[float, float], float]:
    if _is_counted(name):
        return float.__add__
    if _HIGHEST.search(name):
        return max
    return min if _LOWEST.search(name) else float.__add__


def _family(name: str) -> Metric:
    if name.endswith("_total"):
        return CounterMetricFamily(name.removesuffix("_total"), "Sum over all rooms, ended ones included.")
    if name.endswith(("_count", "_sum")):
        base = name.removesuffix("_count").removesuffix("_sum")
        return SummaryMetricFamily(base, "Over all rooms, ended ones included.")
    worst = _HIGHEST.search(name) or _LOWEST.search(name)
    return GaugeMetricFamily(name, "The worst room's." if worst else "Sum over all rooms.")


@dataclass(frozen=True, slots=True)
class _Watched:
    """A figure that somebody else keeps."""

    name: str
    description: str
    read: Callable[[], float]

    def family(self) -> Metric:
        kind = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        return kind(self.name, self.description, value=self.read())


class _WatchedFigures(Collector):
    def __init__(self) -> None:
        self.figures: list[_Watched] = []

    def collect(self) -> Iterator[Metric]:
        for figure in self.figures:
            yield figure.family()


class Metrics:
    """The registry and the service's own figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rooms = RoomTotals()
        self._watched = _WatchedFigures()
        self.registry.register(self.rooms)
        self.registry.register(self._watched)
        self.requests = Counter(
            "tutti_http_requests", "Answers given.", ("method", "route", "status"), registry=self.registry
        )
        self.request_seconds = Histogram(
            "tutti_http_request_seconds", "Time to the end of the answer.", ("method", "route"), registry=self.registry
        )

    def watch(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Show a figure that somebody else keeps; a counter if its name ends in ``_total``."""
        self._watched.figures.append(_Watched(name, description, read))
