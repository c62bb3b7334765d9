"""For tests in which a room runs in real time in the test's own process."""

from collections.abc import Iterator

import pytest

from tests.standstill import none_by_collections


@pytest.fixture(scope="module")
def no_standstill() -> Iterator[None]:
    """No pauses but those that are tested."""
    with none_by_collections():
        yield
