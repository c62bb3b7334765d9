"""The version of this installation."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("tutti")
except PackageNotFoundError:  # run from a bare source tree
    VERSION = "0+source"
