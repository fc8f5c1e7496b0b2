"""Why a job is not running yet, over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, get_args

from marshmallow import fields

from api import examples
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.job_views import found
from api.jobs import TAG
from api.shapes import Shape
from infra import why
from tasks.job import STATES
from tasks.params import Choice, Number, Whole

if TYPE_CHECKING:
    from api.call import Call


class WhyShape(Shape):
    """What holds a job."""

    state = Choice(STATES)
    reason = Choice(get_args(why.Reason))
    detail = fields.String()
    position = Whole(allow_none=True, metadata={"description": "its place among the organisation's own in its queue"})
    starts_in_s = Number(allow_none=True)
    basis = fields.String(allow_none=True, metadata={"description": "what the estimate rests on"})


@endpoint(
    "GET",
    "/v1/jobs/{job_id}/why",
    tag=TAG,
    summary="Ask why a job is not running yet",
    permission="read",
    answers={200: Answer("What holds it.", WhyShape)},
    example=Example(path={"job_id": examples.QUEUED_JOB}),
)
def get_why(call: Call) -> Reply:
    """Name the cap, dependency, backoff or cold start that holds a job, its place, and an estimate with its basis."""
    job = found(call.connection, call.path["job_id"])
    return Reply({"state": job["state"], **asdict(why.why(call.connection, job))})
