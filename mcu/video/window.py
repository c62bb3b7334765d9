"""How long things took lately."""

from collections import deque


class Window:
    """The last few hundred values, with all that were ever added summed up."""

    def __init__(self, size: int = 300) -> None:
        self.count = 0
        self.sum = 0.0
        self._values: deque[float] = deque(maxlen=size)

    def add(self, value: float) -> None:
        """Take one value."""
        self.count += 1
        self.sum += value
        self._values.append(value)

    def percentile(self, percent: float) -> float:
        """The value below which ``percent`` of the last values lie; 0 when there are none."""
        values = sorted(self._values.copy())
        return values[min(len(values) - 1, int(len(values) * percent / 100))] if values else 0.0

    def metrics(self, name: str) -> dict[str, float]:
        """Sum and count of all, median and 95th percentile of the last values."""
        return {
            f"{name}_sum": self.sum,
            f"{name}_count": float(self.count),
            f"{name}_p50": self.percentile(50),
            f"{name}_p95": self.percentile(95),
        }
