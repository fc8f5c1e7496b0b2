"""A job comes into being: its request checked whole, its inputs pinned, its row written, the dispatcher woken.

`check` does all but the writing, for validation without effect; `submit` writes. Both work inside the caller's
transaction of its organisation, so that whatever else stands in it (idempotency, audit) stands or falls with the job.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, LiteralString

from psycopg.types.json import Jsonb

from infra import jobs, memo
from infra.ids import new_id
from infra.references import check_dependency, resolve
from tasks.errors import Conflict, Invalid, NotFound, QuotaExceeded, Violation
from tasks.params import check as check_params
from tasks.params import shown
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.database import Connection
    from infra.keys import Caller
    from tasks.kind import JobKind

MAX_QUEUED = 10_000  # waiting and queued jobs of one organisation, unless its settings say otherwise


ESTIMATE: Final[LiteralString] = """
    SELECT percentile_cont(0.75) WITHIN GROUP (ORDER BY run_s) FROM (SELECT run_s FROM jobs
    WHERE kind = %(kind)s AND state = 'succeeded' AND run_s IS NOT NULL ORDER BY finished_at DESC LIMIT 20) past
"""

# The rows are counted, up to the quota and no further.
QUOTA: Final[LiteralString] = """
    WITH quota AS (
        SELECT coalesce((settings->>'max_queued')::bigint, %(otherwise)s) AS allowed,
               (settings->>'compute_s_month')::float8 AS seconds FROM orgs
    )
    SELECT allowed, seconds, CASE WHEN seconds IS NOT NULL THEN (
               SELECT coalesce(sum(run_s), 0) FROM jobs
               WHERE run_s IS NOT NULL AND finished_at >= date_trunc('month', now(), 'UTC')) END AS spent,
           (SELECT count(*) FROM (SELECT 1 FROM jobs WHERE finished_at IS NULL AND state <> 'running'
                                           LIMIT (SELECT allowed FROM quota)) AS these) AS waiting FROM quota
"""


@dataclass(frozen=True)
class JobRequest:
    """What a client asks for, as it came: nothing in it is trusted yet but its JSON types."""

    kind: str
    params: Mapping[str, Any]
    priority: str = "normal"
    tags: Mapping[str, str] = field(default_factory=dict)
    cache: str = "use"
    depends_on: Sequence[str] = ()
    callback_url: str | None = None
    deadline_s: float | None = None
    pinned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # inputs that are resolved already


@dataclass(frozen=True)
class Place:
    """Where a job belongs besides its organisation: a pipeline's step, or the job that it retries or reproduces."""

    pipeline_id: str | None = None
    step: str | None = None
    retry_of: str | None = None
    reproduction_of: str | None = None


@dataclass(frozen=True)
class Checked:
    """A request found good: its kind, complete parameters, pinned inputs, and the jobs it must wait for."""

    kind: JobKind
    params: dict[str, Any]
    inputs: dict[str, dict[str, Any]]
    waits_for: frozenset[str]
    code_version: str
    input_digest: str | None  # None while an input is still to come
    cached: Mapping[str, Any] | None  # the earlier job that computed just this


def find_kind(name: str) -> JobKind:
    """Return a kind by name; raises Invalid that lists the kinds and names the nearest."""
    if (kind := kinds().get(name)) is not None:
        return kind
    near = difflib.get_close_matches(name, list(kinds()), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise Invalid(None, Violation("/kind", f"{shown(name)} is not a kind; the kinds are {', '.join(kinds())}.{hint}"))


def check(connection: Connection, caller: Caller, request: JobRequest) -> Checked:
    """Check a request without effect; raises Forbidden, or Invalid with all violations at once."""
    kind = find_kind(request.kind)
    caller.require(kind.permission)
    params = check_params(kind.params, request.params)
    found = resolve(connection, kind, params, request.pinned)
    waits_for = frozenset(found.pending | _unfinished(connection, request.depends_on))
    version = memo.code_version()
    known = None if found.pending else memo.input_digest(kind.name, params, found.inputs, version)
    may_repeat = request.cache == "use" and known is not None and not waits_for
    cached = memo.lookup(connection, known) if may_repeat and known is not None else None
    return Checked(kind, params, found.inputs, waits_for, version, known, cached)


def submit(
    connection: Connection, caller: Caller, request: JobRequest, *, request_id: str | None, place: Place | None = None
) -> dict[str, Any]:
    """Write a job and return its row: `queued`, `waiting` for other jobs, or `succeeded` from an earlier result.

    Raises what `check` raises, and QuotaExceeded.
    """
    checked = check(connection, caller, request)
    if checked.cached is None:
        _check_quota(connection)
    row = _insert(connection, caller, request, checked, request_id=request_id, place=place or Place())
    for other in sorted(checked.waits_for):
        connection.execute("INSERT INTO job_dependencies VALUES (%s, %s, %s)", [caller.org_id, row["id"], other])
    if checked.cached is not None:
        memo.copy_artifacts(connection, checked.cached, row["id"])
    jobs.announce(connection, row, row["state"], _first_event(row))
    if row["state"] == "queued":
        jobs.wake_dispatcher(connection, row["queue"])
    return row | {"depends_on": sorted(checked.waits_for)}


def retry(connection: Connection, caller: Caller, job_id: str, *, request_id: str | None) -> dict[str, Any]:
    """Submit a failed or cancelled job again as a new one that names it; raises NotFound, Conflict, or as `submit`."""
    old = connection.execute("SELECT * FROM jobs WHERE id = %s", [job_id]).fetchone()
    if old is None:
        raise NotFound("There is no such job.")
    if old["state"] not in {"failed", "cancelled"}:
        raise Conflict(f"{job_id} is {old['state']}; only a failed or cancelled job can be retried.")
    request = JobRequest(
        old["kind"], old["params"], old["priority"], old["tags"], old["cache"], callback_url=old["callback_url"]
    )
    return submit(connection, caller, request, request_id=request_id, place=Place(retry_of=job_id))


def estimate(connection: Connection, kind: str) -> float | None:
    """Return the seconds that three in four of the organisation's last runs of a kind stayed under, if any ran."""
    row = connection.execute(f"SELECT ({ESTIMATE}) AS seconds", {"kind": kind}).fetchone()
    return row["seconds"] if row else None


def _insert(
    connection: Connection,
    caller: Caller,
    request: JobRequest,
    checked: Checked,
    *,
    request_id: str | None,
    place: Place,
) -> dict[str, Any]:
    cached, kind = checked.cached, checked.kind
    row = connection.execute(
        f"""
        INSERT INTO jobs (org_id, id, kind, queue, state, params, inputs, tags, priority, cache, callback_url,
                          deadline_at, timeout_s, memory_mb, est_seconds, created_by, request_id, pipeline_id, step,
                          retry_of, reproduction_of, queued_at, rank, finished_at, result, input_digest,
                          code_version, cached_from)
        VALUES (%(org_id)s, %(id)s, %(kind)s, %(queue)s, %(state)s, %(params)s, %(inputs)s, %(tags)s, %(priority)s,
                %(cache)s, %(callback_url)s, now() + make_interval(secs => %(deadline_s)s), %(timeout_s)s,
                %(memory_mb)s, ({ESTIMATE}), %(created_by)s, %(request_id)s, %(pipeline_id)s, %(step)s,
                %(retry_of)s, %(reproduction_of)s, CASE WHEN %(state)s = 'queued' THEN now() END,
                job_rank(clock_timestamp(), %(priority)s), CASE WHEN %(state)s = 'succeeded' THEN now() END,
                %(result)s, %(input_digest)s, %(code_version)s, %(cached_from)s)
        RETURNING *
        """,
        {
            "org_id": caller.org_id,
            "id": new_id("job"),
            "kind": kind.name,
            "queue": kind.queue,
            "state": "succeeded" if cached else "waiting" if checked.waits_for else "queued",
            "params": Jsonb(checked.params),
            "inputs": Jsonb(checked.inputs),
            "tags": Jsonb(dict(request.tags)),
            "priority": request.priority,
            "cache": request.cache,
            "callback_url": request.callback_url,
            "deadline_s": request.deadline_s,
            "timeout_s": kind.limits.run_s,
            "memory_mb": kind.limits.memory_mb,
            "created_by": caller.key_id,
            "request_id": request_id,
            "pipeline_id": place.pipeline_id,
            "step": place.step,
            "retry_of": place.retry_of,
            "reproduction_of": place.reproduction_of,
            "result": Jsonb(cached["result"]) if cached else None,
            "input_digest": checked.input_digest,
            "code_version": checked.code_version,
            "cached_from": cached["id"] if cached else None,
        },
    ).fetchone()
    assert row is not None
    return row


def _first_event(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"cached_from": row["cached_from"]} if row["cached_from"] else {}


def _unfinished(connection: Connection, depends_on: Sequence[str]) -> set[str]:
    found, violations = set(), list[Violation]()
    for place, job_id in enumerate(depends_on):
        try:
            row = check_dependency(connection, job_id, f"/depends_on/{place}")
        except Invalid as error:
            violations += error.violations
            continue
        if row["state"] != "succeeded":
            found.add(job_id)
    if violations:
        raise Invalid(None, *violations)
    return found


def _check_quota(connection: Connection) -> None:
    row = connection.execute(QUOTA, {"otherwise": MAX_QUEUED}).fetchone()
    if row and row["waiting"] >= row["allowed"]:
        raise QuotaExceeded(
            f"{row['allowed']} jobs wait already, as many as the organisation may have; wait until some ran.",
            measure="jobs_queued",
            used=row["waiting"],
            limit=row["allowed"],
        )
    if row and row["seconds"] is not None and row["spent"] >= row["seconds"]:
        raise QuotaExceeded(
            f"{row['spent']:.0f} of {row['seconds']:.0f} compute seconds of this month are used up; the next month "
            "begins anew (UTC).",
            measure="compute_s_month",
            used=row["spent"],
            limit=row["seconds"],
        )
