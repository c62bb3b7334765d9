"""The ``tutti`` command."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from api.settings import PREFIX, Settings, SettingsError, load, unknown_variables
from api.version import VERSION

USAGE_ERROR = 2  # exit code, as argparse's
GRACE_S = 5  # for answers under way when the service ends


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(with_render=argv[:1] == ["render"])
    given = parser.parse_args(argv)
    if given.command == "serve":
        return _serve({name: value for name, value in vars(given).items() if name in Settings.model_fields})
    if given.command == "render":
        from api import render  # noqa: PLC0415 - it loads the media engine, which the other commands do not need here

        return int(render.run(given))
    parser.print_help()
    return USAGE_ERROR


def _parser(*, with_render: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tutti", description="Mixes and records WebRTC conferences.")
    parser.add_argument("--version", action="version", version=f"tutti {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    serve = commands.add_parser(
        "serve",
        help="run the service",
        description="Run the service. Everything can be set by option or by environment variable; options win.",
        usage="tutti serve [options]",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=34, width=110),
        allow_abbrev=False,
    )
    for name, setting in Settings.model_fields.items():
        if setting.annotation == SecretStr | None:
            # everybody on the machine can read a command line
            serve.add_argument_group(f"only from the environment: {_variable(name)}", setting.description)
        else:
            _add_setting(serve, name, setting)
    render = commands.add_parser("render", help="mix pictures or clips offline, as a room would")
    if with_render:
        from api.render import add_arguments  # noqa: PLC0415 - see main

        add_arguments(render)
    return parser


def _add_setting(parser: argparse.ArgumentParser, name: str, setting: FieldInfo) -> None:
    text = f"{setting.description} [{_variable(name)}; {_default(setting.default)}]".replace("%", "%%")
    parser.add_argument(f"--{name.replace('_', '-')}", dest=name, default=argparse.SUPPRESS, help=text, metavar="X")


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _default(value: object) -> str:
    if value is None or value in ((), ""):
        return "not set"
    return f"default: {str(value).lower() if isinstance(value, bool) else value}"


def _serve(given: dict[str, str]) -> int:
    try:
        settings = load(given)
    except SettingsError as error:
        for fault in error.faults:
            print(f"tutti: {fault}", file=sys.stderr)  # noqa: T201 - this is the command line
        return USAGE_ERROR
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for variable in unknown_variables(os.environ):
        logging.getLogger(__name__).warning("%s sets nothing: there is no such setting", variable)
    return _run(settings)


def _run(settings: Settings) -> int:
    import uvicorn  # noqa: PLC0415 - for a quick --help

    from api.app import create_app  # noqa: PLC0415 - as above

    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=settings.log_level.upper() == "DEBUG",
        proxy_headers=settings.proxy_headers,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=64 * 1024,
    )
    server = uvicorn.Server(config)
    server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
