"""Errors of recordings and of the stores they are kept in.

TuttiError
└── RecordingError
    ├── RecordingNotFoundError, RecordingConflictError, RecordingNotActiveError,
    │   RecordingActiveError, RecordingNotCompleteError    what was asked does not fit the recording's state
    ├── PartStartError, NothingRecordedError, UnjoinableError, CheckFailedError,
        │   FinishInterruptedError    a file could not be made
    ├── DiskFullError, DiskFailedError    the working disk
    └── StoreError    the destination failed, not we
        ├── StoreRefusedError    … and will again: credentials, bucket, permission
        └── ObjectMissingError
"""

import errno

from mcu.errors import TuttiError


class RecordingError(TuttiError):
    """Base of all errors of this package."""

    code = "recording_failed"


class RecordingNotFoundError(RecordingError):
    """No recording of that id."""

    code = "recording_not_found"


class RecordingConflictError(RecordingError):
    """The room is being recorded already."""

    code = "recording_conflict"


class RecordingNotActiveError(RecordingError):
    """The recording is not running, or not in the state that the call needs."""

    code = "recording_not_active"


class RecordingActiveError(RecordingError):
    """The recording still runs or is being finished, and cannot be deleted."""

    code = "recording_active"


class RecordingNotCompleteError(RecordingError):
    """There is no finished file yet."""

    code = "recording_not_complete"


class PartStartError(RecordingError):
    """The room delivered no picture to begin with."""

    code = "recording_not_started"


class NothingRecordedError(RecordingError):
    """No segment holds a single decodable picture."""

    code = "nothing_recorded"


class UnjoinableError(RecordingError):
    """Segments that cannot be one file, because the picture's size changed between them."""

    code = "recording_unjoinable"


class CheckFailedError(RecordingError):
    """The joined file is not what it should be."""

    code = "recording_check_failed"


class FinishInterruptedError(RecordingError):
    """The service shuts down; finishing goes on at its next start."""

    code = "interrupted"


class FolderTakenError(RecordingError):
    """Another service works in the same folder."""

    code = "recordings_folder_taken"


class CatalogError(RecordingError):
    """The database of recordings cannot be used."""

    code = "catalog_failed"


class DiskFullError(RecordingError):
    """No room left where segments are written or joined."""

    code = "disk_full"


class DiskFailedError(RecordingError):
    """The working disk cannot be read or written, for another reason than being full."""

    code = "disk_failed"


class StoreError(RecordingError):
    """The destination failed; trying again may help."""

    code = "store_failed"


class StoreRefusedError(StoreError):
    """The destination refuses us, and will until somebody changes a setting (credentials, bucket, permission)."""

    code = "store_refused"


class ObjectMissingError(StoreError):
    """The object is not in the store."""

    code = "object_missing"


def disk_error(error: OSError, doing: str) -> RecordingError:
    """What an ``OSError`` of the working disk means."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(f"{doing}: the disk is full")
    return DiskFailedError(f"{doing}: {error.strerror or error}")
