"""The document, a page that renders it (Swagger UI, served from here), and the help pages of the problems."""

from __future__ import annotations

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import Response, send_file

from api import problems
from api.openapi import document
from tasks.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

ASSETS: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
    "init.js": "text/javascript",
}
DOCS_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Floor: HTTP API</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/init.js"></script>
</body>
</html>
"""


def install(app: Flask) -> None:
    """Add the public pages."""

    def openapi() -> Response:
        return Response(_document(), content_type="application/json", headers={"Cache-Control": "no-cache"})

    def docs() -> Response:
        return Response(PAGE, content_type="text/html", headers={"Content-Security-Policy": DOCS_POLICY})

    def docs_asset(name: str) -> Response:
        return asset(name)

    def problem_index() -> Response:
        return problems.index_page()

    def problem(slug: str) -> Response:
        return problems.help_page(slug)

    def root() -> Response:
        return Response(status=302, headers={"Location": "/docs"})

    routes: dict[str, Callable[..., Response]] = {
        "/": root,
        "/openapi.json": openapi,
        "/docs": docs,
        "/docs/<name>": docs_asset,
        "/problems": problem_index,
        "/problems/<slug>": problem,
    }
    for route, view in routes.items():
        app.add_url_rule(route, view.__name__, view, methods=["GET"], provide_automatic_options=False)


def asset(name: str) -> Response:
    """Return one of the page's files; raises NotFound for any other name."""
    if name not in ASSETS:
        raise NotFound
    folder = Path(__file__).parent if name == "init.js" else _dist()
    path = folder / ("docs_init.js" if name == "init.js" else name)
    response = send_file(path, mimetype=ASSETS[name], max_age=3600)
    response.headers["Content-Security-Policy"] = DOCS_POLICY
    return response


@lru_cache(maxsize=1)
def _document() -> str:
    return json.dumps(document(), ensure_ascii=False)


@lru_cache(maxsize=1)
def _dist() -> Path:
    """Find the files of the installed Swagger UI without importing its package."""
    found = importlib.util.find_spec("flask_swagger_ui")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "dist"
