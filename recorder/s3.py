"""An S3 bucket as a store, by boto3; credentials come from boto3's own chain."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from recorder.errors import ObjectMissingError, StoreError, StoreRefusedError
from recorder.storage import CHUNK_BYTES, StoredObject, Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MULTIPART_BYTES = 16 * 1024 * 1024
_REFUSALS = {
    "AccessDenied": "access is denied",
    "AccountProblem": "the account has a problem",
    "AllAccessDisabled": "access is disabled",
    "AuthorizationHeaderMalformed": "the request is signed for another region",
    "ExpiredToken": "the credentials have expired",
    "InvalidAccessKeyId": "the access key is unknown: wrong credentials",
    "InvalidBucketName": "this is no name of a bucket",
    "InvalidToken": "the session token is wrong",
    "MissingContentLength": "the server wants a content length: set the checksum mode to when_required",
    "NoSuchBucket": "the bucket does not exist",
    "PermanentRedirect": "the bucket is in another region",
    "QuotaExceeded": "the quota is used up",
    "SignatureDoesNotMatch": "the secret key is wrong: wrong credentials",
    "403": "access is denied: wrong credentials or no permission",
}
"""Error codes of S3 that will not go away by trying again."""
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})


@dataclass(frozen=True, slots=True)
class S3Options:
    """Which bucket, and how it is spoken to.

    ``prefix`` is put before every key. ``checksums`` is boto3's ``request_checksum_calculation`` and
    ``response_checksum_validation``: ``when_supported`` adds checksums that several S3 servers refuse.
    """

    bucket: str
    endpoint_url: str | None = None
    region: str | None = None
    prefix: str = ""
    path_style: bool = False
    checksums: Literal["when_required", "when_supported"] = "when_required"
    connect_timeout_s: float = 10
    read_timeout_s: float = 60
    multipart_bytes: int = MULTIPART_BYTES


class S3Store:
    """A bucket. Objects carry their SHA-256 as metadata.

    Args:
        options: see there.

    Raises:
        StoreRefusedError: the options make no sense to boto3.
    """

    def __init__(self, options: S3Options) -> None:
        self._options = options
        self._made: S3Client | None = None
        with self._told():
            self._made = _client(options)
        self._transfer = TransferConfig(
            multipart_threshold=options.multipart_bytes, multipart_chunksize=options.multipart_bytes, max_concurrency=4
        )

    def put(self, upload: Upload, progress: Callable[[int], None]) -> None:
        """Upload in parts, several at a time; a broken upload leaves no parts behind."""
        key = self._key(upload.key)
        self._abort_leftovers(key)
        extra = {
            "ContentType": upload.content_type,
            "ContentDisposition": f'attachment; filename="{upload.file_name}"',
            "Metadata": {"sha256": upload.sha256},
        }
        with self._told(), upload.path.open("rb") as file:
            self._client.upload_fileobj(
                file, self._options.bucket, key, ExtraArgs=extra, Callback=progress, Config=self._transfer
            )

    def stat(self, key: str) -> StoredObject:
        """HEAD."""
        with self._told():
            head = self._client.head_object(Bucket=self._options.bucket, Key=self._key(key))
        return StoredObject(head["ContentLength"], head["Metadata"].get("sha256"))

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """GET with a range."""
        if length <= 0:
            return iter(())
        with self._told():
            answer = self._client.get_object(
                Bucket=self._options.bucket, Key=self._key(key), Range=f"bytes={start}-{start + length - 1}"
            )

        def chunks() -> Iterator[bytes]:
            with self._told(), contextlib.closing(answer["Body"]) as body:
                yield from body.iter_chunks(CHUNK_BYTES)

        return chunks()

    def url(self, key: str, file_name: str, ttl_s: int) -> str | None:
        """A presigned GET."""
        with self._told():
            return self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._options.bucket,
                    "Key": self._key(key),
                    "ResponseContentDisposition": f'attachment; filename="{file_name}"',
                    "ResponseContentType": "video/mp4",
                },
                ExpiresIn=ttl_s,
            )

    def delete(self, key: str) -> None:
        """DELETE; S3 does not mind objects that are not there."""
        with self._told():
            self._client.delete_object(Bucket=self._options.bucket, Key=self._key(key))

    def close(self) -> None:
        """Close the connections."""
        if self._made is not None:
            self._made.close()

    @property
    def _client(self) -> "S3Client":
        """Made anew after a refusal, so that credentials that were put right meanwhile are found."""
        client = self._made
        if client is None:
            client = self._made = _client(self._options)
        return client

    def _key(self, key: str) -> str:
        return self._options.prefix + key

    def _abort_leftovers(self, key: str) -> None:
        """Parts that a killed process had uploaded cost money for ever; who may not list them, leaves them."""
        bucket = self._options.bucket
        with contextlib.suppress(StoreError), self._told():
            listing = self._client.list_multipart_uploads(Bucket=bucket, Prefix=key)
            for found in listing.get("Uploads", []):
                if found["Key"] == key:
                    self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=found["UploadId"])

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """boto3's errors as ours, in words that name the destination."""
        place = f"bucket {self._options.bucket}" + (
            f" at {self._options.endpoint_url}" if self._options.endpoint_url else ""
        )
        try:
            yield
        except StoreError:  # from a step inside this one
            raise
        except (ClientError, BotoCoreError, Boto3Error, OSError, ValueError) as error:
            told = _as_store_error(error, place)
            if isinstance(told, StoreRefusedError):
                self._made = None
            raise told from error


def _as_store_error(error: Exception, place: str) -> StoreError:
    match error:
        case ClientError():
            return _from_answer(error, place)
        case NoCredentialsError() | PartialCredentialsError() | CredentialRetrievalError() | ParamValidationError():
            return StoreRefusedError(f"{place}: {error}")
        case ValueError():  # an endpoint that is no URL
            return StoreRefusedError(f"{place}: {error}")
        case BotoCoreError() | Boto3Error():
            return StoreError(f"{place} cannot be reached: {error}")
        case _:
            return StoreError(f"{place}: {error}")


def _from_answer(error: ClientError, place: str) -> StoreError:
    answer = error.response.get("Error", {})
    code, status = answer.get("Code", ""), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _MISSING:
        return ObjectMissingError(f"{place}: the object is not there")
    if code in _REFUSALS:
        return StoreRefusedError(f"{place}: {_REFUSALS[code]} ({code})")
    return StoreError(f"{place} answered {status} {code} {answer.get('Message') or ''}".rstrip())


def _client(options: S3Options) -> "S3Client":
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if options.path_style else "auto"},
        request_checksum_calculation=options.checksums,
        response_checksum_validation=options.checksums,
        connect_timeout=options.connect_timeout_s,
        read_timeout=options.read_timeout_s,
        retries={"mode": "standard", "total_max_attempts": 2},  # patience is the uploader's
        user_agent_extra="tutti",
    )
    session = boto3.session.Session()
    region = options.region or session.region_name or "us-east-1"
    return session.client("s3", region_name=region, endpoint_url=options.endpoint_url, config=config)
