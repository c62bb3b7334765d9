"""Errors as HTTP clients see them: ``{"error": {"code", "message"}}``, and one table from code to status."""

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from mcu.errors import TuttiError

logger = logging.getLogger(__name__)


class RequestError(TuttiError):
    """A request that is wrong in itself, whatever the state of the service."""

    code = "invalid_request"


class BadRequestError(RequestError):
    """A request that cannot be read: a path or a query that is not UTF-8."""

    code = "bad_request"


class InvalidNameError(RequestError):
    """A room's or a participant's name that is too long, empty, or holds what a name may not hold."""

    code = "invalid_name"


class MediaTypeError(RequestError):
    """A body of a type that this call does not take."""

    code = "unsupported_media_type"


class RangeError(RequestError):
    """A byte range that lies outside of the file."""

    code = "range_not_satisfiable"


class RoomNotFoundError(TuttiError):
    """No room of that name."""

    code = "room_not_found"


class RoomExistsError(TuttiError):
    """A room of that name is running already."""

    code = "room_exists"


class LayoutNotFoundError(TuttiError):
    """No layout of that name, neither built in nor stored."""

    code = "layout_not_found"


class BuiltInLayoutError(TuttiError):
    """A built-in layout can be neither replaced nor deleted."""

    code = "layout_built_in"


class TooManyLayoutsError(TuttiError):
    """As many layouts are stored as may be."""

    code = "too_many_layouts"


class BusyError(TuttiError):
    """More work waits than will be done in time; try again."""

    code = "busy"


class RemoteError(TuttiError):
    """What a room process answered instead of doing what it was asked; ``code`` is the room's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # the one error whose code is known only when it is raised


STATUS: Mapping[str, HTTPStatus] = {
    # the request
    "bad_request": HTTPStatus.BAD_REQUEST,
    "invalid_request": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_name": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_layout": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_style": HTTPStatus.UNPROCESSABLE_ENTITY,
    "bad_offer": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unreadable_media": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unusable_argument": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unsupported_media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "payload_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "range_not_satisfiable": HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
    # what is not there
    "not_found": HTTPStatus.NOT_FOUND,
    "room_not_found": HTTPStatus.NOT_FOUND,
    "unknown_participant": HTTPStatus.NOT_FOUND,
    "recording_not_found": HTTPStatus.NOT_FOUND,
    "layout_not_found": HTTPStatus.NOT_FOUND,
    "object_missing": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    # what does not fit the state of things
    "room_exists": HTTPStatus.CONFLICT,
    "room_full": HTTPStatus.CONFLICT,
    "layout_built_in": HTTPStatus.CONFLICT,
    "too_many_layouts": HTTPStatus.CONFLICT,
    "already_open": HTTPStatus.CONFLICT,
    "recording_conflict": HTTPStatus.CONFLICT,
    "recording_not_active": HTTPStatus.CONFLICT,
    "recording_active": HTTPStatus.CONFLICT,
    "recording_not_complete": HTTPStatus.CONFLICT,
    # the service cannot do it now; trying again may help
    "no_capacity_room": HTTPStatus.SERVICE_UNAVAILABLE,
    "no_capacity_participant": HTTPStatus.SERVICE_UNAVAILABLE,
    "no_capacity_recording": HTTPStatus.SERVICE_UNAVAILABLE,
    "room_gone": HTTPStatus.SERVICE_UNAVAILABLE,
    "room_start_failed": HTTPStatus.SERVICE_UNAVAILABLE,
    "room_ending": HTTPStatus.SERVICE_UNAVAILABLE,
    "events_lost": HTTPStatus.SERVICE_UNAVAILABLE,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "not_open": HTTPStatus.SERVICE_UNAVAILABLE,
    "recording_not_started": HTTPStatus.SERVICE_UNAVAILABLE,
    "interrupted": HTTPStatus.SERVICE_UNAVAILABLE,
    "room_timeout": HTTPStatus.GATEWAY_TIMEOUT,
    "store_failed": HTTPStatus.BAD_GATEWAY,
    "store_refused": HTTPStatus.BAD_GATEWAY,
    "disk_full": HTTPStatus.INSUFFICIENT_STORAGE,
    # our fault
    "internal": HTTPStatus.INTERNAL_SERVER_ERROR,
    "codec_failure": HTTPStatus.INTERNAL_SERVER_ERROR,
    "wire_error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "no_connection": HTTPStatus.INTERNAL_SERVER_ERROR,
    "data_directory": HTTPStatus.INTERNAL_SERVER_ERROR,
    "catalog_failed": HTTPStatus.INTERNAL_SERVER_ERROR,
    "recordings_folder_taken": HTTPStatus.INTERNAL_SERVER_ERROR,
    "disk_failed": HTTPStatus.INTERNAL_SERVER_ERROR,
    "recording_failed": HTTPStatus.INTERNAL_SERVER_ERROR,
    "nothing_recorded": HTTPStatus.INTERNAL_SERVER_ERROR,
    "recording_unjoinable": HTTPStatus.INTERNAL_SERVER_ERROR,
    "recording_check_failed": HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""Every code there is, with its status. Stable: clients decide by them."""

_CODE_OF_STATUS = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "payload_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid_request",
}
"""How failures that the framework finds by itself are called."""

MAX_MESSAGE = 4000  # characters
RETRY_AFTER_S = 2  # what 503 answers advise
NO_CAPACITY_RETRY_AFTER_S = 15  # and when somebody has to leave first


def error_response(code: str, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The one shape of an error. Messages quote what came in, so they are cut, and what is no Unicode is replaced."""
    message = message[:MAX_MESSAGE].encode(errors="replace").decode()
    status = STATUS.get(code, HTTPStatus.INTERNAL_SERVER_ERROR)
    retry_after_s = NO_CAPACITY_RETRY_AFTER_S if code.startswith("no_capacity") else RETRY_AFTER_S
    extra = {"Retry-After": str(retry_after_s)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return JSONResponse({"error": {"code": code, "message": message}}, status, {**extra, **(headers or {})})


def install(app: FastAPI) -> None:
    """Let ``app`` answer every failure in that shape."""

    @app.exception_handler(TuttiError)
    async def known(request: Request, error: TuttiError) -> Response:
        if STATUS.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR) == HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return error_response(error.code, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        return error_response("invalid_request", "; ".join(map(_fault, error.errors())))

    @app.exception_handler(HTTPException)
    async def framework(_request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        code = _CODE_OF_STATUS.get(status, "internal" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "bad_request")
        response = error_response(code, str(error.detail), error.headers)
        response.status_code = status
        return response

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, _error: Exception) -> Response:  # the server logs it
        return error_response("internal", "an unexpected error; the server's log says more")


def _fault(error: Mapping[str, object]) -> str:
    where = error["loc"]
    assert isinstance(where, tuple)
    path = ".".join(str(step) for step in where[1:]) or str(where[0])
    return f"{path}: {error['msg']}"
