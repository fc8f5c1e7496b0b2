"""Reads what came in (query, JSON body) against an endpoint's declaration, before anything else happens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from api import strict_json
from api.endpoint import Nothing
from infra.ids import is_id
from tasks.errors import Invalid, Malformed, NotFound, PayloadTooLarge, UnsupportedMediaType, Violation
from tasks.params import check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.endpoint import Endpoint

# A path's parts that are ids: what can't be one is not there, just like what belongs to somebody else.
PATH_IDS: Final = {
    "job_id": "job",
    "upload_id": "upl",
    "dataset_id": "ds",
    "pipeline_id": "pipe",
    "key_id": "key",
    "member_id": "usr",
    "webhook_id": "whk",
    "delivery_id": "del",
    "schedule_id": "sch",
}
TAG_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,50}")
TAG_TEXT_MAX: Final = 200
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}", re.ASCII)


def check_path(path: Mapping[str, str]) -> None:
    """Raise NotFound for an id that can't exist; it never reaches the database."""
    for name, text in path.items():
        prefix = PATH_IDS.get(name)
        if (prefix and not is_id(text, prefix)) or not text.isprintable():
            raise NotFound


def read_query(endpoint: Endpoint) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the checked query parameters, and the `tag.<name>` filters apart."""
    given = request.args.to_dict(flat=False)
    twice = [Violation(f"/query/{name}", "is given more than once.") for name, texts in given.items() if len(texts) > 1]
    tags = {name[4:]: texts[0] for name, texts in given.items() if endpoint.tag_filter and name.startswith("tag.")}
    bad_tags = [
        Violation(f"/query/tag.{name}", "is not a tag's name and text.")
        for name, text in tags.items()
        if not TAG_NAME.fullmatch(name) or not text.isprintable() or len(text) > TAG_TEXT_MAX
    ]
    rest = {name: texts[0] for name, texts in given.items() if not (endpoint.tag_filter and name.startswith("tag."))}
    if twice or bad_tags:
        raise Invalid(None, *twice, *bad_tags)
    return check(endpoint.query, rest, pointer="/query"), tags


def read_body(endpoint: Endpoint) -> Any:
    """Return the raw JSON value of the body; an endpoint that needs none accepts an empty body or `{}`.

    Raises PayloadTooLarge, UnsupportedMediaType, Malformed, Invalid.
    """
    if request.content_encoding not in {None, "", "identity"}:
        raise UnsupportedMediaType("The body is compressed; send it as it is.")
    raw = _bytes(endpoint)
    if (endpoint.body is None or endpoint.body_optional) and not raw.strip():
        return {}
    _check_type()
    value = strict_json.parse(raw)
    if endpoint.body is None:
        check(Nothing, value, pointer="")
    return value


def is_form() -> bool:
    """Say whether the body is multipart/form-data."""
    return request.mimetype == "multipart/form-data"


def _bytes(endpoint: Endpoint) -> bytes:
    # One byte more than allowed: a body sent without its length is cut off at the limit, not refused, by the framework.
    request.max_content_length = endpoint.body_max + 1
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raw = None
    except OSError:
        raise Malformed("The body broke off.") from None
    if raw is None or len(raw) > endpoint.body_max:
        raise PayloadTooLarge(f"The body is larger than {endpoint.body_max} bytes.")
    return raw


def _check_type() -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower().replace("_", "-")
    if request.mimetype != "application/json" or charset not in {"utf-8", "utf8"}:
        shown = (request.content_type or "none")[:80]
        raise UnsupportedMediaType(f"The Content-Type is {shown}; send application/json in UTF-8.")
