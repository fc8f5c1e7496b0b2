"""Pipelines over HTTP: jobs made together under step names that refer to one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from marshmallow import fields

from api import examples
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.job_bodies import job_body, request_of, tags_field
from api.job_views import POLL_HINT_S, require_kind, unsigned
from api.shapes import PipelineShape
from infra import audit, pipelines, resources
from tasks.errors import DatasetNotReady, Invalid, QuotaExceeded, Violation
from tasks.job import FINAL
from tasks.params import Params, Text, check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.call import Call

TAG: Final = "Pipelines"
BODY: Final = {
    "steps": {
        "signals": {
            "kind": "factors",
            "params": {"prices": examples.DATASET, "recipe": {"factors": [{"name": "momentum"}]}},
        },
        "bt": {
            "kind": "backtest",
            "params": {
                "prices": examples.DATASET,
                "signal": {"step": "signals", "artifact": "scores"},
                "construction": {"type": "quantile_long_short", "quantile": 0.2},
                "rebalance": "M",
            },
        },
    },
    "tags": {"desk": "equities"},
}


class PipelineBody(Params):
    """Steps by name, each a job's body; `{"step": …, "artifact": …}` refers to another step's output."""

    steps = fields.Dict(keys=Text(), values=fields.Raw(), required=True)
    tags = tags_field()


def pipeline_body(raw: Any) -> dict[str, Any]:
    """Check the envelope and every step; raises Invalid with all violations at once."""
    body = check(PipelineBody, raw, pointer="")
    violations: list[Violation] = []
    for name, step in body["steps"].items():
        try:
            body["steps"][name] = job_body(step)
        except Invalid as error:
            place = f"/steps/{name.replace('~', '~0').replace('/', '~1')}"
            violations += [Violation(place + v.pointer, v.detail) for v in error.violations]
    if violations:
        raise Invalid(None, *violations)
    return body


@endpoint(
    "POST",
    "/v1/pipelines",
    tag=TAG,
    summary="Submit a pipeline",
    permission="read",
    body=PipelineBody,
    check_body=pipeline_body,
    answers={202: Answer("All steps are stored and will run in order.", PipelineShape, headers={"Location": "it"})},
    refusals=(QuotaExceeded, DatasetNotReady),
    example=Example(body=BODY),
)
def create_pipeline(call: Call) -> Reply:
    """Store all steps or none; cycles and unknown steps are refused. Each step needs its own kind's permission."""
    steps = {name: request_of(call, step, f"/steps/{name}") for name, step in call.body["steps"].items()}
    row = pipelines.submit_pipeline(call.connection, call.caller, steps, call.body["tags"], request_id=call.request_id)
    headers = {"Location": f"/v1/pipelines/{row['id']}", "Retry-After": POLL_HINT_S}
    reply = Reply(_resource(call, row), 202, headers)
    _record(call, "pipeline.created", row)
    return reply


@endpoint(
    "GET",
    "/v1/pipelines/{pipeline_id}",
    tag=TAG,
    summary="Get a pipeline",
    permission="read",
    answers={200: Answer("The pipeline with its steps' jobs.", PipelineShape)},
    example=Example(path={"pipeline_id": examples.PIPELINE}),
)
def get_pipeline(call: Call) -> Reply:
    """Return a pipeline; its steps' artifacts are shown without signed addresses."""
    row = pipelines.get_pipeline(call.connection, call.path["pipeline_id"])
    return Reply(_resource(call, row), headers={} if row["state"] in FINAL else {"Retry-After": POLL_HINT_S})


@endpoint(
    "POST",
    "/v1/pipelines/{pipeline_id}/cancel",
    tag=TAG,
    summary="Cancel a pipeline",
    permission="read",
    answers={
        200: Answer("It is over.", PipelineShape),
        202: Answer("What still runs is stopped within 5 s.", PipelineShape, headers={"Retry-After": "seconds"}),
    },
    example=Example(path={"pipeline_id": examples.PIPELINE}),
)
def cancel_pipeline(call: Call) -> Reply:
    """Cancel what is left of a pipeline, for those who may run all its kinds; asking again changes nothing."""
    before = pipelines.get_pipeline(call.connection, call.path["pipeline_id"])
    for job in before["steps"].values():
        require_kind(call, job["kind"])
    row = pipelines.cancel_pipeline(call.connection, before["id"])
    running = row["state"] not in FINAL
    reply = Reply(_resource(call, row), 202 if running else 200, {"Retry-After": POLL_HINT_S} if running else {})
    if before["cancelled_at"] is None:
        _record(call, "pipeline.cancelled", row)
    return reply


def _resource(call: Call, row: Mapping[str, Any]) -> dict[str, Any]:
    return resources.pipeline(
        row, dict(zip(row["steps"], unsigned(call.connection, list(row["steps"].values())), strict=True))
    )


def _record(call: Call, action: str, row: Mapping[str, Any]) -> None:
    audit.record(
        call.connection,
        org_id=call.org_id,
        actor=call.caller.key_id,
        request_id=call.request_id,
        action=action,
        target=row["id"],
        after={name: job["id"] for name, job in row["steps"].items()},
    )
