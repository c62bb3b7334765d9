"""Layouts: built-in and stored ones, and what they look like."""

import re
from typing import Annotated, Any
from urllib.parse import quote

import pydantic_core
from fastapi import APIRouter, Header, Path, Query, Request, Response

from api.deps import ServicesDep, media_type_of
from api.errors import MediaTypeError, RequestError
from api.library import Known, Stored
from api.previews import Wanted
from api.routes.answers import errors
from api.schemas import Form, LayoutDetail, LayoutInfo, LayoutList
from api.wishes import MAX_LAYOUT_NAME
from layouts.errors import LayoutError
from layouts.geometry import Size
from layouts.select import names as built_in_names

router = APIRouter(prefix="/v1/layouts", tags=["layouts"])

MOST_DRAWN = 100
_XML = ("application/xml", "text/xml")
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": '`{"slots": […]}`, or the `video_layout` of a Twilio composition',
                    "example": {"slots": [{"x": 0, "y": 0, "width": "75%", "height": "75%", "source": "speaker"}]},
                }
            },
            "application/xml": {
                "schema": {"type": "string", "description": "FreeSWITCH's `conference_layouts.conf.xml`"}
            },
        },
    }
}

LayoutName = Annotated[
    str, Path(min_length=1, max_length=MAX_LAYOUT_NAME, description="the layout's name, percent-encoded")
]


@router.get("")
async def list_layouts(services: ServicesDep) -> LayoutList:
    """Every layout that a room may use: the built-in ones first."""
    return LayoutList(layouts=[_info(known) for known in await services.library.known()])


@router.get("/{name}", responses=errors("layout_not_found"))
async def get_layout(name: LayoutName, services: ServicesDep) -> LayoutDetail:
    """A built-in layout, or what was stored under a name."""
    if name in built_in_names():
        return LayoutDetail(name=name, form=Form.BUILT_IN, layouts=[name])
    return _detail(await services.library.get(name))


@router.put(
    "/{name}",
    openapi_extra=_BODY,
    responses={
        201: {"model": LayoutDetail, "description": "Stored under a new name"},
        **errors(
            "invalid_layout",
            "invalid_name",
            "layout_built_in",
            "too_many_layouts",
            "unsupported_media_type",
            "payload_too_large",
            "disk_full",
        ),
    },
)
async def put_layout(name: LayoutName, request: Request, response: Response, services: ServicesDep) -> LayoutDetail:
    """Store a layout of your own, Twilio's, or a FreeSWITCH file, whose layouts are then called `{name}:{layout}`."""
    document = _document(await request.body(), media_type_of(request))
    stored, is_new = await services.library.put(name, document)
    if is_new:
        response.status_code = 201
        response.headers["Location"] = _url(stored.name)
    return _detail(stored)


@router.delete("/{name}", status_code=204, responses=errors("layout_not_found", "layout_built_in"))
async def delete_layout(name: LayoutName, services: ServicesDep) -> None:
    """Forget a stored layout. Rooms that use it go on with what it was."""
    await services.library.delete(name)


@router.get(
    "/{name}/preview.png",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}}},
        304: {"description": "The drawing is the one that `If-None-Match` names"},
        **errors("layout_not_found", "invalid_layout", "invalid_request", "busy"),
    },
)
async def preview(  # noqa: PLR0913, PLR0917 - what the query may say, each under its own name
    name: LayoutName,
    services: ServicesDep,
    participants: Annotated[int, Query(ge=0, le=MOST_DRAWN, description="people, numbered in order of joining")] = 4,
    canvas: Annotated[str, Query(description="width x height, even", examples=["320x180"])] = "1280x720",
    screen: Annotated[bool, Query(description="the first of them shares a screen, too")] = False,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The layout drawn with so many people."""
    wanted = Wanted(name, await services.library.custom(name), participants, _size(canvas), screen)
    headers = {"ETag": f'"{wanted.key}"', "Cache-Control": "no-cache"}
    if if_none_match and wanted.key in re.findall(r'"([^"]*)"', if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(await services.previews.png(wanted), media_type="image/png", headers=headers)


def _document(body: bytes, media_type: str) -> dict[str, Any]:
    if media_type in _XML:
        try:
            return {"freeswitch": body.decode()}
        except UnicodeDecodeError:
            raise LayoutError("xml: is not UTF-8") from None
    if media_type != "application/json":
        raise MediaTypeError("this call takes application/json or application/xml")
    try:
        document = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise RequestError(f"body: no JSON: {error}") from None
    if not isinstance(document, dict):
        raise LayoutError("layout: has to be an object")
    if isinstance(document.get("freeswitch"), str):
        raise LayoutError("freeswitch: send the file itself, as application/xml")
    return document


def _size(text: str) -> Size:
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text, re.ASCII)
    if found is None:
        raise RequestError("canvas: has to be like 1280x720")
    return Size(int(found[1]), int(found[2]))


def _url(name: str) -> str:
    return f"/v1/layouts/{quote(name, safe='')}"


def _info(known: Known) -> LayoutInfo:
    return LayoutInfo(
        name=known.name, form=known.form, stored_as=known.stored_as, preview=f"{_url(known.name)}/preview.png"
    )


def _detail(stored: Stored) -> LayoutDetail:
    is_xml = stored.form is Form.FREESWITCH
    return LayoutDetail(
        name=stored.name,
        form=stored.form,
        layouts=[known.name for known in stored.layouts()],
        custom=None if is_xml else stored.document,
        xml=stored.document["freeswitch"] if is_xml else None,
    )
