"""What holds for all tests."""

import pytest
from hypothesis import is_hypothesis_test, settings

settings.register_profile("tutti", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("tutti")

_ORDER = ("unit", "media", "e2e")


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--lane``: tests that share the machine with others, or those that need it for themselves."""
    parser.addoption("--lane", choices=("beside", "alone"), help="only tests that may run beside others, or the rest")


def _is_beside(item: pytest.Item) -> bool:
    return item.get_closest_marker("unit") is not None or item.get_closest_marker("beside") is not None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run what fails fast first, let no test escape the three kinds, and keep to the lane."""

    def kind(item: pytest.Item) -> int:
        marks = [name for name in _ORDER if item.get_closest_marker(name)]
        if len(marks) != 1:
            raise pytest.UsageError(f"{item.nodeid} needs exactly one of the markers {', '.join(_ORDER)}")
        return _ORDER.index(marks[0])

    items.sort(key=kind)
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)) and item.get_closest_marker("timeout") is None:
            # Hypothesis takes what a signal raises for one more failing example, and tries that again: without an end.
            item.add_marker(pytest.mark.timeout(int(config.getini("timeout")), method="thread"))
    lane = config.getoption("lane")
    if lane is not None:
        config.hook.pytest_deselected(items=[item for item in items if _is_beside(item) != (lane == "beside")])
        items[:] = [item for item in items if _is_beside(item) == (lane == "beside")]
