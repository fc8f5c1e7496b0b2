"""Problems (RFC 9457): every refusal and failure leaves the door in one form, and each has a help page."""

from __future__ import annotations

import html
import json
import logging
from typing import TYPE_CHECKING, Any, Final

from flask import Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from tasks.errors import (
    RESERVED_PROBLEMS,
    FloorError,
    Internal,
    Malformed,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    RequestInFlight,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    problem_types,
)

if TYPE_CHECKING:
    from flask import Flask

MEDIA_TYPE: Final = "application/problem+json"
_OF_STATUS: Final[dict[int, type[FloorError]]] = {
    404: NotFound,
    405: MethodNotAllowed,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    429: RateLimited,
}
_RETRY_AFTER: Final[dict[type[FloorError], str]] = {Unavailable: "2", RequestInFlight: "1", RateLimited: "1"}
_BAD_REQUESTS: Final = 500

log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Answer every error of an application as a problem."""
    app.register_error_handler(FloorError, of_floor)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, of_anything)


def of_floor(error: FloorError) -> Response:
    """Answer with a FloorError as it describes itself."""
    if error.status >= _BAD_REQUESTS:
        log.warning("%s: %s", error.slug, error.detail, extra={"request_id": g.get("request_id")})
    response = _response(error.as_problem())
    for cls, seconds in _RETRY_AFTER.items():
        if isinstance(error, cls):
            response.headers["Retry-After"] = str(error.extra.get("retry_after_s", seconds))
    if isinstance(error, Unauthenticated):
        invalid = ' error="invalid_token"' if request.headers.get("Authorization") else ""
        response.headers["WWW-Authenticate"] = f"Bearer{invalid}"
    return response


def of_http(error: HTTPException) -> Response:
    """Answer with the problem that stands for an error of the web framework, keeping its Allow header."""
    status = error.code or 500
    cls = _OF_STATUS.get(status) or (Malformed if status < _BAD_REQUESTS else Internal)
    response = _response(cls().as_problem())
    if status == MethodNotAllowed.status:
        response.headers["Allow"] = ", ".join(sorted(_methods(request.path)))
    return response


def _methods(path: str) -> set[str]:
    """Return the methods that a path takes; one written out (/v1/jobs/batch) is not a job of that name as well."""
    rules = [rule for rule in current_app.url_map.iter_rules() if rule.rule == path]
    if rules:
        return {method for rule in rules for method in rule.methods or ()}
    return set(current_app.create_url_adapter(request).allowed_methods())  # type: ignore[union-attr]  # in a request


def of_anything(error: Exception) -> Response:
    """Answer 500 and nothing more; the trace goes to the log under the request's id."""
    log.error("request failed", exc_info=error, extra={"request_id": g.get("request_id")})
    return _response(Internal().as_problem())


def help_page(slug: str) -> Response:
    """Return the help page of one problem; raises NotFound."""
    found = catalogue().get(slug)
    if found is None:
        raise NotFound
    title, status, text = found
    return _page(f"{title} ({status})", f"<p>{_marked(text)}</p><p><a href='/problems'>All problems</a></p>")


def _marked(text: str) -> str:
    """Return a docstring as HTML: what stands between backticks is code."""
    parts = html.escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def index_page() -> Response:
    """Return the list of all problems."""
    rows = "".join(
        f"<li><a href='/problems/{slug}'><code>{slug}</code></a> {status} {html.escape(title)}</li>"
        for slug, (title, status, _) in sorted(catalogue().items())
    )
    return _page("Problems", f"<ul>{rows}</ul>")


def catalogue() -> dict[str, tuple[str, int, str]]:
    """Return every problem's slug with its title, status and explanation."""
    known = {
        slug: (cls.title, cls.status, (cls.__doc__ or "").strip().splitlines()[0])
        for slug, cls in problem_types().items()
    }
    reserved = {
        slug: (title, status, "Part of the contract for trading, which this version does not offer.")
        for slug, (title, status) in RESERVED_PROBLEMS.items()
    }
    return reserved | known


def _response(problem: dict[str, Any]) -> Response:
    whole = problem | {"instance": request.path, "request_id": g.get("request_id")}
    whole.pop("retry_after_s", None)
    text = json.dumps(whole, ensure_ascii=False)
    return Response(text.encode("utf-8", "replace"), problem["status"], content_type=MEDIA_TYPE)


def _page(title: str, inner: str) -> Response:
    page = f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{html.escape(title)}</title>"
    return Response(f"{page}<h1>{html.escape(title)}</h1>{inner}</html>", content_type="text/html; charset=utf-8")
