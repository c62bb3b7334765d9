"""All settings, from the environment (``TUTTI_…``) or the command line, with their defaults and descriptions."""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from mcu.messages import IceServer, RoomConfig, VideoConfig

PREFIX = "TUTTI_"
_ICE_SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Download(StrEnum):
    """How a recording in S3 reaches whoever downloads it."""

    REDIRECT = "redirect"
    STREAM = "stream"


class Shutdown(StrEnum):
    """What becomes of the rooms when the service is asked to end."""

    CLOSE = "close"
    KEEP = "keep"


def _checked_url(url: str) -> str:
    if not url.startswith(_ICE_SCHEMES):
        raise ValueError(f"{url!r} is no ICE server: it must begin with one of {', '.join(_ICE_SCHEMES)}")
    return url


def _split(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _parse_ice_servers(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not value.lstrip().startswith(("[", "{")):
        return [{"urls": [url]} for url in _split(value)]  # type: ignore[attr-defined]  # a string splits into a list
    try:
        servers = json.loads(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"neither URLs separated by commas nor a JSON list: {error}") from None
    servers = servers if isinstance(servers, list) else [servers]
    return [_with_url_list(server) for server in servers]


def _with_url_list(server: object) -> object:
    if isinstance(server, dict) and isinstance(server.get("urls"), str):
        return {**server, "urls": [server["urls"]]}
    return server


def _check_ice_servers(servers: tuple[IceServer, ...]) -> tuple[IceServer, ...]:
    for server in servers:
        for url in server.urls:
            _checked_url(url)
    return servers


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


IceServers = Annotated[
    tuple[IceServer, ...], NoDecode, BeforeValidator(_parse_ice_servers), AfterValidator(_check_ice_servers)
]
Optional = Annotated[str | None, BeforeValidator(_empty_is_none)]
OptionalAmount = Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)] | None, BeforeValidator(_empty_is_none)]


class Settings(BaseSettings):
    """What can be set. The field ``port`` is the variable ``TUTTI_PORT`` and the option ``--port``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    # where it listens and keeps things
    host: str = Field(default="127.0.0.1", description="address to listen on; 0.0.0.0 for all")
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one")
    data_dir: Path = Field(
        default=Path("data"), description="folder for recordings, the catalog and the rooms' sockets"
    )
    database_url: Optional = Field(
        default=None, description="SQLAlchemy URL of the catalog of recordings; by default SQLite in the data folder"
    )
    log_level: LogLevel = Field(default=LogLevel.INFO, description="debug, info, warning or error")
    proxy_headers: bool = Field(
        default=False, description="trust X-Forwarded-* headers: only behind a proxy that sets them"
    )

    # object storage
    s3_bucket: Optional = Field(
        default=None,
        description="bucket that finished recordings are uploaded to; without one they stay in the data folder. "
        "Credentials come from boto3's own chain (AWS_ACCESS_KEY_ID, …)",
    )
    s3_endpoint_url: Optional = Field(default=None, description="URL of an S3 server other than Amazon's")
    s3_region: Optional = Field(default=None, description="region of the bucket")
    s3_prefix: str = Field(default="", description="put before the objects' names, such as recordings/")
    s3_path_style: bool = Field(default=False, description="address the bucket in the path, not in the host name")
    s3_checksum: Literal["when_required", "when_supported"] = Field(
        default="when_required",
        description="when_required, or when_supported: whether uploads carry the checksums some S3 servers refuse",
    )
    download: Download = Field(
        default=Download.REDIRECT, description="redirect to a presigned URL of S3, or stream through this server"
    )
    download_url_ttl_s: int = Field(
        default=3600, ge=1, le=604800, description="for how long a presigned URL is good, seconds"
    )

    # reaching each other
    ice_servers: IceServers = Field(
        default=(),
        description="STUN and TURN servers for browsers: URLs separated by commas, "
        "or a JSON list of RTCIceServer objects",
    )
    turn_secret: SecretStr | None = Field(
        default=None,
        description="secret shared with the TURN servers (coturn's use-auth-secret): every page load, and the server "
        "at every join, then gets credentials of its own",
    )
    turn_credential_ttl_s: int = Field(
        default=86400, ge=60, description="for how long such credentials are good, seconds"
    )
    server_ice_servers: IceServers = Field(
        default=(),
        description="STUN and TURN servers for the server's own side of a connection, written the same way; the first "
        "of each is used, and one that cannot be reached delays every join",
    )
    connect_timeout_s: float = Field(
        default=30, gt=0, le=600, description="how long a participant may take to connect, seconds"
    )

    # rooms
    layout: str = Field(default="grid", min_length=1, max_length=64, description="layout of new rooms")
    video_width: int = Field(default=1280, description="width of new rooms' canvas, pixels, even")
    video_height: int = Field(default=720, description="height of new rooms' canvas, pixels, even")
    video_fps: int = Field(default=30, description="pictures a second in new rooms")
    video_bitrate_bps: int = Field(default=2_000_000, description="bit rate of new rooms' video, bits a second")
    video_half_bitrate_bps: int = Field(
        default=700_000, description="bit rate for participants whose line takes no more than half the size"
    )
    video_quarter_bitrate_bps: int = Field(
        default=180_000, description="bit rate for participants whose line takes no more than a quarter of the size"
    )
    video_rungs: int = Field(
        default=3, description="sizes offered to participants: 1 full only, 2 and half, 3 and a quarter"
    )
    max_participants: int = Field(
        default=50, ge=1, le=1000, description="participants in a room that does not say otherwise"
    )
    max_rooms: int = Field(default=20, ge=1, le=1000, description="rooms at once on this machine")
    capacity_cores: OptionalAmount = Field(
        default=None,
        description="processors that all rooms may take together, by the cost table; by default all but a tenth, and "
        "at least a quarter of one, is left; 0 for no limit",
    )
    capacity_memory_mb: OptionalAmount = Field(
        default=None,
        description="memory that all rooms may take together, MB; by default all but a tenth, and at least 512, is "
        "left; 0 for no limit",
    )
    create_rooms_on_join: bool = Field(default=True, description="whether joining an unknown room creates it")
    empty_room_grace_s: float = Field(
        default=60, ge=0, description="how long a room stays open with nobody in it, seconds"
    )
    orphan_grace_s: float = Field(
        default=600,
        ge=0,
        description="how long rooms go on without the service before they finish by themselves, seconds",
    )
    shutdown: Shutdown = Field(
        default=Shutdown.CLOSE,
        description="on SIGTERM: close the rooms and finish their recordings, or keep them for a restart",
    )
    finish_timeout_s: float = Field(
        default=15,
        ge=0,
        description="how long the end of the service waits for recordings to be joined and uploaded, seconds; "
        "the next start goes on with the rest",
    )

    # limits
    max_body_bytes: int = Field(default=64 * 1024, ge=1024, description="largest JSON body of a request")
    max_sdp_bytes: int = Field(default=256 * 1024, ge=1024, description="largest SDP body of a request")
    max_event_clients: int = Field(default=1000, ge=1, description="event streams open at once")

    @property
    def video(self) -> VideoConfig:
        """Canvas and encoding of rooms that do not say otherwise."""
        return VideoConfig(
            width=self.video_width,
            height=self.video_height,
            fps=self.video_fps,
            bitrate_bps=self.video_bitrate_bps,
            half_bitrate_bps=self.video_half_bitrate_bps,
            quarter_bitrate_bps=self.video_quarter_bitrate_bps,
            rungs=self.video_rungs,
        )

    def room_config(self, name: str) -> RoomConfig:
        """A room of which nothing but the name is known."""
        return RoomConfig(
            name=name,
            layout=self.layout,
            max_participants=self.max_participants,
            video=self.video,
            empty_grace_s=self.empty_room_grace_s,
            orphan_grace_s=self.orphan_grace_s,
            connect_timeout_s=self.connect_timeout_s,
        )

    @property
    def catalog_url(self) -> str:
        """Where the catalog of recordings is."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'tutti.sqlite').resolve()}"


_VIDEO = {
    "width": "video_width",
    "height": "video_height",
    "fps": "video_fps",
    "bitrate_bps": "video_bitrate_bps",
    "half_bitrate_bps": "video_half_bitrate_bps",
    "quarter_bitrate_bps": "video_quarter_bitrate_bps",
    "rungs": "video_rungs",
}


class SettingsError(ValueError):
    """Settings that cannot be used; ``faults`` has one line for each."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


def load(given: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings: ``given`` (field names, from the command line) first, then the environment, then defaults.

    Raises:
        SettingsError: with all that is wrong.
    """
    try:
        settings = Settings(**(given or {}))
    except ValidationError as error:
        raise SettingsError(_fault(PREFIX, fault) for fault in error.errors()) from None
    try:
        _ = settings.video  # checked where it is defined
    except ValidationError as error:
        raise SettingsError(
            _fault(PREFIX, {**fault, "loc": (_VIDEO[str(fault["loc"][0])],)}) for fault in error.errors()
        ) from None
    return settings


def unknown_variables(environment: Iterable[str]) -> list[str]:
    """Variables that look like ours but set nothing: slips of the pen."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _fault(prefix: str, fault: Mapping[str, Any]) -> str:
    name = prefix + str(fault["loc"][0]).upper()
    place = "".join(f"[{step}]" for step in fault["loc"][1:])
    message = str(fault["msg"]).removeprefix("Value error, ")
    secret = "secret" in name.lower()
    value = "" if secret else f" (it is {str(fault['input'])[:80]!r})"
    return f"{name}{place}: {message}{value}"
