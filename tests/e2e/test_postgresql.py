"""The catalog of recordings in PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests.e2e.support.postgres import Postgres
from tests.e2e.support.server import Server
from tests.e2e.support.synthetic import Synthetic

pytestmark = [pytest.mark.e2e, pytest.mark.beside]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    database = Postgres()
    yield database
    database.close()


def test_recordings_are_catalogued_and_found_again(postgres: Postgres) -> None:
    server = Server(database_url=postgres.url).start()
    flasher = Synthetic(server.url)
    try:
        flasher.join("studio", "Flash")
        flasher.see(15)
        recording = server.record("studio")
        flasher.see(30)
        finished = server.finish(recording)
        server.stop()
        server.start()
        assert server.get("/v1/recordings?room=studio")["recordings"] == [finished]
        assert not list(server.data_dir.glob("*.sqlite*"))
    finally:
        flasher.close()
        server.close()
