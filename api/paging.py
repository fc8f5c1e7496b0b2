"""Cursors: where a list goes on, signed so that no one else's, no other list's and no edited one is taken."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from flask import request

from api.call import Reply
from api.fields import Count
from infra.canonical import canonical
from tasks.errors import Invalid, Violation
from tasks.params import Params, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from api.call import Call

SIGNATURE_BYTES: Final = 16


class Page(Params):
    """The query of every list."""

    limit = Count(minimum=1, maximum=200, load_default=50, metadata={"description": "at most this many"})
    cursor = Text(max_length=500, load_default=None, metadata={"description": "where to go on: the last `next_cursor`"})


def place(call: Call) -> list[Any] | None:
    """Return the place that the request's cursor stands for, None for the start; raises Invalid for a bad one."""
    text = call.query.get("cursor")
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    signature, payload = raw[:SIGNATURE_BYTES], raw[SIGNATURE_BYTES:]
    if not payload or not hmac.compare_digest(signature, _sign(call, payload)):
        detail = "is not a cursor of this list with these filters; start again without one."
        raise Invalid(None, Violation("/query/cursor", detail))
    found: list[Any] = json.loads(payload)
    return found


def page(call: Call, data: Sequence[Any], last: Sequence[Any] | None) -> Reply:
    """Return a list's reply; `last` is the place of its last row, or None where the list ends here."""
    cursor = _cursor(call, last) if last is not None else None
    headers = {}
    if cursor is not None:
        query = urlencode(
            [*((name, text) for name, text in request.args.items() if name != "cursor"), ("cursor", cursor)]
        )
        headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return Reply({"data": list(data), "next_cursor": cursor}, headers=headers)


def newest_first(
    call: Call, list_rows: Callable[..., list[dict[str, Any]]], made: Callable[[Mapping[str, Any]], dict[str, Any]]
) -> Reply:
    """Return a page of rows that `list_rows` lists by (created_at, id), each made into its resource."""
    return newest_together(call, list_rows, lambda rows: [made(row) for row in rows])


def newest_together(
    call: Call,
    list_rows: Callable[..., list[dict[str, Any]]],
    made: Callable[[Sequence[Mapping[str, Any]]], list[dict[str, Any]]],
) -> Reply:
    """Return the same for resources that are made together, for one more look at the database serves them all."""
    start, limit = place(call), call.query["limit"]
    before = (dt.datetime.fromisoformat(start[0]), start[1]) if start else None
    rows = list_rows(call.connection, before=before, limit=limit + 1)
    shown = rows[:limit]
    last = [shown[-1]["created_at"].isoformat(), shown[-1]["id"]] if len(rows) > limit else None
    return page(call, made(shown), last)


def _cursor(call: Call, last: Sequence[Any]) -> str:
    payload = json.dumps(list(last), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_sign(call, payload) + payload).decode().rstrip("=")


def _sign(call: Call, payload: bytes) -> bytes:
    filters = {name: str(value) for name, value in call.query.items() if name not in {"cursor", "limit"}}
    bound = canonical([call.org_id, request.path, filters, dict(call.tags)]).encode()
    whole = hashlib.sha256(bound).digest() + payload
    return hmac.digest(b"cursor " + call.services.settings.secret_key.encode(), whole, "sha256")[:SIGNATURE_BYTES]
