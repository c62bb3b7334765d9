"""The ``tutti`` command."""

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from api.rooms.rundir import RunDir, choose
from api.settings import PREFIX, LogLevel, Settings, SettingsError, load, unknown_variables
from api.version import VERSION
from mcu.errors import TuttiError

logger = logging.getLogger(__name__)

FAILURE, USAGE_ERROR = 1, 2  # exit codes; the latter is argparse's
GRACE_S = 5  # for answers under way when the service ends


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser(with_render=argv[:1] == ["render"])
    given = parser.parse_args(argv)
    settings = {name: value for name, value in vars(given).items() if name in Settings.model_fields}
    if given.command == "serve":
        return _serve(settings)
    if given.command == "doctor":
        return _doctor(settings, as_json=given.json, save=given.save)
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
    doctor = commands.add_parser(
        "doctor",
        help="measure this machine and look whether it has what the service needs",
        description="Measure what this machine can carry, and look whether it has what the service needs. Takes some "
        "seconds; let the machine do nothing else meanwhile. Settings come from the environment, as for the service.",
    )
    doctor.add_argument("--json", action="store_true", help="print it for programs")
    doctor.add_argument("--save", action="store_true", help="let the service reckon with what was measured")
    _add_setting(doctor, "data_dir", Settings.model_fields["data_dir"])
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


def _loaded(given: dict[str, str]) -> Settings | None:
    """The settings, or None when that they are wrong has been said."""
    try:
        return load(given)
    except SettingsError as error:
        for fault in error.faults:
            _fail(fault)
        return None


def _doctor(given: dict[str, str], *, as_json: bool, save: bool) -> int:
    from api.doctor import run  # noqa: PLC0415 - it loads the media engine

    settings = _loaded(given)
    return USAGE_ERROR if settings is None else run.run(settings, as_json=as_json, save=save)


def _serve(given: dict[str, str]) -> int:
    settings = _loaded(given)
    if settings is None:
        return USAGE_ERROR
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for variable in unknown_variables(os.environ):
        logger.warning("%s sets nothing: there is no such setting", variable)
    return _run(settings)


def _run(settings: Settings) -> int:
    import uvicorn  # noqa: PLC0415 - for a quick --help

    from api.app import create_app  # noqa: PLC0415 - as above

    for signal_ in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_, _heard)
    run_dir = RunDir(choose(settings.data_dir))
    try:
        run_dir.acquire()
        listener = _listen(settings.host, settings.port)
        app = create_app(settings, run_dir)
    except (TuttiError, OSError) as error:
        return _fail(str(error))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=settings.log_level == LogLevel.DEBUG,
        proxy_headers=settings.proxy_headers,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
    )
    host, port = listener.getsockname()[:2]
    logger.info("Tutti %s serves http://%s:%d", VERSION, f"[{host}]" if ":" in host else host, port)
    server = uvicorn.Server(config)
    server.run(sockets=[listener])
    return 0 if server.started else 1


def _heard(_signal: int, _frame: object) -> None:
    """Do nothing: the server acts on signals, and afterwards raises them again for whoever was there before it."""


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(f"cannot listen on {host}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {host}, port {port}: {error.strerror}") from error
    return listener


def _fail(message: str) -> int:
    print(f"tutti: {message}", file=sys.stderr)  # noqa: T201 - this is the command line
    return FAILURE


if __name__ == "__main__":
    sys.exit(main())
