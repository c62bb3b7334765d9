"""The table of recordings: SQLite beside the files, or a PostgreSQL server that several services share.

What must hold is left to the database: a partial unique index makes a second running recording in a room impossible,
and every change of status is one ``UPDATE … WHERE status IN …``, so that of two processes one wins. All calls block.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CursorResult,
    Engine,
    Index,
    Text,
    create_engine,
    event,
    select,
    text,
    update,
)
from sqlalchemy import delete as delete_from
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from recorder.errors import (
    CatalogError,
    RecordingActiveError,
    RecordingConflictError,
    RecordingNotActiveError,
    RecordingNotFoundError,
)
from recorder.model import RUNNING, UNFINISHED, Gap, Part, Recording, Status, sources_of

SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 10
_JSON_FIELDS = frozenset({"parts", "gaps", "video"})
_RUNNING_SQL = text("status IN ({})".format(", ".join(f"'{status}'" for status in sorted(RUNNING))))


class _Base(DeclarativeBase):
    pass


class _Schema(_Base):
    __tablename__ = "schema_version"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class _Row(_Base):
    """One recording, with the fields of ``Recording``; ``parts``, ``gaps`` and ``video`` are JSON."""

    __tablename__ = "recordings"

    id: Mapped[str] = mapped_column(primary_key=True)
    room: Mapped[str] = mapped_column(index=True)
    status: Mapped[str] = mapped_column(index=True)
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    duration: Mapped[float | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]
    error: Mapped[str | None] = mapped_column(Text)
    location: Mapped[str | None]
    file_name: Mapped[str | None]
    parts: Mapped[str] = mapped_column(Text)
    gaps: Mapped[str] = mapped_column(Text)
    video: Mapped[str] = mapped_column(Text)
    owner: Mapped[str | None] = mapped_column(index=True)
    lease_until: Mapped[float]
    local_file: Mapped[str | None]

    __table_args__ = (
        Index("one_running_a_room", "room", unique=True, sqlite_where=_RUNNING_SQL, postgresql_where=_RUNNING_SQL),
    )


class Catalog:
    """Recordings in a database.

    Args:
        url: SQLAlchemy URL, such as ``sqlite:////var/lib/tutti/catalog.db`` or ``postgresql+psycopg://…``.

    Raises:
        CatalogError: the database cannot be used, or was made by a newer version. Every method may raise it.
    """

    def __init__(self, url: str) -> None:
        with _told():
            self._engine = _engine(url)
        try:
            self._prepare_schema()
        except CatalogError:
            self.close()
            raise

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def add(self, recording: Recording) -> None:
        """Insert a new recording.

        Raises:
            RecordingConflictError: another one runs in that room.
        """
        with _told(), Session(self._engine) as session:
            session.add(_Row(**_columns(asdict(recording))))
            try:
                session.commit()
            except IntegrityError as error:
                raise RecordingConflictError(f"room {recording.room} is being recorded already") from error

    def get(self, recording_id: str) -> Recording:
        """One recording; raises RecordingNotFoundError."""
        with _told(), Session(self._engine) as session:
            row = session.get(_Row, recording_id)
            if row is None:
                raise RecordingNotFoundError(f"there is no recording {recording_id}")
            return _recording(row)

    def find(
        self, *, room: str | None = None, statuses: Collection[Status] | None = None, owner: str | None = None
    ) -> list[Recording]:
        """Recordings that fit all of what is given, the newest first."""
        query = select(_Row).order_by(_Row.created_at.desc(), _Row.id)
        if room is not None:
            query = query.where(_Row.room == room)
        if statuses is not None:
            query = query.where(_Row.status.in_(list(statuses)))
        if owner is not None:
            query = query.where(_Row.owner == owner)
        with _told(), Session(self._engine) as session:
            return [_recording(row) for row in session.scalars(query)]

    def move(self, recording_id: str, status: Status, **changes: Any) -> Recording:
        """Change the status, and other fields with it, if the present status allows that.

        Raises:
            RecordingNotFoundError: no such recording.
            RecordingNotActiveError: the state machine does not allow it (any more).
        """
        allowed = _Row.status.in_(list(sources_of(status)))
        if not self._update(recording_id, allowed, {"status": status, **changes}):
            present = self.get(recording_id)
            raise RecordingNotActiveError(f"recording {recording_id} is {present.status}, it cannot become {status}")
        return self.get(recording_id)

    def change(self, recording_id: str, **changes: Any) -> Recording:
        """Change fields other than the status; raises RecordingNotFoundError."""
        self._update(recording_id, None, changes)
        return self.get(recording_id)

    def delete(self, recording_id: str) -> None:
        """Remove a recording that neither runs nor is being finished.

        Raises:
            RecordingNotFoundError: no such recording.
            RecordingActiveError: it is not over yet.
        """
        over = _Row.status.not_in(list(UNFINISHED))
        with _told(), Session(self._engine) as session:
            done = session.execute(delete_from(_Row).where(_Row.id == recording_id, over))
            session.commit()
            removed = _count(done)
        if not removed:
            raise RecordingActiveError(f"recording {recording_id} is {self.get(recording_id).status}")

    # --- owners -------------------------------------------------------------------------------------------------------

    def acquire(self, recording_id: str, owner: str, now: float, until: float, *, dead: str | None = None) -> bool:
        """Take care of a recording that nobody (or only ``dead``) holds.

        Args:
            recording_id: which.
            owner: who takes it.
            now: Unix seconds; leases that ended before are void.
            until: Unix seconds at which this lease ends.
            dead: an owner known to be gone, whose lease counts as void.

        Returns:
            Whether ``owner`` holds it now.
        """
        free = (_Row.owner.is_(None)) | (_Row.owner == owner) | (_Row.lease_until < now)
        if dead is not None:
            free |= _Row.owner == dead
        return self._update(recording_id, free, {"owner": owner, "lease_until": until})

    def renew(self, owner: str, until: float) -> int:
        """Prolong all leases of ``owner``; how many there are."""
        unfinished = _Row.status.in_(list(UNFINISHED))
        with _told(), Session(self._engine) as session:
            done = session.execute(
                update(_Row).where(_Row.owner == owner, unfinished).values(lease_until=until),
                execution_options={"synchronize_session": False},
            )
            session.commit()
            return _count(done)

    # --- inside -------------------------------------------------------------------------------------------------------

    def _update(self, recording_id: str, condition: ColumnElement[bool] | None, changes: dict[str, Any]) -> bool:
        query = update(_Row).where(_Row.id == recording_id).values(**_columns(changes))
        if condition is not None:
            query = query.where(condition)
        with _told(), Session(self._engine) as session:
            done = session.execute(query, execution_options={"synchronize_session": False})
            session.commit()
            return _count(done) == 1

    def _prepare_schema(self) -> None:
        with _told():
            _Base.metadata.create_all(self._engine)
            with Session(self._engine) as session:
                version = session.scalar(select(_Schema.version))
                if version is None:
                    session.merge(_Schema(version=SCHEMA_VERSION))
                    session.commit()
        if version is not None and version != SCHEMA_VERSION:
            raise CatalogError(
                f"the catalog has schema version {version}, this program knows {SCHEMA_VERSION}: use the program "
                "that made it, or another database"
            )


@contextmanager
def _told() -> Iterator[None]:
    """The database's errors as ours."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise CatalogError(f"the catalog of recordings failed: {cause}") from error


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


def _count(result: Any) -> int:
    assert isinstance(result, CursorResult)
    return result.rowcount


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _to_json(value) if name in _JSON_FIELDS else value for name, value in values.items()}


def _to_json(value: Any) -> str:
    return json.dumps(value, default=asdict)


def _recording(row: _Row) -> Recording:
    values = {field.name: getattr(row, field.name) for field in fields(Recording)}
    values["status"] = Status(row.status)
    values["parts"] = tuple(Part(**part) for part in json.loads(row.parts))
    values["gaps"] = tuple(Gap(**gap) for gap in json.loads(row.gaps))
    values["video"] = json.loads(row.video)
    return Recording(**values)
