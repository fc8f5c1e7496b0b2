"""Pipelines: jobs submitted together under step names, whose references to one another become dependencies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from psycopg.types.json import Jsonb

from infra import jobs
from infra.ids import new_id
from infra.submission import JobRequest, Place, find_kind, submit
from tasks.errors import Invalid, NotFound, Violation
from tasks.job import FINAL
from tasks.params import STEP_NAME, check, references, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Connection
    from infra.keys import Caller

MAX_STEPS: Final = 100


def submit_pipeline(
    connection: Connection,
    caller: Caller,
    steps: Mapping[str, JobRequest],
    tags: Mapping[str, str] | None = None,
    *,
    request_id: str | None,
) -> dict[str, Any]:
    """Check all steps together and submit them; returns what `get_pipeline` does.

    Raises Invalid with every violation of every step, cycles and unknown steps among them, Forbidden, QuotaExceeded.
    """
    order = _in_order(_needs_of(steps))
    pipeline_id = new_id("pipe")
    connection.execute(
        "INSERT INTO pipelines (org_id, id, steps, tags, created_by) VALUES (%s, %s, '{}', %s, %s)",
        [caller.org_id, pipeline_id, Jsonb(dict(tags or {})), caller.key_id],
    )
    made: dict[str, str] = {}
    for name in order:
        request = _with_jobs_for_steps(steps[name], made, tags or {})
        try:
            row = submit(connection, caller, request, request_id=request_id, place=Place(pipeline_id, name))
        except Invalid as error:
            raise type(error)(error.detail, *_below(name, error.violations)) from None
        made[name] = row["id"]
    connection.execute("UPDATE pipelines SET steps = %s WHERE id = %s", [Jsonb(made), pipeline_id])
    return get_pipeline(connection, pipeline_id)


def get_pipeline(connection: Connection, pipeline_id: str) -> dict[str, Any]:
    """Return a pipeline's row with `steps` (name -> job row, in the order of their dependencies) and its `state`.

    Raises NotFound.
    """
    row = connection.execute("SELECT * FROM pipelines WHERE id = %s", [pipeline_id]).fetchone()
    if row is None:
        raise NotFound("There is no such pipeline.")
    found = connection.execute(
        jobs.ROW + "WHERE j.org_id = %s AND j.pipeline_id = %s ORDER BY j.id", [row["org_id"], pipeline_id]
    ).fetchall()
    steps = {job["step"]: job for job in found}
    return row | {"steps": steps, "state": state_of([job["state"] for job in steps.values()])}


def cancel_pipeline(connection: Connection, pipeline_id: str) -> dict[str, Any]:
    """Cancel whatever of a pipeline is not over yet; safe to ask again. Raises NotFound."""
    pipeline = get_pipeline(connection, pipeline_id)
    for job in pipeline["steps"].values():
        if job["state"] not in FINAL:
            jobs.request_cancel(connection, job["id"])
    connection.execute(
        "UPDATE pipelines SET cancelled_at = now() WHERE id = %s AND cancelled_at IS NULL", [pipeline_id]
    )
    return get_pipeline(connection, pipeline_id)


def state_of(states: list[str]) -> str:
    """Return a pipeline's state: running until every step is over, then the worst of how they ended."""
    if any(state not in FINAL for state in states):
        return "running" if any(state not in {"waiting", "queued"} for state in states) else "queued"
    return next((bad for bad in ("failed", "cancelled") if bad in states), "succeeded")


def _needs_of(steps: Mapping[str, JobRequest]) -> dict[str, set[str]]:
    """Check every step's parameters and return the steps each one refers to; raises Invalid with all violations."""
    if not 1 <= len(steps) <= MAX_STEPS:
        raise Invalid(None, Violation("/steps", f"holds {len(steps)} steps; give 1 to {MAX_STEPS}."))
    needs: dict[str, set[str]] = {}
    violations: list[Violation] = []
    for name, request in steps.items():
        if not re.fullmatch(STEP_NAME, name):
            violations.append(Violation(f"/steps/{_escaped(name)}", f"{shown(name)} is not a step's name."))
            continue
        try:
            kind = find_kind(request.kind)
            params = check(kind.params, dict(request.params))
        except Invalid as error:
            violations += _below(name, error.violations)
            continue
        found = [r for r in references(kind.params, params) if r.to == "step"]
        needs[name] = {r.value["step"] for r in found}
        violations += [
            Violation(f"/steps/{name}{r.pointer}", f"there is no step {r.value['step']!r} in this pipeline.")
            for r in found
            if r.value["step"] not in steps
        ]
    if violations:
        raise Invalid(None, *violations)
    return needs


def _in_order(needs: Mapping[str, set[str]]) -> list[str]:
    """Return the steps so that each comes after those it needs; raises Invalid naming the steps of a cycle."""
    order: list[str] = []
    left = dict(needs)
    while left:
        ready = [name for name, wanted in left.items() if wanted <= set(order)]
        if not ready:
            circle = ", ".join(left)
            raise Invalid(None, Violation("/steps", f"the steps {circle} wait for one another; break the circle."))
        order += ready
        left = {name: wanted for name, wanted in left.items() if name not in ready}
    return order


def _with_jobs_for_steps(request: JobRequest, made: Mapping[str, str], tags: Mapping[str, str]) -> JobRequest:
    return JobRequest(
        request.kind,
        _replaced(dict(request.params), made),
        request.priority,
        {**tags, **request.tags},
        request.cache,
        request.depends_on,
        request.callback_url,
        request.deadline_s,
    )


def _replaced(value: Any, made: Mapping[str, str]) -> Any:
    """Write the jobs' ids where the parameters name steps."""
    if isinstance(value, dict):
        if set(value) == {"step", "artifact"}:
            return {"job": made[value["step"]], "artifact": value["artifact"]}
        if set(value) == {"step"}:
            return made[value["step"]]
        return {key: _replaced(inner, made) for key, inner in value.items()}
    return [_replaced(inner, made) for inner in value] if isinstance(value, list) else value


def _below(name: str, violations: tuple[Violation, ...]) -> list[Violation]:
    return [Violation(f"/steps/{name}{v.pointer}", v.detail) for v in violations]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
