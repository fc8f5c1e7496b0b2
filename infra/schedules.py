"""Schedules: a job or a pipeline submitted again at every tick, once whatever the number of schedulers.

A tick belongs to one row of `schedule_fires`, written in the transaction that submits; whoever comes second finds the
schedule locked or the row there. A schedule acts as the key that made it: revoked or expired, it acts no more.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg.types.json import Jsonb

from infra import audit
from infra.ids import new_id
from infra.keys import Caller
from infra.pipelines import submit_pipeline
from infra.resources import moment
from infra.sessions import calendar
from infra.submission import JobRequest, submit
from infra.ticks import Timetable, zone
from tasks.errors import NotFound, QuotaExceeded, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Connection, Database

MAX_SCHEDULES: Final = 1000
LATE: Final = dt.timedelta(minutes=5)  # a tick seen later than this was missed, and catch_up says what becomes of it
AT_ONCE: Final = 10  # ticks caught up with in one round; the next round goes on
KEY_GONE: Final = "the key that it acts as was revoked or has expired; resume it with another"


@dataclass(frozen=True)
class Plan:
    """What a schedule is to do: when, what (`job` or `pipeline`, with its checked body), and about missed ticks."""

    name: str
    cron: str
    timezone: str
    calendar: str | None
    catch_up: str
    what: str
    body: Mapping[str, Any]

    def timetable(self) -> Timetable:
        """Return when it ticks."""
        return timetable(self.cron, self.timezone, self.calendar)


def timetable(cron: str, timezone: str, calendar_name: str | None) -> Timetable:
    """Return the ticks of a schedule's columns; raises BadCron, BadZone or UnknownCalendar."""
    return Timetable(cron, zone(timezone), calendar(calendar_name) if calendar_name else None)


def create(connection: Connection, caller: Caller, plan: Plan, now: dt.datetime) -> dict[str, Any]:
    """Store a schedule that ticks from now on, having tried its body without effect.

    Raises what submission raises (Forbidden, Invalid), and QuotaExceeded.
    """
    held = connection.execute("SELECT count(*) AS n FROM schedules").fetchone()
    if held and held["n"] >= MAX_SCHEDULES:
        raise QuotaExceeded(
            f"The organisation has {MAX_SCHEDULES} schedules, as many as it may have; delete one first."
        )
    rehearse(connection, caller, plan.what, plan.body)
    row = connection.execute(
        """
        INSERT INTO schedules (org_id, id, name, cron, timezone, calendar, catch_up, what, body, created_by,
                               looked_until, next_at)
        VALUES (%(org_id)s, %(id)s, %(name)s, %(cron)s, %(timezone)s, %(calendar)s, %(catch_up)s, %(what)s, %(body)s,
                %(created_by)s, %(now)s, %(next_at)s)
        RETURNING *
        """,
        {
            "org_id": caller.org_id,
            "id": new_id("sch"),
            **_columns(plan),
            "created_by": caller.key_id,
            "now": now,
            "next_at": plan.timetable().next(now),
        },
    ).fetchone()
    assert row is not None
    return row


def change(
    connection: Connection, caller: Caller, schedule_id: str, plan: Plan, *, paused: bool, now: dt.datetime
) -> dict[str, Any]:
    """Replace what a schedule is to do, pause or resume it; unless paused, it acts as the caller's key from now on.

    Changed or resumed it ticks from now on: what it missed while it was paused is not caught up. Raises as `create`,
    but for a paused one, whose body is tried when it is resumed.
    """
    before = get(connection, schedule_id, lock=True)
    if not paused:
        rehearse(connection, caller, plan.what, plan.body)
    row = connection.execute(
        """
        UPDATE schedules SET name = %(name)s, cron = %(cron)s, timezone = %(timezone)s, calendar = %(calendar)s,
               catch_up = %(catch_up)s, what = %(what)s, body = %(body)s, created_by = %(by)s,
               looked_until = %(since)s, next_at = %(next_at)s, paused_at = %(paused_at)s,
               paused_reason = %(paused_reason)s
        WHERE id = %(id)s RETURNING *
        """,
        {
            "id": schedule_id,
            **_columns(plan),
            "by": before["created_by"] if paused else caller.key_id,
            "since": now,
            "next_at": plan.timetable().next(now),
            "paused_at": (before["paused_at"] or now) if paused else None,
            "paused_reason": (before["paused_reason"] or "asked") if paused else None,
        },
    ).fetchone()
    assert row is not None
    return row


def get(connection: Connection, schedule_id: str, *, lock: bool = False) -> dict[str, Any]:
    """Return one schedule's row; raises NotFound."""
    row = connection.execute(
        f"SELECT * FROM schedules WHERE id = %s {'FOR UPDATE' if lock else ''}", [schedule_id]
    ).fetchone()
    if row is None:
        raise NotFound("There is no such schedule.")
    return row


def list_page(
    connection: Connection, before: tuple[dt.datetime, str] | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return the organisation's schedules, newest first, older than `before` (created_at, id)."""
    at, last = before or (None, None)
    return connection.execute(
        "SELECT * FROM schedules WHERE %s::timestamptz IS NULL OR (created_at, id) < (%s, %s) "
        "ORDER BY created_at DESC, id DESC LIMIT %s",
        [at, at, last, limit],
    ).fetchall()


def fires(
    connection: Connection, schedule_id: str, before: dt.datetime | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return what a schedule did at its ticks, the newest first, before a time."""
    return connection.execute(
        "SELECT * FROM schedule_fires WHERE schedule_id = %s AND (%s::timestamptz IS NULL OR fire_time < %s) "
        "ORDER BY fire_time DESC LIMIT %s",
        [schedule_id, before, before, limit],
    ).fetchall()


def delete(connection: Connection, schedule_id: str) -> None:
    """Delete a schedule and the record of its ticks; what it submitted stays. Raises NotFound."""
    get(connection, schedule_id)
    connection.execute("DELETE FROM schedules WHERE id = %s", [schedule_id])


def due(connection: Connection, now: dt.datetime, limit: int = 500) -> list[dict[str, Any]]:
    """Return the ids of schedules with a tick to come by now, of every organisation, in a system transaction."""
    return connection.execute(
        "SELECT org_id, id FROM schedules WHERE paused_at IS NULL AND next_at <= %s ORDER BY next_at LIMIT %s",
        [now, limit],
    ).fetchall()


def fire(database: Database, org_id: str, schedule_id: str, now: dt.datetime) -> int:
    """Submit what is due of one schedule and return how many ticks that were; 0 if another scheduler is at it."""
    with database.org(org_id) as connection:
        row = connection.execute(
            "SELECT * FROM schedules WHERE id = %s AND paused_at IS NULL AND next_at <= %s FOR UPDATE SKIP LOCKED",
            [schedule_id, now],
        ).fetchone()
        if row is None:
            return 0
        caller = _caller(connection, row, now)
        if caller is None:
            connection.execute(
                "UPDATE schedules SET paused_at = %s, paused_reason = %s WHERE id = %s", [now, KEY_GONE, schedule_id]
            )
            return 0
        table = timetable(row["cron"], row["timezone"], row["calendar"])
        ticks, settled, missed = choose(table, row["catch_up"], row["looked_until"], now)
        for tick in ticks:
            _fire(connection, caller, row, tick)
        connection.execute(
            "UPDATE schedules SET looked_until = %s, next_at = %s, missed = missed + %s WHERE id = %s",
            [settled, table.next(settled), missed, schedule_id],
        )
        if ticks:
            audit.record(
                connection,
                org_id=org_id,
                actor=caller.key_id,
                request_id=None,
                action="schedule.fired",
                target=schedule_id,
                after=[moment(tick) for tick in ticks],
            )
        return len(ticks)


def choose(
    table: Timetable, catch_up: str, since: dt.datetime, now: dt.datetime
) -> tuple[list[dt.datetime], dt.datetime, int]:
    """Say which ticks after `since` and not after `now` are submitted, until when all is settled, and how many not.

    `all` takes every one, the oldest first, ten a round; `last` the newest; `skip` the newest if it is not
    later than five minutes. What was passed over is counted up to a thousand.
    """
    if catch_up == "all":
        ticks = table.until(since, now, AT_ONCE)
        return ticks, ticks[-1] if len(ticks) == AT_ONCE else now, 0
    last = table.last_until(since, now)
    if last is None:
        return [], now, 0
    wanted = catch_up == "last" or now - last <= LATE
    passed = len(table.until(since, now, 1001)) - wanted
    return [last] if wanted else [], now, passed


def rehearse(connection: Connection, caller: Caller, what: str, body: Mapping[str, Any]) -> None:
    """Submit a body and take it back, so that whatever would refuse it at a tick refuses it now; a full queue may."""
    try:
        with connection.transaction(force_rollback=True):
            _submit(connection, caller, what, body)
    except QuotaExceeded:
        return  # it says nothing about the body


def _fire(connection: Connection, caller: Caller, row: Mapping[str, Any], tick: dt.datetime) -> None:
    """Submit one tick and write its row; what is refused is written as the tick's error, and the schedule goes on."""
    job_id = pipeline_id = problem = None
    try:
        with connection.transaction():
            made = _submit(connection, caller, row["what"], row["body"])
        job_id, pipeline_id = (made, None) if row["what"] == "job" else (None, made)
    except Refused as error:
        problem = Jsonb(error.as_problem())
    connection.execute(
        "INSERT INTO schedule_fires (org_id, schedule_id, fire_time, job_id, pipeline_id, error) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [row["org_id"], row["id"], tick, job_id, pipeline_id, problem],
    )


def _submit(connection: Connection, caller: Caller, what: str, body: Mapping[str, Any]) -> str:
    if what == "job":
        job_id: str = submit(connection, caller, JobRequest(**body), request_id=None)["id"]
        return job_id
    steps = {name: JobRequest(**step) for name, step in body["steps"].items()}
    pipeline_id: str = submit_pipeline(connection, caller, steps, body["tags"], request_id=None)["id"]
    return pipeline_id


def _caller(connection: Connection, row: Mapping[str, Any], now: dt.datetime) -> Caller | None:
    """Return who a schedule acts as, or None if that key is not good any more."""
    key = connection.execute(
        "SELECT id, name, role FROM api_keys WHERE id = %s AND revoked_at IS NULL "
        "AND (expires_at IS NULL OR expires_at > %s)",
        [row["created_by"], now],
    ).fetchone()
    return Caller(row["org_id"], key["id"], key["role"], key["name"]) if key else None


def _columns(plan: Plan) -> dict[str, Any]:
    names = ("name", "cron", "timezone", "calendar", "catch_up", "what")
    return {name: getattr(plan, name) for name in names} | {"body": Jsonb(dict(plan.body))}
