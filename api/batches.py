"""Many jobs in one request, each with a status of its own, or all of them or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from marshmallow import fields

from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.job_bodies import BatchBody, job_body, request_of
from api.job_views import resource
from api.jobs import BODY, TAG
from api.shapes import Shape
from infra import audit, submission
from tasks.errors import FloorError, Forbidden, Invalid, QuotaExceeded, Violation

if TYPE_CHECKING:
    from api.call import Call

BATCH_MAX: Final = 1000


class BatchShape(Shape):
    """What became of each job, in their order: `status`, and `job` or `problem`."""

    data = fields.List(fields.Dict(keys=fields.String()))


@dataclass(frozen=True)
class Refused:
    """One job of a batch that was refused."""

    place: int
    error: FloorError

    @property
    def violations(self) -> list[Violation]:
        """Its violations, placed in the batch."""
        here = f"/jobs/{self.place}"
        return [Violation(here + v.pointer, v.detail) for v in self.error.violations] or [
            Violation(here, self.error.detail)
        ]


@endpoint(
    "POST",
    "/v1/jobs/batch",
    tag=TAG,
    summary="Submit up to 1,000 jobs",
    permission="read",
    body=BatchBody,
    answers={200: Answer("Each job's own status.", BatchShape)},
    refusals=(QuotaExceeded,),
    example=Example(body={"jobs": [BODY, {**BODY, "priority": "low"}], "atomic": True}),
)
def create_jobs(call: Call) -> Reply:
    """Store many jobs; with `atomic` one refusal refuses them all, without it each stands alone."""
    bodies = call.body["jobs"]
    if not 1 <= len(bodies) <= BATCH_MAX:
        raise Invalid(None, Violation("/jobs", f"holds {len(bodies)} jobs; give 1 to {BATCH_MAX}."))
    results = [_submit(call, raw, place) for place, raw in enumerate(bodies)]
    refused = [one for one in results if isinstance(one, Refused)]
    if refused and call.body["atomic"]:
        raise Invalid("No job was made, for at least one is refused.", *(v for one in refused for v in one.violations))
    reply = Reply({"data": [_line(call, one) for one in results]})
    _record(call, [one["id"] for one in results if not isinstance(one, Refused)])
    return reply


def _submit(call: Call, raw: Any, place: int) -> dict[str, Any] | Refused:
    try:  # whatever refuses a job does so before its first row is written, so that no savepoint is needed
        request = request_of(call, job_body(raw))
        return submission.submit(call.connection, call.caller, request, request_id=call.request_id)
    except (Invalid, Forbidden, QuotaExceeded) as error:
        return Refused(place, error)


def _line(call: Call, one: dict[str, Any] | Refused) -> dict[str, Any]:
    if isinstance(one, Refused):
        return {"status": one.error.status, "job": None, "problem": one.error.as_problem()}
    return {"status": 202, "job": resource(call, call.connection, one, None), "problem": None}


def _record(call: Call, made: list[str]) -> None:
    if made:
        audit.record(
            call.connection,
            org_id=call.org_id,
            actor=call.caller.key_id,
            request_id=call.request_id,
            action="jobs.created",
            after=made,
        )
