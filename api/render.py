"""``tutti render``: pictures, clips, patterns or a scenario in; one picture, one movie or a contact sheet out."""

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from api.progress import ProgressBar
from layouts.errors import TuttiError
from layouts.geometry import Size
from layouts.model import Options
from layouts.motion import DEFAULT_DURATION_US
from layouts.parse import parse_options
from layouts.select import check_canvas, names
from layouts.templates import Template
from mcu.messages import VideoConfig
from mcu.offline import (
    Look,
    RgbImage,
    Scenario,
    actors_of,
    name_of,
    parse_style,
    read_layout,
    read_scenario,
    render_moment,
    render_picture,
    render_scenario,
    render_sheet,
    write_png,
)
from mcu.offline.patterns import KINDS
from mcu.offline.sheet import built_in_layouts
from mcu.video.style import CanvasStyle

_CANVAS, _CELL = Size(1280, 720), Size(192, 108)
_IN_SCENARIO = ("layout", "set", "style", "screen", "labels", "motion")  # arguments that a scenario file stands for
_MOST_MOTION_MS = 10_000
_MOST_INPUTS = 10_000


class UnusableArgumentError(TuttiError):
    """An argument of the command line that makes no sense."""

    code = "unusable_argument"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Fill in the parser of the sub-command ``render``."""
    parser.description = "Put people on one canvas, as a room with them would: a .png, an .mp4, or a contact sheet."
    parser.epilog = f"INPUT is a picture, a clip, or a pattern: pattern:KIND[,tone=HZ][,size=WxH], KIND: {_kinds()}."
    add = parser.add_argument
    add(
        "--layout",
        metavar="LAYOUT",
        help=f"one of: {', '.join(names())}; or a file: .json (slots or Twilio's regions), .xml:NAME (FreeSWITCH's)",
    )
    add("--scenario", type=Path, metavar="FILE", help="who is there from when to when, and what they do (JSON)")
    add("--canvas", type=_size, metavar="WxH", help="pixels (1280x720; in contact sheets 192x108 for each)")
    add("--out", type=Path, metavar="FILE", help="ends in .png or .mp4")
    add("--contact-sheet", type=Path, metavar="FILE", help="a .png of every layout for 1 to 16 people")
    add("--at", type=float, metavar="SECONDS", help="which moment of clips or a scenario a .png shows (0)")
    add("--fps", type=int, metavar="N", help="frames a second of an .mp4 (30)")
    add("--bitrate", type=int, metavar="BPS", help="of its picture (2000000)")
    add("--labels", action="store_true", default=None, help="write the names on the tiles, frame who speaks")
    add("--motion", type=int, metavar="MS", help="how long tiles take to their new places (250)")
    add("--set", action="append", metavar="OPTION=VALUE", help="of the layout: gap=8, side=left, ...")
    add(
        "--style", action="append", metavar="NAME=VALUE", help="of the canvas: title=Standup, logo=FILE, border=#ff0000"
    )
    add("--screen", action="append", metavar="INPUT", help="a further input that is a shared screen")
    add("inputs", nargs="*", metavar="INPUT", help="in order of joining")


def _kinds() -> str:
    return ", ".join("colour=#rrggbb" if kind == "colour" else kind for kind in KINDS)


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
        return _fail(1, f"{args.contact_sheet or args.out}: {error.strerror or error}")
    return 0


def _fail(code: int, message: str) -> int:
    sys.stderr.write(f"tutti render: {message}\n")
    return code


def _render(args: argparse.Namespace) -> None:
    if args.canvas is not None:
        check_canvas(args.canvas)
    if (args.out is None) == (args.contact_sheet is None):
        raise UnusableArgumentError("either --out or --contact-sheet has to be given")
    if args.contact_sheet is not None:
        _render_sheet(args)
    elif args.out.suffix.lower() == ".png":
        _write_image(_image(args), args.out)
    elif args.out.suffix.lower() == ".mp4":
        _render_mp4(args)
    else:
        raise UnusableArgumentError(f"--out {args.out}: the name has to end in .png or .mp4")


def _image(args: argparse.Namespace) -> RgbImage:
    if args.scenario is not None or args.at is not None:
        scenario = _scenario(args)
        if not 0 <= (args.at or 0) <= 24 * 3600:
            raise UnusableArgumentError(f"--at {args.at}: is not between 0 and 86400")
        return render_moment(scenario, round((args.at or 0) * 1_000_000))
    inputs = _inputs(args)
    return render_picture(
        _layout(args),
        args.canvas or _CANVAS,
        inputs,
        options=_options(args),
        names=[name_of(given) for given in inputs] if args.labels else None,
        screens=range(len(args.inputs), len(inputs)),
        style=_style(args),
        wall_us=0,
    )


def _render_mp4(args: argparse.Namespace) -> None:
    scenario = _scenario(args)
    if args.at is not None:
        raise UnusableArgumentError("--at is for pictures")
    began_s = time.monotonic()
    with _written(args.out) as path, ProgressBar(sys.stderr) as bar:
        length_s = render_scenario(scenario, path, on_progress=bar.show)
    took_s = max(0.001, time.monotonic() - began_s)
    sys.stdout.write(f"{args.out}: {length_s:.1f} s in {took_s:.1f} s, {length_s / took_s:.1f} times real time\n")


def _render_sheet(args: argparse.Namespace) -> None:
    out: Path = args.contact_sheet
    if out.suffix.lower() != ".png":
        raise UnusableArgumentError(f"--contact-sheet {out}: the name has to end in .png")
    for name in ("scenario", "at", "screen", "labels", "style", "motion", "fps", "bitrate"):
        if getattr(args, name) is not None:
            raise UnusableArgumentError(f"--{name} means nothing for a contact sheet")
    layouts: dict[str, str | Template] = dict(built_in_layouts())
    if args.layout is not None:
        layouts = {args.layout: _layout(args)}
    with ProgressBar(sys.stderr) as bar:
        image = render_sheet(
            layouts, cell=args.canvas or _CELL, inputs=args.inputs, options=_options(args), on_progress=bar.show
        )
    _write_image(image, out)


def _scenario(args: argparse.Namespace) -> Scenario:
    """What the arguments describe, or the scenario file with what they override."""
    if args.scenario is None:
        inputs = _inputs(args)
        look = Look(0, _layout(args), _options(args), _style(args))
        actors = actors_of(inputs, range(len(args.inputs), len(inputs)))
        scenario = Scenario(actors, (look,), labels=bool(args.labels), motion_us=_motion_us(args))
    else:
        for name in _IN_SCENARIO:
            if getattr(args, name) is not None:
                raise UnusableArgumentError(f"--{name} belongs into the scenario")
        if args.inputs:
            raise UnusableArgumentError("inputs belong into the scenario")
        scenario = read_scenario(args.scenario)
    canvas = args.canvas or Size(scenario.video.width, scenario.video.height)
    given = {"fps": args.fps, "bitrate_bps": args.bitrate}
    changed = {name: value for name, value in given.items() if value is not None}
    video = scenario.video.model_dump() | changed | {"width": canvas.width, "height": canvas.height}
    return dataclasses.replace(scenario, video=VideoConfig.model_validate(video))


def _inputs(args: argparse.Namespace) -> list[str]:
    inputs = [*args.inputs, *(args.screen or ())]
    if not inputs:
        raise UnusableArgumentError("no input is given")
    if len(inputs) > _MOST_INPUTS:
        raise UnusableArgumentError(f"{len(inputs)} inputs are more than {_MOST_INPUTS}")
    return inputs


def _motion_us(args: argparse.Namespace) -> int:
    if args.motion is None:
        return DEFAULT_DURATION_US
    if not 0 <= args.motion <= _MOST_MOTION_MS:
        raise UnusableArgumentError(f"--motion {args.motion}: is not between 0 and {_MOST_MOTION_MS}")
    return int(args.motion) * 1000


def _options(args: argparse.Namespace) -> Options:
    return parse_options(dict(_pair("--set", text) for text in args.set or ()))


def _style(args: argparse.Namespace) -> CanvasStyle:
    return parse_style(dict(_pair("--style", text) for text in args.style or ()))


def _layout(args: argparse.Namespace) -> str | Template:
    return read_layout(args.layout or "grid")


def _pair(argument: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UnusableArgumentError(f"{argument} {text}: has to be {'OPTION' if argument == '--set' else 'NAME'}=VALUE")
    return name, value


def _size(text: str) -> Size:
    try:
        width, height = text.lower().split("x")
        return Size(int(width), int(height))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size like 1280x720") from None


def _write_image(image: RgbImage, out: Path) -> None:
    with _written(out) as path:
        write_png(image, path)


@contextmanager
def _written(out: Path) -> Iterator[Path]:
    """A temporary name beside ``out`` that becomes ``out`` when all went well, and vanishes when not."""
    temporary = out.with_name(f".{out.stem}.{os.getpid()}.part{out.suffix}")
    try:
        yield temporary
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
