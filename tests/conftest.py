"""What holds for all tests."""

import pytest

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
