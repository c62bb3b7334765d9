"""What holds for all tests."""

import pytest
from hypothesis import settings

settings.register_profile("tutti", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("tutti")

_ORDER = ("unit", "media", "e2e")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what fails fast first, and let no test escape the three kinds."""

    def kind(item: pytest.Item) -> int:
        marks = [name for name in _ORDER if item.get_closest_marker(name)]
        if len(marks) != 1:
            raise pytest.UsageError(f"{item.nodeid} needs exactly one of the markers {', '.join(_ORDER)}")
        return _ORDER.index(marks[0])

    items.sort(key=kind)
