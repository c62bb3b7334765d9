"""The S3 store against a real Ceph object gateway, and against servers that misbehave."""

import asyncio
import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

import boto3
import pytest
from botocore.exceptions import ClientError

from recorder.catalog import Catalog
from recorder.errors import ObjectMissingError, StoreError, StoreRefusedError
from recorder.model import Companion, Recording, Status
from recorder.s3 import S3Options, S3Store
from recorder.service import RecordingService
from recorder.storage import Upload
from tests.e2e.support.ports import free_port
from tests.media import recorder_probe as probe
from tests.media.recorder_rooms import Rooms

pytestmark = [pytest.mark.e2e, pytest.mark.beside]

SCRIPT = Path(__file__).with_name("ceph.sh")
BUCKET = "recordings"
PART = 5 * 1024 * 1024


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """URL of a gateway with one bucket."""
    if os.geteuid() != 0 or shutil.which("radosgw") is None:
        pytest.skip("needs root and Debian's ceph-mon, ceph-osd, radosgw, ceph-common")
    directory = tempfile.mkdtemp(prefix="ceph-")  # short: it holds Unix sockets
    port = str(free_port())
    try:
        started = subprocess.run(
            [SCRIPT, "start", port, directory], check=False, capture_output=True, text=True, timeout=110
        )
        assert started.returncode == 0, started.stdout + started.stderr + _ends_of_logs(Path(directory, "log"))
        url = f"http://127.0.0.1:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="testkey",
            aws_secret_access_key="testsecret",
        )
        client.create_bucket(Bucket=BUCKET)
        client.close()
        yield url
    finally:
        subprocess.run([SCRIPT, "stop", port, directory], check=True, capture_output=True, timeout=60)
        shutil.rmtree(directory)


def _ends_of_logs(folder: Path) -> str:
    return "".join(f"\n--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in sorted(folder.glob("*")))


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what boto3's own chain finds: a credentials file; good ones to begin with."""
    file = tmp_path / "credentials"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def write(key: str = "testkey", secret: str = "testsecret") -> None:
        file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")

    write()
    return write


@pytest.fixture
def options(endpoint: str, credentials: Callable[..., None]) -> S3Options:
    return S3Options(BUCKET, endpoint_url=endpoint, path_style=True, multipart_bytes=PART, prefix="calls/")


@pytest.fixture
def store(options: S3Options) -> Iterator[S3Store]:
    with contextlib.closing(S3Store(options)) as store:
        yield store


@pytest.fixture
def client(endpoint: str, credentials: Callable[..., None]) -> Iterator[Any]:
    """Somebody else's look at the bucket."""
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    yield client
    client.close()


def some_file(path: Path, size: int = 2 * PART + 1234) -> Upload:
    data = os.urandom(size)
    path.write_bytes(data)
    return Upload(path, "rec_1/standup.mp4", size, hashlib.sha256(data).hexdigest(), "standup.mp4")


def ignore(_sent: int) -> None:
    """Nobody watches the progress."""


# --- the real gateway -------------------------------------------------------------------------------------------------


def test_a_file_goes_up_in_parts_and_comes_down_by_range(store: S3Store, client: Any, tmp_path: Path) -> None:
    upload = some_file(tmp_path / "a.mp4")
    sent: list[int] = []
    store.put(upload, sent.append)
    assert sum(sent) == upload.size
    head = client.head_object(Bucket=BUCKET, Key="calls/rec_1/standup.mp4")
    assert head["ETag"].endswith('-3"')  # three parts
    assert head["ContentType"] == "video/mp4"
    found = store.stat(upload.key)
    assert (found.size, found.sha256) == (upload.size, upload.sha256)
    data = upload.path.read_bytes()
    assert b"".join(store.read(upload.key, 0, upload.size)) == data
    assert b"".join(store.read(upload.key, PART - 10, 20)) == data[PART - 10 : PART + 10]
    assert b"".join(store.read(upload.key, 5, 0)) == b""
    store.delete(upload.key)
    store.delete(upload.key)
    with pytest.raises(ObjectMissingError):
        store.stat(upload.key)
    with pytest.raises(ObjectMissingError):
        store.read(upload.key, 0, 1)


def test_a_presigned_url_downloads_without_credentials_and_cannot_be_bent(store: S3Store, tmp_path: Path) -> None:
    upload = some_file(tmp_path / "a.mp4", 100_000)
    store.put(upload, ignore)
    url = store.url(upload.key, "standup.mp4", 60)
    assert url is not None
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == upload.path.read_bytes()
        assert answer.headers["Content-Disposition"] == 'attachment; filename="standup.mp4"'
        assert answer.headers["Content-Type"] == "video/mp4"
    ranged = urllib.request.Request(url, headers={"Range": "bytes=10-19"})
    with urllib.request.urlopen(ranged) as answer:
        assert answer.status == HTTPStatus.PARTIAL_CONTENT
        assert answer.read() == upload.path.read_bytes()[10:20]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url.replace("standup.mp4?", "other.mp4?"))
    assert refused.value.code == HTTPStatus.FORBIDDEN
    refused.value.close()


@pytest.mark.parametrize("checksums", ["when_required", "when_supported"])
def test_both_checksum_modes(
    options: S3Options, checksums: Literal["when_required", "when_supported"], tmp_path: Path
) -> None:
    with contextlib.closing(S3Store(replace(options, checksums=checksums))) as store:
        for size in (1000, PART + 1000):
            upload = some_file(tmp_path / "a.mp4", size)
            store.put(upload, ignore)
            assert store.stat(upload.key).sha256 == upload.sha256
            assert b"".join(store.read(upload.key, 0, size)) == upload.path.read_bytes()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("testkey", "guessed"), "the secret key is wrong"),
        (("nobody", "testsecret"), "the access key is unknown"),
    ],
)
def test_wrong_credentials_are_said_to_be_wrong(
    options: S3Options, credentials: Callable[..., None], tmp_path: Path, wrong: tuple[str, str], words: str
) -> None:
    credentials(*wrong)
    with contextlib.closing(S3Store(options)) as stranger:
        for size in (1000, PART + 1000):
            with pytest.raises(StoreRefusedError, match=words) as refused:
                stranger.put(some_file(tmp_path / "a.mp4", size), ignore)
            assert BUCKET in str(refused.value)
            assert wrong[1] not in str(refused.value)
        with pytest.raises(StoreRefusedError, match="wrong credentials"):
            stranger.stat("rec_1/standup.mp4")


def test_missing_credentials_are_said_to_be_missing(options: S3Options, tmp_path: Path) -> None:
    (tmp_path / "credentials").unlink()
    with (
        contextlib.closing(S3Store(options)) as store,
        pytest.raises(StoreRefusedError, match="credentials"),
    ):
        store.put(some_file(tmp_path / "a.mp4", 1000), ignore)


def test_a_bucket_that_is_not_there(options: S3Options, tmp_path: Path) -> None:
    with (
        contextlib.closing(S3Store(replace(options, bucket="elsewhere"))) as store,
        pytest.raises(StoreRefusedError, match=r"bucket elsewhere .*does not exist"),
    ):
        store.put(some_file(tmp_path / "a.mp4", 1000), ignore)


def test_a_broken_upload_leaves_no_parts_behind(store: S3Store, client: Any, tmp_path: Path) -> None:
    upload = replace(some_file(tmp_path / "a.mp4"), key="rec_2/broken.mp4")

    def interrupt(_sent: int) -> None:
        raise StoreError("stopped")

    with pytest.raises(StoreError, match="stopped"):
        store.put(upload, interrupt)
    with pytest.raises(ClientError):
        client.head_object(Bucket=BUCKET, Key="calls/" + upload.key)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=BUCKET)


def test_parts_of_a_killed_upload_are_cleared_by_the_next(store: S3Store, client: Any, tmp_path: Path) -> None:
    upload = some_file(tmp_path / "a.mp4")
    client.create_multipart_upload(Bucket=BUCKET, Key="calls/" + upload.key)
    client.create_multipart_upload(Bucket=BUCKET, Key="calls/other.mp4")
    store.put(upload, ignore)
    left = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert [found["Key"] for found in left] == ["calls/other.mp4"]
    client.abort_multipart_upload(Bucket=BUCKET, Key="calls/other.mp4", UploadId=left[0]["UploadId"])


# --- servers that misbehave -------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there(credentials: Callable[..., None], tmp_path: Path) -> None:
    nowhere = S3Options(BUCKET, endpoint_url=f"http://127.0.0.1:{free_port()}", path_style=True)
    with contextlib.closing(S3Store(nowhere)) as store, pytest.raises(StoreError, match="cannot be reached") as failed:
        store.put(some_file(tmp_path / "a.mp4", 1000), ignore)
    assert not isinstance(failed.value, StoreRefusedError)


def test_an_endpoint_that_is_no_url(credentials: Callable[..., None]) -> None:
    with pytest.raises(StoreRefusedError, match="nonsense"):
        S3Store(S3Options(BUCKET, endpoint_url="nonsense"))


class IllServer(BaseHTTPRequestHandler):
    """An S3 server that answers 500 to so many PUTs before it gets well."""

    failures_left = 0
    puts = 0
    held: tuple[int, str] = (0, "")

    def do_PUT(self) -> None:
        kind = type(self)
        size = int(self.headers["Content-Length"])
        self.rfile.read(size)
        kind.puts += 1
        if kind.failures_left:
            kind.failures_left -= 1
            self._answer(500)
        else:
            kind.held = (size, self.headers["x-amz-meta-sha256"])
            self._answer(200, {"ETag": '"x"'})

    def do_HEAD(self) -> None:
        size, sha256 = self.held
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.send_header("x-amz-meta-sha256", sha256)
        self.end_headers()

    def do_GET(self) -> None:
        self._answer(500)

    def _answer(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name upstream
        """Quiet."""


@pytest.fixture
def ill_server() -> Iterator[str]:
    IllServer.failures_left, IllServer.puts = 0, 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), IllServer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


# --- the whole way of a recording -------------------------------------------------------------------------------------


class Recorder:
    """A recording service over a store."""

    def __init__(self, directory: Path, store: S3Store) -> None:
        self.told: list[Recording] = []
        self.slept: list[float] = []
        self.service = RecordingService(
            Catalog(f"sqlite:///{directory / 'catalog.db'}"),
            Rooms(),
            store,
            directory / "work",
            on_changed=self.told.append,
            sleep=self._sleep,
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(60 if seconds >= 10 else 0)

    async def record(self) -> str:
        recording = await self.service.start("standup")
        await self.service.stop(recording.id)
        return recording.id

    async def end_of(self, recording_id: str) -> Recording:
        async with asyncio.timeout(60):
            while (now := await self.service.get(recording_id)).status == Status.ENDING:  # noqa: ASYNC110  # as clients do
                await asyncio.sleep(0.05)
        return now


@contextlib.asynccontextmanager
async def recorder(directory: Path, options: S3Options) -> AsyncIterator[Recorder]:
    with contextlib.closing(S3Store(options)) as store:
        made = Recorder(directory, store)
        await made.service.recover({})
        try:
            yield made
        finally:
            await made.service.close()


async def test_a_recording_ends_in_the_bucket(options: S3Options, client: Any, tmp_path: Path) -> None:
    async with recorder(tmp_path, options) as world:
        done = await world.end_of(await world.record())
        assert (done.status, done.error) == (Status.COMPLETE, None)
        assert done.location is not None
        head = client.head_object(Bucket=BUCKET, Key="calls/" + done.location)
        assert (head["ContentLength"], head["Metadata"]["sha256"]) == (done.size, done.sha256)
        assert not (tmp_path / "work" / done.id).exists()
        beside = {companion.beside("calls/" + done.location): companion.media_type for companion in Companion}
        for key, media_type in beside.items():
            assert client.head_object(Bucket=BUCKET, Key=key)["ContentType"] == media_type
        size = await asyncio.to_thread(world.service.companion_size, done, Companion.CAPTIONS)
        assert b"".join(world.service.read_companion(done, Companion.CAPTIONS, 0, size)) == b"WEBVTT\n"
        url = await world.service.url(done, 60)
        assert url is not None
        await asyncio.to_thread(urllib.request.urlretrieve, url, tmp_path / "download.mp4")
        probe.decode(tmp_path / "download.mp4")
        await world.service.delete(done.id)
        for key in ("calls/" + done.location, *beside):
            with pytest.raises(ClientError):
                client.head_object(Bucket=BUCKET, Key=key)


async def test_wrong_credentials_keep_the_file_until_a_retry_with_the_right_ones(
    options: S3Options, credentials: Callable[..., None], tmp_path: Path
) -> None:
    credentials(secret="guessed")
    async with recorder(tmp_path, options) as world:
        failed = await world.end_of(await world.record())
        assert failed.status == Status.FAILED
        assert failed.error is not None
        assert failed.error.startswith("the destination failed: bucket recordings")
        assert "wrong credentials" in failed.error
        (kept,) = (tmp_path / "work" / failed.id).glob("*.mp4")
        probe.decode(kept)
        credentials()
        await world.service.retry(failed.id)
        done = await world.end_of(failed.id)
        assert (done.status, done.error) == (Status.COMPLETE, None)
        assert not kept.exists()


async def test_a_server_that_answers_500_is_tried_again_with_growing_pauses(
    ill_server: str, credentials: Callable[..., None], tmp_path: Path
) -> None:
    IllServer.failures_left = 5  # boto3 itself tries twice each time
    async with recorder(tmp_path, S3Options(BUCKET, endpoint_url=ill_server, path_style=True)) as world:
        done = await world.end_of(await world.record())
    assert (done.status, done.error) == (Status.COMPLETE, None)
    assert IllServer.puts == 5 + 3  # the MP4, its timeline and its captions
    assert [pause for pause in world.slept if pause < 10] == [1, 2]
    assert any("answered 500" in (told.error or "") for told in world.told)
