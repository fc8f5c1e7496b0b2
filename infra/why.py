"""Why a job is not running yet: gathered from rows in one organisation's transaction, decided by a pure function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from tasks.job import FINAL

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from infra.database import Connection

Reason = Literal[
    "over",
    "running",
    "dependencies",
    "backoff",
    "compute_quota",
    "organisation_cap",
    "cold_start",
    "workers_busy",
    "next",
]

COLD_START_S: Final = 2.5  # a worker's start and its first import, as measured on the embedded default
WORKERS_SEEN: Final = "interval '1 minute'"

# Own rows only: row-level security lets nobody count another organisation's jobs. `workers` belongs to no one.
LINE: Final = f"""
    SELECT (SELECT count(*) FROM jobs WHERE queue = %(queue)s AND state = 'queued' AND (rank, id) < (%(rank)s, %(id)s))
             AS ahead,
           (SELECT count(*) FROM jobs WHERE queue = %(queue)s AND state = 'running') AS running,
           (SELECT count(*) FROM jobs WHERE queue = %(queue)s AND state = 'queued' AND dispatched_at IS NOT NULL
              AND id <> %(id)s) AS dispatched,
           (SELECT sum(est_seconds) FROM jobs WHERE queue = %(queue)s AND (state = 'running'
              OR state = 'queued' AND (rank, id) < (%(rank)s, %(id)s))) AS work_s,
           (SELECT coalesce(sum(slots), 0) FROM workers WHERE queue = %(queue)s AND NOT stopping
              AND seen_at > now() - {WORKERS_SEEN})::integer AS slots,
           (SELECT CASE jsonb_typeof(settings->'max_running')
                     WHEN 'number' THEN (settings->>'max_running')::integer
                     WHEN 'object' THEN (settings->'max_running'->>%(queue)s)::integer END FROM orgs) AS cap,
           (SELECT held_until FROM orgs) AS held_until,
           now() AS now
"""


@dataclass(frozen=True)
class Line:
    """What stands before a queued job, as far as its organisation may know."""

    ahead: int
    running: int
    dispatched: int
    work_s: float | None
    slots: int
    cap: int | None
    now: dt.datetime
    held_until: dt.datetime | None = None  # the month's compute seconds are used up


@dataclass(frozen=True)
class Why:
    """The one thing that holds a job, in a word and a sentence, with its place and an estimate where there is one."""

    reason: Reason
    detail: str
    position: int | None = None
    starts_in_s: float | None = None
    basis: str | None = None


def why(connection: Connection, job: Mapping[str, Any]) -> Why:
    """Return what holds a job now."""
    unfinished = connection.execute(
        "SELECT p.id, p.state FROM job_dependencies d JOIN jobs p ON p.org_id = d.org_id AND p.id = d.depends_on "
        "WHERE d.job_id = %s AND p.state <> 'succeeded' ORDER BY p.id",
        [job["id"]],
    ).fetchall()
    row = connection.execute(LINE, {name: job[name] for name in ("queue", "rank", "id")}).fetchone()
    assert row is not None
    return decide(job, unfinished, Line(**row))


def decide(job: Mapping[str, Any], unfinished: list[dict[str, Any]], line: Line) -> Why:
    """Return the first of the things that hold a job, in the order in which they would be lifted."""
    if job["state"] in FINAL:
        return Why("over", f"The job is {job['state']}; it will not run again.")
    if job["state"] == "running":
        return Why("running", "The job is running.")
    if job["state"] == "waiting":
        others = ", ".join(f"{one['id']} ({one['state']})" for one in unfinished[:5]) or "its dependencies' last step"
        more = f" and {len(unfinished) - 5} more" if len(unfinished) > 5 else ""  # noqa: PLR2004 - as many as named
        return Why("dependencies", f"It waits for {others}{more}.")
    return _queued(job, line)


def _queued(job: Mapping[str, Any], line: Line) -> Why:
    place = line.ahead + 1
    if job["run_at"] > line.now:
        wait = (job["run_at"] - line.now).total_seconds()
        return Why("backoff", f"A failed attempt is tried again in {wait:.0f} s.", place, wait, "the backoff")
    if line.held_until is not None and line.held_until > line.now:
        detail = f"The month's compute seconds are used up; jobs run again from {line.held_until:%Y-%m-%d} (UTC)."
        wait = (line.held_until - line.now).total_seconds()
        return Why("compute_quota", detail, place, wait, "the end of the month")
    if line.cap is not None and line.running + line.dispatched >= line.cap:
        detail = f"The organisation may run {line.cap} at once in the queue {job['queue']!r}, and does."
        return Why("organisation_cap", detail, place, *_estimate(line, min(line.cap, line.slots or line.cap)))
    if line.slots == 0:
        detail = f"No worker of the queue {job['queue']!r} is up yet; one is being started."
        return Why("cold_start", detail, place, COLD_START_S, "the time that a worker takes to start")
    if line.running + line.dispatched >= line.slots:
        return Why("workers_busy", f"All {line.slots} places are taken.", place, *_estimate(line, line.slots))
    return Why("next", "It is about to be given to a worker.", place, 0.0, "a place is free")


def _estimate(line: Line, slots: int) -> tuple[float | None, str]:
    """Return the seconds until the work before it is done, if anything is known of that work."""
    if line.work_s is None or not slots:
        return None, "no run of these kinds has been measured yet"
    return line.work_s / slots, f"your own jobs before it, by their kinds' past runs, on {slots} places"
