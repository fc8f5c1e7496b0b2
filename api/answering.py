"""The way of every request through its endpoint: who asks, may they, what came, do it (once), answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response, g, request

from api import auth, forms, reading
from api.call import Call, Reply
from infra import idempotency
from infra.idempotency import Kept
from tasks.errors import Unauthenticated
from tasks.params import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.endpoint import Endpoint
    from api.services import Services
    from infra.database import Connection
    from infra.keys import Caller

KEPT_HEADERS = ("Location", "Retry-After")


def view_of(endpoint: Endpoint, services: Services) -> Callable[..., Response]:
    """Return the function that Flask calls for an endpoint."""

    def view(**path: str) -> Response:
        call = Call(services, endpoint, g.request_id, path, headers=request.headers)
        if endpoint.permission is not None:
            call._caller = _authenticated(services)  # noqa: SLF001 - this is its one writer
            _spend(call)
            call.caller.require(endpoint.permission)
        reading.check_path(path)
        call.query, call.tags = reading.read_query(endpoint)
        raw = _read(call)
        return _carry_out(call, raw)

    return view


def _authenticated(services: Services) -> Caller:
    """Return the caller; an address that tries key after key is slowed down, and who has a good key is not."""
    try:
        return auth.caller(services.database, request.headers)
    except Unauthenticated:
        if "Authorization" in request.headers:
            spent = services.limits.spend_failure(request.remote_addr or "")
            if spent.refusal is not None:
                raise spent.refusal from None
        raise


def _spend(call: Call) -> None:
    spent = call.services.limits.spend(call.caller)
    g.rate_headers = spent.headers
    if spent.refusal is not None:
        raise spent.refusal


def _read(call: Call) -> Any:
    """Read the body into the call, and return what the idempotency fingerprint is taken of."""
    if not call.endpoint.takes_body:
        return None
    if call.endpoint.form is not None and reading.is_form():
        call.file = forms.read(call.endpoint.form)
        return call.file.fingerprint
    raw = reading.read_body(call.endpoint)
    if call.endpoint.check_body is not None:
        call.body = call.endpoint.check_body(raw)
    elif call.endpoint.body is not None:
        call.body = check(call.endpoint.body, raw, pointer="")
    return raw


def _carry_out(call: Call, raw: Any) -> Response:
    endpoint = call.endpoint
    if endpoint.permission is None or endpoint.alone:
        return written(endpoint.view(call))
    once = _Once.asked_for(call, raw)
    if endpoint.gather is not None:
        if once is not None:
            with call.transaction() as connection:  # a replay must not do again what lies outside the transaction
                if (first := once.first(connection)) is not None:
                    return first
        call.gathered = endpoint.gather(call)
    with call.transaction() as connection:
        call._connection = connection  # noqa: SLF001 - this is its one writer
        first = once.first(connection) if once is not None else None
        if first is not None:
            return first
        response = written(endpoint.view(call))
        if once is not None:
            once.keep(connection, response)
        return response


@dataclass(frozen=True)
class _Once:
    """A POST under an idempotency key: answered from what was kept, or kept in the transaction that made it."""

    key: str
    print: str
    org_id: str
    secret: str | None  # of answers that must not lie about in plain text

    @classmethod
    def asked_for(cls, call: Call, raw: Any) -> _Once | None:
        """Return the request's key with its fingerprint, or None where it came without one."""
        given = request.headers.get("Idempotency-Key")
        if given is None or call.endpoint.method != "POST":
            return None
        print_ = idempotency.fingerprint(request.method, request.path, raw)
        secret = call.services.settings.secret_key if call.endpoint.sealed else None
        return cls(idempotency.read_header(given), print_, call.org_id, secret)

    def first(self, connection: Connection) -> Response | None:
        """Return the first answer, or None for the first request; raises what `idempotency.begin` raises."""
        kept = idempotency.begin(connection, self.org_id, self.key, self.print)
        if kept is None:
            return None
        body = idempotency.unseal(kept.body, self.secret) if self.secret else kept.body
        headers = kept.headers | {"Idempotency-Replayed": "true"}
        return Response(body, kept.status, headers, content_type="application/json")

    def keep(self, connection: Connection, response: Response) -> None:
        """Store the answer; the last thing before the commit."""
        body = response.get_data(as_text=True)
        stored = idempotency.seal(body, self.secret) if self.secret else body
        headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
        idempotency.keep(connection, self.org_id, self.key, self.print, Kept(response.status_code, headers, stored))


def written(reply: Reply) -> Response:
    """Turn a Reply into bytes."""
    if reply.stream is not None:
        return Response(reply.stream, reply.status, dict(reply.headers), content_type=reply.media_type)
    if reply.body is None:
        response = Response(b"", reply.status, dict(reply.headers))
        response.headers.pop("Content-Type", None)
        return response
    text = (
        reply.body
        if isinstance(reply.body, str)
        else json.dumps(reply.body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    )
    return Response(text, reply.status, dict(reply.headers), content_type=reply.media_type)
