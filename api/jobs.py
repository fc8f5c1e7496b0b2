"""Jobs over HTTP: submitted, validated, found, listed, cancelled, retried."""

from __future__ import annotations

import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from marshmallow import fields

from api import examples, paging
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.etags import etag, unchanged
from api.fields import Moment
from api.job_bodies import JobBody, job_body, request_of
from api.job_views import POLL_HINT_S, UrlQuery, found, made, record, require_kind, resource, ttl_of, unsigned
from api.lists import list_of
from api.shapes import JobShape, Shape
from api.waiting import remaining
from infra import jobs, submission
from tasks.errors import Conflict, DatasetNotReady, QuotaExceeded
from tasks.job import FINAL, STATES
from tasks.params import Choice, Flag, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.call import Call
    from infra.database import Connection

TAG: Final = "Jobs"
WAIT_MAX_S: Final = 60
MADE_HEADERS: Final = {"Location": "the job", "Retry-After": "seconds until it makes sense to look"}
BODY: Final = {
    "kind": "factors",
    "params": {
        "prices": examples.DATASET,
        "recipe": {"factors": [{"name": "momentum"}, {"name": "low_volatility"}]},
    },
    "priority": "normal",
    "tags": {"desk": "equities"},
    "cache": "use",
}
_WAIT: Final = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,6})\"?\s*(?:;|,|$)", re.ASCII | re.IGNORECASE)


class ListQuery(paging.Page):
    """How a list of jobs is narrowed; `tag.<name>=` as well."""

    kind = Text(load_default=None)
    state = Choice(STATES, load_default=None)
    pipeline = Text(load_default=None)
    created_after = Moment(load_default=None)
    created_before = Moment(load_default=None)


class VerdictShape(Shape):
    """What a validation found."""

    valid = Flag()
    estimate = fields.Dict(keys=fields.String())
    would_hit_cache = Flag()


@endpoint(
    "POST",
    "/v1/jobs",
    tag=TAG,
    summary="Submit a job",
    permission="read",
    body=JobBody,
    body_name="JobRequest",
    check_body=job_body,
    answers={202: Answer("The job is stored and will run.", JobShape, headers=MADE_HEADERS)},
    refusals=(QuotaExceeded, DatasetNotReady),
    example=Example(body=BODY),
)
def create_job(call: Call) -> Reply:
    """Store a job; the permission needed is the kind's own. Nothing is queued before everything has been validated."""
    row = submission.submit(call.connection, call.caller, request_of(call, call.body), request_id=call.request_id)
    reply = made(call, row)
    record(call, "job.created", row)
    return reply


@endpoint(
    "POST",
    "/v1/jobs/validate",
    tag=TAG,
    summary="Validate a job",
    permission="read",
    body=JobBody,
    body_name="JobRequest",
    check_body=job_body,
    answers={200: Answer("The job would be accepted.", VerdictShape)},
    refusals=(DatasetNotReady,),
    example=Example(body=BODY),
)
def validate_job(call: Call) -> Reply:
    """Check all that a submission checks, and run nothing."""
    checked = submission.check(call.connection, call.caller, request_of(call, call.body))
    seconds = submission.estimate(call.connection, checked.kind.name)
    basis = "no run of this kind yet" if seconds is None else "the organisation's last 20 runs of this kind"
    estimate = {"run_s": seconds, "memory_mb": checked.kind.limits.memory_mb, "basis": basis}
    return Reply({"valid": True, "estimate": estimate, "would_hit_cache": checked.cached is not None})


@endpoint(
    "GET",
    "/v1/jobs",
    tag=TAG,
    summary="List jobs",
    permission="read",
    query=ListQuery,
    tag_filter=True,
    answers={200: Answer("Jobs, newest first.", list_of(JobShape), headers={"Link": "the next page"})},
    example=Example(query={"limit": "2", "state": "succeeded", "tag.desk": "equities"}),
)
def list_jobs(call: Call) -> Reply:
    """List jobs; their artifacts are shown without signed addresses here."""
    names = ("kind", "state", "pipeline", "created_after", "created_before")
    filters = {name: call.query[name] for name in names} | {"tags": dict(call.tags)}
    narrowed = partial(jobs.list_page, filters=filters)
    return paging.newest_together(call, narrowed, lambda rows: unsigned(call.connection, rows))


@endpoint(
    "GET",
    "/v1/jobs/{job_id}",
    tag=TAG,
    summary="Get a job",
    permission="read",
    query=UrlQuery,
    alone=True,
    answers={
        200: Answer(
            "The job.",
            JobShape,
            headers={"ETag": "changes with the job", "Preference-Applied": "the wait that was granted"},
        ),
        304: Answer("It is as the client knows it."),
    },
    example=Example(path={"job_id": examples.SUCCEEDED_JOB}, headers={"Prefer": "wait=30"}),
)
def get_job(call: Call) -> Reply:
    """Return a job; `Prefer: wait=30` holds the answer until it is final, 60 s at most."""
    asked = preferred_wait(call.headers.get("Prefer", ""))
    if asked is not None and call.services.streams.take(call.org_id):
        try:
            return _wait(call, asked)
        finally:
            call.services.streams.give_back(call.org_id)
    with call.transaction() as connection:
        return _seen(call, connection, found(connection, call.path["job_id"]))


@endpoint(
    "POST",
    "/v1/jobs/{job_id}/cancel",
    tag=TAG,
    summary="Cancel a job",
    permission="read",
    answers={
        200: Answer("It is over: cancelled just now, or as it was.", JobShape),
        202: Answer("It runs, and is stopped within 5 s.", JobShape, headers={"Retry-After": "seconds"}),
    },
    example=Example(path={"job_id": examples.QUEUED_JOB}),
)
def cancel_job(call: Call) -> Reply:
    """Cancel a job, for those who may run its kind. Asking again changes nothing; a final job stays as it is."""
    before = found(call.connection, call.path["job_id"])
    require_kind(call, before["kind"])
    row = jobs.request_cancel(call.connection, before["id"])
    running = row["state"] not in FINAL
    body = resource(call, call.connection, row, ttl_of(call, call.connection))
    if row["version"] != before["version"]:
        record(call, "job.cancelled", row)
    return Reply(body, 202 if running else 200, {"Retry-After": POLL_HINT_S} if running else {})


@endpoint(
    "POST",
    "/v1/jobs/{job_id}/retry",
    tag=TAG,
    summary="Retry a failed or cancelled job",
    permission="read",
    answers={202: Answer("A new job, linked to the old one.", JobShape, headers=MADE_HEADERS)},
    refusals=(Conflict, QuotaExceeded, DatasetNotReady),
    example=Example(path={"job_id": examples.FAILED_JOB}),
)
def retry_job(call: Call) -> Reply:
    """Submit the same request as a new job that names the old one in `retry_of`."""
    row = submission.retry(call.connection, call.caller, call.path["job_id"], request_id=call.request_id)
    reply = made(call, row)
    record(call, "job.retried", row)
    return reply


def preferred_wait(prefer: str) -> int | None:
    """Return the seconds that a Prefer header asks to wait, 60 at most, or None."""
    given = _WAIT.search(prefer)
    return min(int(given.group(1)), WAIT_MAX_S) if given else None


def _wait(call: Call, seconds: int) -> Reply:
    """Return the job once it is final or the time is up; holds no connection in between."""
    until, bell = time.monotonic() + seconds, call.services.bell
    with bell.follow(call.path["job_id"], to_its_end=True) as changed:
        while True:
            changed.clear()
            with call.transaction() as connection:
                row = found(connection, call.path["job_id"])
                if row["state"] in FINAL or not remaining(until) or bell.closing.is_set():
                    return _seen(call, connection, row, granted=seconds)
            bell.wait(changed, remaining(until))


def _seen(call: Call, connection: Connection, row: Mapping[str, Any], granted: int | None = None) -> Reply:
    """Answer with a job as it is now."""
    headers = {"ETag": etag(call, row["version"])}
    if granted is not None:
        headers["Preference-Applied"] = f"wait={granted}"
    if row["state"] not in FINAL:
        headers["Retry-After"] = POLL_HINT_S
    if unchanged(call, headers["ETag"]):
        return Reply(None, 304, headers)
    return Reply(resource(call, connection, row, ttl_of(call, connection)), headers=headers)
