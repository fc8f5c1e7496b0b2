"""What the dispatcher asks of Postgres: who may run next, what was never taken, whose dependencies are settled.

All of it in the system's transactions, which see every organisation; only one dispatcher acts at a time, and every
statement is a compare-and-set, so that a second one could do no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.scaling import GUESS_S

if TYPE_CHECKING:
    from infra.database import Connection

LEADER: Final = 730501  # the advisory lock that one dispatcher holds

# One statement: organisations with work by a loose index scan, each one's live jobs counted from rows, its next jobs
# up to its cap, all in the order of how much of its share each organisation already has. Its cost does not grow with
# the length of the queue. `max_running` is a number for every queue, or an object with a number by queue.
CLAIM: Final = """
WITH RECURSIVE asking AS (
    (SELECT org_id FROM jobs WHERE queue = %(queue)s AND state = 'queued' AND dispatched_at IS NULL
     ORDER BY org_id LIMIT 1)
    UNION ALL
    SELECT (SELECT j.org_id FROM jobs j WHERE j.queue = %(queue)s AND j.state = 'queued' AND j.dispatched_at IS NULL
              AND j.org_id > asking.org_id ORDER BY j.org_id LIMIT 1)
    FROM asking WHERE asking.org_id IS NOT NULL
), live AS (
    SELECT org_id, count(*) AS n FROM (
        SELECT org_id FROM jobs WHERE queue = %(queue)s AND state = 'running'
        UNION ALL
        SELECT org_id FROM jobs WHERE queue = %(queue)s AND state = 'queued' AND dispatched_at IS NOT NULL) held
    GROUP BY org_id
), picked AS (
    SELECT next.org_id, next.id
    FROM asking
    JOIN orgs o ON o.id = asking.org_id AND coalesce(o.held_until <= now(), true)  -- see infra/quotas.py
    LEFT JOIN live ON live.org_id = o.id
    CROSS JOIN LATERAL (
        SELECT q.org_id, q.id, q.rank, row_number() OVER (ORDER BY q.rank, q.id) AS place
        FROM (SELECT j.org_id, j.id, j.rank FROM jobs j
              WHERE j.queue = %(queue)s AND j.org_id = o.id AND j.state = 'queued' AND j.dispatched_at IS NULL
                AND j.run_at <= now()
              ORDER BY j.rank, j.id LIMIT %(room)s) q) next  -- a plain number: the index is read in order
    WHERE next.place <= coalesce(
        CASE jsonb_typeof(o.settings->'max_running')
            WHEN 'number' THEN (o.settings->>'max_running')::integer
            WHEN 'object' THEN (o.settings->'max_running'->>%(queue)s)::integer END,
        1000000) - coalesce(live.n, 0)
    ORDER BY (coalesce(live.n, 0) + next.place) / o.weight, next.rank, next.id
    LIMIT %(room)s
)
UPDATE jobs SET dispatch_token = gen_random_uuid(), dispatched_at = clock_timestamp()
FROM picked
WHERE jobs.org_id = picked.org_id AND jobs.id = picked.id AND jobs.state = 'queued' AND jobs.dispatched_at IS NULL
RETURNING jobs.org_id, jobs.id, jobs.kind, jobs.queue, jobs.dispatch_token::text AS token, jobs.rank
"""


def claim_next(connection: Connection, queue: str, room: int) -> list[dict[str, Any]]:
    """Admit up to `room` jobs of a queue, fairly and under every cap, each with a token; the caller rings for them."""
    rows = connection.execute(CLAIM, {"queue": queue, "room": room}).fetchall()
    return sorted(rows, key=lambda row: (row["rank"], row["id"]))


# Lanes (a queue's jobs of one organisation) by a loose index scan; in each no more than COUNTED jobs are looked at, so
# that the cost follows the lanes and not the backlog: no machine starts a thousand workers for one organisation.
COUNTED: Final = 1000
DEMAND: Final = """
WITH RECURSIVE lanes AS (
    (SELECT queue, org_id FROM jobs WHERE state = 'queued' AND dispatched_at IS NULL ORDER BY queue, org_id LIMIT 1)
    UNION ALL
    SELECT next.queue, next.org_id FROM lanes, LATERAL (
        SELECT j.queue, j.org_id FROM jobs j WHERE j.state = 'queued' AND j.dispatched_at IS NULL
          AND (j.queue, j.org_id) > (lanes.queue, lanes.org_id) ORDER BY j.queue, j.org_id LIMIT 1) next
), due AS (
    SELECT lanes.queue, lanes.org_id, w.* FROM lanes, LATERAL (
        SELECT count(*) AS ready, count(est_seconds) AS known, min(queued_at) AS oldest,
               avg(coalesce(est_seconds, %(guess_s)s)) AS mean_s FROM (
            SELECT j.est_seconds, j.queued_at FROM jobs j WHERE j.queue = lanes.queue AND j.org_id = lanes.org_id
              AND j.state = 'queued' AND j.dispatched_at IS NULL AND j.run_at <= now()
            ORDER BY j.rank, j.id LIMIT %(counted)s) first) w
), live AS (
    SELECT queue, org_id, count(*) FILTER (WHERE state = 'running') AS running,
           count(*) FILTER (WHERE state = 'queued') AS dispatched,
           count(est_seconds) FILTER (WHERE state = 'queued') AS known, min(queued_at) AS oldest,
           avg(coalesce(est_seconds, %(guess_s)s)) FILTER (WHERE state = 'queued') AS mean_s
    FROM (SELECT queue, org_id, state, est_seconds, NULL::timestamptz AS queued_at FROM jobs WHERE state = 'running'
          UNION ALL
          SELECT queue, org_id, state, est_seconds, queued_at FROM jobs
          WHERE state = 'queued' AND dispatched_at IS NOT NULL) held
    GROUP BY queue, org_id
), loads AS (
    SELECT queue, org_id, coalesce(running, 0) AS running, coalesce(dispatched, 0) AS dispatched,
           coalesce(due.mean_s, live.mean_s) AS mean_s, least(due.oldest, live.oldest) AS oldest,
           coalesce(due.known, 0) + coalesce(live.known, 0) AS known,
           CASE WHEN o.held_until > now() THEN 0 ELSE least(coalesce(ready, 0), greatest(0, coalesce(
               CASE jsonb_typeof(o.settings->'max_running')
                   WHEN 'number' THEN (o.settings->>'max_running')::integer
                   WHEN 'object' THEN (o.settings->'max_running'->>queue)::integer END,
               1000000) - coalesce(running, 0) - coalesce(dispatched, 0))) END AS may_run
    FROM due FULL JOIN live USING (queue, org_id) JOIN orgs o ON o.id = org_id
)
SELECT queue, sum(running)::integer AS running, sum(dispatched)::integer AS dispatched, sum(may_run)::integer AS ready,
       CASE WHEN sum(known) > 0 THEN sum((may_run + dispatched) * mean_s)::float8 END AS work_s,
       extract(epoch FROM now() - min(oldest))::float8 AS oldest_s
FROM loads GROUP BY queue
"""


def demand(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return, by queue with anything in it: jobs that may run but don't, dispatched, running, and seconds of work.

    Jobs above their organisation's cap or not due yet are left out: they must not buy workers. A job of which nothing
    is known counts for a guess beside those with an estimate; without any estimate the seconds are None.
    """
    rows = connection.execute(DEMAND, {"counted": COUNTED, "guess_s": GUESS_S}).fetchall()
    return {row["queue"]: row for row in rows}


def room(connection: Connection, queue: str, *, backlog: int, silent_s: float) -> int:
    """Return how many more jobs of a queue may be rung for: so many per slot of its live workers, less those rung for.

    Workers count while they were heard of lately and are not stopping; a queue without any is rung for as with one.
    """
    row = connection.execute(
        "SELECT %(backlog)s * greatest(1, coalesce((SELECT sum(slots) FROM workers WHERE queue = %(queue)s "
        "AND NOT stopping AND seen_at > clock_timestamp() - make_interval(secs => %(silent_s)s)), 0)) - "
        "(SELECT count(*) FROM jobs WHERE queue = %(queue)s AND state = 'queued' AND dispatched_at IS NOT NULL) "
        "AS room",
        {"queue": queue, "backlog": backlog, "silent_s": silent_s},
    ).fetchone()
    return int(row["room"]) if row else 0


def dispatched_counts(connection: Connection) -> dict[str, int]:
    """Return how many jobs of each queue were rung for and not taken yet."""
    rows = connection.execute(
        "SELECT queue, count(*) AS n FROM jobs WHERE state = 'queued' AND dispatched_at IS NOT NULL GROUP BY queue"
    ).fetchall()
    return {row["queue"]: row["n"] for row in rows}


def recall(connection: Connection, queue: str, older_than_s: float) -> int:
    """Take back the tokens of a queue's jobs that nobody claimed for a while; they are admitted, and rung for, anew."""
    return connection.execute(
        "UPDATE jobs SET dispatch_token = NULL, dispatched_at = NULL WHERE queue = %s AND state = 'queued' "
        "AND dispatched_at < clock_timestamp() - make_interval(secs => %s)",
        [queue, older_than_s],
    ).rowcount


def failed_dependencies(connection: Connection, limit: int = 200) -> list[dict[str, Any]]:
    """Return waiting jobs with a dependency that ended badly, and that dependency."""
    return connection.execute(
        """
        SELECT DISTINCT ON (w.org_id, w.id) w.org_id, w.id, w.queue, p.id AS dependency, p.kind, p.step, p.state
        FROM jobs w
        JOIN job_dependencies d ON d.org_id = w.org_id AND d.job_id = w.id
        JOIN jobs p ON p.org_id = d.org_id AND p.id = d.depends_on
        WHERE w.state = 'waiting' AND p.state IN ('failed', 'cancelled')
        ORDER BY w.org_id, w.id, p.finished_at LIMIT %s
        """,
        [limit],
    ).fetchall()


def released(connection: Connection, limit: int = 200) -> list[dict[str, Any]]:
    """Return waiting jobs whose dependencies have all succeeded."""
    return connection.execute(
        """
        SELECT w.org_id, w.id FROM jobs w
        WHERE w.state = 'waiting' AND NOT EXISTS (
            SELECT 1 FROM job_dependencies d JOIN jobs p ON p.org_id = d.org_id AND p.id = d.depends_on
            WHERE d.org_id = w.org_id AND d.job_id = w.id AND p.state <> 'succeeded')
        ORDER BY w.created_at LIMIT %s
        """,
        [limit],
    ).fetchall()


def past_deadline(connection: Connection, limit: int = 200) -> list[dict[str, Any]]:
    """Return jobs that were not started before their deadline."""
    return connection.execute(
        "SELECT org_id, id, queue, deadline_at FROM jobs "
        "WHERE state IN ('waiting', 'queued') AND deadline_at < now() ORDER BY deadline_at LIMIT %s",
        [limit],
    ).fetchall()


def busy_workers(connection: Connection) -> set[str]:
    """Return the names of the workers that run something."""
    rows = connection.execute("SELECT DISTINCT worker_id FROM jobs WHERE state = 'running'").fetchall()
    return {row["worker_id"] for row in rows}


def unring(connection: Connection, tokens: list[str]) -> None:
    """Take back tokens whose message could not be sent: the jobs are admitted anew."""
    connection.execute(
        "UPDATE jobs SET dispatch_token = NULL, dispatched_at = NULL "
        "WHERE state = 'queued' AND dispatch_token = ANY (%s::uuid[])",
        [tokens],
    )


def forget_silent_workers(connection: Connection, silent_s: float) -> None:
    """Delete the rows of workers not heard of for long; their jobs come back by their leases."""
    connection.execute("DELETE FROM workers WHERE seen_at < clock_timestamp() - make_interval(secs => %s)", [silent_s])
