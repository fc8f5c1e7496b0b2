"""What a client sends to ask for a job, checked whole: envelope and parameters, all violations at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import fields

from api.fields import Address
from infra import webhooks
from infra.submission import JobRequest, find_kind
from tasks.errors import Invalid, Violation
from tasks.job import PRIORITIES
from tasks.params import Choice, Flag, JobRef, Params, Text, Whole, check
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.call import Call

DEADLINE_MAX_S = 30 * 86400
TAGS_MAX = 50


def tags_field() -> fields.Dict:
    """Declare tags: short names with short texts, to find things again by."""
    names = Text(min_length=1, max_length=50, pattern="[A-Za-z0-9_.-]+")
    return fields.Dict(keys=names, values=Text(max_length=200), load_default=dict)


class JobBody(Params):
    """What a client asks for."""

    kind = Text(required=True, min_length=1, max_length=64, metadata={"description": "see GET /v1/kinds"})
    params = fields.Raw(required=True, metadata={"description": "the kind's parameters"})
    priority = Choice(tuple(PRIORITIES), load_default="normal")
    tags = tags_field()
    cache = Choice(("use", "refresh", "off"), load_default="use")
    depends_on = fields.List(JobRef(), load_default=list)
    callback_url = Address(max_length=2000, load_default=None, allow_none=True)
    deadline_s = Whole(minimum=1, maximum=DEADLINE_MAX_S, load_default=None, allow_none=True)


class BatchBody(Params):
    """Many jobs at once."""

    jobs = fields.List(fields.Raw(), required=True, metadata={"description": "bodies as for POST /v1/jobs"})
    atomic = Flag(load_default=False, metadata={"description": "all of them or none"})


def job_body(raw: Any) -> dict[str, Any]:
    """Return a job's body, defaults filled in; raises Invalid with the envelope's and the kind's violations."""
    violations: list[Violation] = []
    body: dict[str, Any] = _collected(lambda: check(JobBody, raw, pointer=""), violations)
    name = raw.get("kind") if isinstance(raw, dict) else None
    if isinstance(name, str) and name:
        kind = kinds().get(name)
        if kind is None:
            _collected(lambda: find_kind(name), violations)
        elif "params" in raw:
            _collected(lambda: check(kind.params, raw["params"]), violations)
    if violations:
        raise Invalid(None, *violations)
    if len(body["tags"]) > TAGS_MAX:
        raise Invalid(None, Violation("/tags", f"holds {len(body['tags'])} tags; give {TAGS_MAX} at most."))
    return body


def request_of(call: Call, body: dict[str, Any], pointer: str = "") -> JobRequest:
    """Return a checked body as what submission takes; raises Invalid if its callback's address is refused here."""
    if body["callback_url"] is not None:
        webhooks.check_url(call.services.settings, body["callback_url"], f"{pointer}/callback_url")
    return JobRequest(**body)


def _collected(step: Callable[[], Any], violations: list[Violation]) -> Any:
    try:
        return step()
    except Invalid as error:
        violations += error.violations
        return None
