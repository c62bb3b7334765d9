"""``/metrics``: the service's own figures, and those of all rooms added up.

Rooms tell theirs under the names that Prometheus is to see, with labels in the key if they have any
(``tutti_dropped_total{reason="late"}``). Counters (``…_total``) and quantities are summed over rooms; of durations and
ratios (``…_ms``, ``…_seconds``, ``…_ratio``) the worst room's is shown. A counter never falls: what an ended room had
counted stays in the sum.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mcu.messages import RoomState

_KEY = re.compile(r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_WORST = ("_ms", "_us", "_seconds", "_ratio")
_PREFIX = "tutti_"

Values = dict[str, float]


class RoomTotals(Collector):
    """Adds rooms up. ``update`` before each collection."""

    def __init__(self) -> None:
        self._live: dict[str, Mapping[str, float]] = {}  # by instance, as last told
        self._former: Values = defaultdict(float)  # counters of rooms that have ended
        self._participants = 0

    def update(self, states: Iterable[RoomState]) -> None:
        """Take what the rooms tell now; rooms that are missing have ended."""
        states = list(states)
        told: dict[str, Mapping[str, float]] = {state.instance: state.metrics for state in states}
        for instance in self._live.keys() - told.keys():
            for key, value in self._live[instance].items():
                if _is_counter(key):
                    self._former[key] += value
        self._live = told
        self._participants = sum(len(state.participants) for state in states)

    def totals(self) -> Values:
        """All figures of all rooms by key."""
        totals: Values = dict(self._former)
        for metrics in self._live.values():
            for key, value in metrics.items():
                worst = _name(key).endswith(_WORST)
                totals[key] = max(totals.get(key, value), value) if worst else totals.get(key, 0) + value
        return totals

    def collect(self) -> Iterator[Metric]:
        """As prometheus-client wants it."""
        yield GaugeMetricFamily("tutti_rooms", "Rooms running.", value=len(self._live))
        yield GaugeMetricFamily("tutti_participants", "Participants in all rooms.", value=self._participants)
        families: dict[str, Metric] = {}
        for key, value in sorted(self.totals().items()):
            match = _KEY.match(key)
            if match is None:
                continue
            name = match["name"] if match["name"].startswith(_PREFIX) else _PREFIX + match["name"]
            family = families.get(name) or _family(name)
            families[name] = family
            sample = name if isinstance(family, CounterMetricFamily) else family.name
            family.add_sample(sample, dict(_LABEL.findall(match["labels"] or "")), value)
        yield from families.values()


def _family(name: str) -> Metric:
    if name.endswith("_total"):
        return CounterMetricFamily(name, "Sum over all rooms.")
    return GaugeMetricFamily(name, "The worst room's." if name.endswith(_WORST) else "Sum over all rooms.")


def _name(key: str) -> str:
    return key.split("{", 1)[0]


def _is_counter(key: str) -> bool:
    return _name(key).endswith("_total")


class Metrics:
    """The registry and the service's own figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.rooms = RoomTotals()
        self.registry.register(self.rooms)
        self.requests = Counter(
            "tutti_http_requests", "Answers given.", ("method", "route", "status"), registry=self.registry
        )
        self.request_seconds = Histogram(
            "tutti_http_request_seconds", "Time to the end of the answer.", ("method", "route"), registry=self.registry
        )

    def gauge(self, name: str, description: str) -> Gauge:
        """A gauge of the service; give it its value or a function."""
        return Gauge(name, description, registry=self.registry)
