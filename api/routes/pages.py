"""The web client, and the pages that describe the API. Everything is served from here, nothing from elsewhere."""

from pathlib import Path

import fastapi_offline
from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

WEB = Path(__file__).parents[1] / "web"
_SWAGGER = Path(fastapi_offline.__file__).parent / "static"
_REVALIDATE = {"Cache-Control": "no-cache"}  # cached, but asked for every time, so that an update shows at once

router = APIRouter(include_in_schema=False)


class _Static(StaticFiles):
    """Files that browsers ask for again before they use them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_REVALIDATE)
        return response


@router.api_route("/", methods=["GET", "HEAD"])
@router.api_route("/r/{room}", methods=["GET", "HEAD"])
async def page() -> FileResponse:
    """The one page; it reads the room from its address."""
    return FileResponse(WEB / "index.html", headers=_REVALIDATE)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The API, to read and to try out."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Tutti: HTTP API",
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/docs/assets/favicon.png",
        swagger_ui_parameters={"validatorUrl": None},
    )


def mount(app: FastAPI) -> None:
    """Add the pages and their files to ``app``."""
    app.include_router(router)
    app.mount("/docs/assets", StaticFiles(directory=_SWAGGER))
    app.mount("/static", _Static(directory=WEB, check_dir=False))
