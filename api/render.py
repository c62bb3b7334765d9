"""``tutti render``: pictures and clips in, one picture or one movie out."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TextIO

from pydantic import ValidationError

from layouts.errors import TuttiError
from layouts.geometry import Size
from layouts.model import Options
from layouts.parse import parse_options
from layouts.select import check_canvas, names
from layouts.templates import Template, parse_template
from layouts.templates_freeswitch import parse_freeswitch
from mcu.messages import VideoConfig
from mcu.offline import render_movie, render_picture, write_png

_BAR = 30  # characters
_REFRESH_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of the sub-command ``render``."""
    parser.description = "Put pictures or clips on one canvas, as a room with these people would: a .png or an .mp4."
    parser.add_argument(
        "--layout",
        default="grid",
        metavar="LAYOUT",
        help=f"one of: {', '.join(names())}; or a file: .json (slots or Twilio's regions), .xml:NAME (FreeSWITCH's)",
    )
    parser.add_argument("--canvas", type=_size, default=Size(1280, 720), metavar="WxH", help="pixels (1280x720)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="ends in .png or .mp4")
    parser.add_argument("--fps", type=int, default=30, help="frames a second of an .mp4 (30)")
    parser.add_argument("--bitrate", type=int, default=2_000_000, metavar="BPS", help="of its picture (2000000)")
    parser.add_argument("--labels", action="store_true", help="write the files' names on the tiles, frame who speaks")
    parser.add_argument(
        "--set", action="append", default=[], metavar="OPTION=VALUE", help="of the layout: gap=8, side=left, ..."
    )
    parser.add_argument(
        "--screen",
        type=Path,
        action="append",
        default=[],
        metavar="INPUT",
        help="a further input that is a shared screen",
    )
    parser.add_argument("inputs", nargs="*", type=Path, metavar="INPUT", help="pictures and clips, in order of joining")


def run(args: argparse.Namespace) -> int:
    """Do it.

    Returns:
        The exit code: 0; 2 for arguments or inputs that cannot be used; 1 when the output cannot be written.
    """
    try:
        _render(args)
    except TuttiError as error:
        return _fail(2, str(error))
    except ValidationError as error:
        first = error.errors()[0]
        return _fail(2, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}")
    except OSError as error:
        return _fail(1, f"{args.out}: {error.strerror or error}")
    return 0


def _fail(code: int, message: str) -> int:
    sys.stderr.write(f"tutti render: {message}\n")
    return code


def _render(args: argparse.Namespace) -> None:
    options = parse_options(dict(_pair(text) for text in args.set))
    check_canvas(args.canvas)
    inputs = [*args.inputs, *args.screen]
    if not inputs:
        raise UnusableArgumentError("no input is given")
    if args.out.suffix.lower() == ".png":
        _render_png(args, inputs, options)
    elif args.out.suffix.lower() == ".mp4":
        _render_mp4(args, inputs, options)
    else:
        raise UnusableArgumentError(f"--out {args.out}: the name has to end in .png or .mp4")


def _render_png(args: argparse.Namespace, inputs: list[Path], options: Options) -> None:
    names_ = [path.stem for path in inputs] if args.labels else None
    screens = range(len(args.inputs), len(inputs))
    image = render_picture(_layout(args.layout), args.canvas, inputs, options=options, names=names_, screens=screens)
    with _written(args.out) as path:
        write_png(image, path)


def _render_mp4(args: argparse.Namespace, inputs: list[Path], options: Options) -> None:
    with _written(args.out) as path, ProgressBar(sys.stderr) as bar:
        render_movie(
            _layout(args.layout),
            inputs,
            path,
            video=VideoConfig(
                width=args.canvas.width, height=args.canvas.height, fps=args.fps, bitrate_bps=args.bitrate
            ),
            options=options,
            labels=args.labels,
            screens=range(len(args.inputs), len(inputs)),
            on_progress=bar.show,
        )


class UnusableArgumentError(TuttiError):
    """An argument of the command line that makes no sense."""

    code = "unusable_argument"


def _layout(text: str) -> str | Template:
    """A name as it is; the layout in a file."""
    file, _, name = text.partition(".xml:")
    try:
        if name:
            found = parse_freeswitch(Path(f"{file}.xml").read_bytes())
            if name not in found:
                raise UnusableArgumentError(f"--layout {text}: known are: {', '.join(found)}")
            return found[name]
        if text.endswith(".json"):
            return parse_template(json.loads(Path(text).read_text("utf-8")), Path(text).stem)
    except OSError as error:
        raise UnusableArgumentError(f"--layout {text}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise UnusableArgumentError(f"--layout {text}: no JSON: {error}") from None
    return text


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UnusableArgumentError(f"--set {text}: has to be OPTION=VALUE")
    return name, value


def _size(text: str) -> Size:
    try:
        width, height = text.lower().split("x")
        return Size(int(width), int(height))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size like 1280x720") from None


@contextmanager
def _written(out: Path) -> Iterator[Path]:
    """A temporary name beside ``out`` that becomes ``out`` when all went well, and vanishes when not."""
    temporary = out.with_name(f".{out.stem}.{os.getpid()}.part{out.suffix}")
    try:
        yield temporary
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)


class ProgressBar:
    """A line on a terminal that fills up; elsewhere (a log, a pipe) nothing."""

    def __init__(self, stream: TextIO, now_s: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now_s = now_s
        self._shows = stream.isatty()
        self._began_s = self._drawn_s = now_s()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shows:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def show(self, part: float) -> None:
        """Draw it, ten times a second at most."""
        now_s = self._now_s()
        if not self._shows or now_s - self._drawn_s < _REFRESH_S:
            return
        self._drawn_s = now_s
        filled = int(part * _BAR)
        left_s = (now_s - self._began_s) * (1 - part) / part if part > 0 else 0
        bar = "#" * filled + "-" * (_BAR - filled)
        self._stream.write(f"\r[{bar}] {part:4.0%}  {left_s:.0f} s left\x1b[K")
        self._stream.flush()
