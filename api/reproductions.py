"""A finished job run again from its manifest, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api import examples
from api.endpoint import Answer, Example, endpoint
from api.job_views import made, record
from api.jobs import MADE_HEADERS, TAG
from api.shapes import JobShape
from infra import reproductions
from tasks.errors import Conflict, DatasetNotReady, Gone, QuotaExceeded

if TYPE_CHECKING:
    from api.call import Call, Reply


@endpoint(
    "POST",
    "/v1/jobs/{job_id}/reproduce",
    tag=TAG,
    summary="Reproduce a job",
    permission="read",
    answers={202: Answer("A new job that runs the manifest again.", JobShape, headers=MADE_HEADERS)},
    refusals=(Conflict, Gone, QuotaExceeded, DatasetNotReady),
    example=Example(path={"job_id": examples.SUCCEEDED_JOB}),
)
def reproduce_job(call: Call) -> Reply:
    """Run a succeeded job's manifest again: the same parameters and inputs, past the cache, as a new job.

    Its `reproduction` says, once it has succeeded, artifact by artifact whether the bytes are the same. It has no
    effect besides: a reproduced ingest adds no version to its dataset.
    """
    row = reproductions.reproduce(call.connection, call.caller, call.path["job_id"], request_id=call.request_id)
    reply = made(call, row)
    record(call, "job.reproduced", row)
    return reply
