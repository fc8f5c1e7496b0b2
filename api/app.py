"""Makes the front door: every endpoint routed, every answer headed, every error a problem."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, g, request

from api import autoscale, docs_page, health, problems
from api.answering import view_of
from api.endpoint import declared
from api.forms import FormRequest
from api.limits import Limits
from api.metrics import Metrics
from api.reading import REQUEST_ID
from api.services import Services
from api.waiting import Bell, Streams
from infra.database import Database
from infra.files import Files

if TYPE_CHECKING:
    from infra.settings import Settings

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
POOL_MAX: Final = 16
BRACES: Final = str.maketrans("<>", "{}")


def create_app(settings: Settings) -> Flask:
    """Return the WSGI application; opens no connection and starts no thread before the first request needs one."""
    app = Flask("floor", static_folder=None)
    app.request_class = FormRequest
    services = services_of(settings)
    app.extensions["floor"] = services
    app.config["MAX_CONTENT_LENGTH"] = None  # each endpoint says its own
    for endpoint in declared():
        route = endpoint.path.replace("{", "<").replace("}", ">")
        view = view_of(endpoint, services)
        app.add_url_rule(route, endpoint.name, view, methods=[endpoint.method], provide_automatic_options=False)
    health.install(app, services)
    autoscale.install(app, services)
    docs_page.install(app)
    problems.install(app)
    app.before_request(_before)
    app.after_request(_after)
    return app


def services_of(settings: Settings) -> Services:
    """Return what the endpoints of one process may reach."""
    database = Database(settings.database_url, max_size=min(POOL_MAX, settings.api_threads))
    return Services(
        settings=settings,
        database=database,
        files=Files(settings),
        bell=Bell(settings),
        streams=Streams(settings),
        limits=Limits(settings, database),
        metrics=Metrics(settings),
    )


def _before() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else f"req_{uuid.uuid4().hex}"
    g.started = time.perf_counter()


def _after(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    for name, value in g.get("rate_headers", {}).items():
        response.headers[name] = value
    if request.path.startswith("/v1/"):
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.add("Vary", "Authorization, Accept")
    services: Services = request_services()
    route = request.url_rule.rule.translate(BRACES) if request.url_rule else "unknown"
    method = request.method if request.method in {"GET", "HEAD", "POST", "PATCH", "DELETE"} else "other"
    services.metrics.count(method, route, response.status_code, time.perf_counter() - g.started)
    return response


def request_services() -> Services:
    """Return the services of the application that answers the current request."""
    from flask import current_app  # noqa: PLC0415 - named here so that no other module reaches for it

    found: Services = current_app.extensions["floor"]
    return found
