"""Schedules over HTTP: a job or a pipeline submitted again at every tick of a cron expression."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from marshmallow import fields

from api import examples, paging
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.job_bodies import job_body, request_of
from api.lists import list_of
from api.pipelines import pipeline_body
from api.shapes import Shape, open_object, time_field
from infra import audit, schedules
from infra.resources import moment
from infra.schedules import Plan
from infra.sessions import UnknownCalendar
from infra.sessions import calendar as exchange
from infra.ticks import BadCron, BadZone, check_cron, zone
from tasks.errors import DatasetNotReady, Invalid, QuotaExceeded, Violation
from tasks.params import Choice, Flag, Params, Text, Whole, check

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.call import Call

TAG: Final = "Schedules"
CATCH_UP: Final = ("skip", "last", "all")
BODY: Final = {
    "name": "nightly scores",
    "cron": "30 18 * * MON-FRI",
    "timezone": "America/New_York",
    "calendar": "XNYS",
    "catch_up": "last",
    "job": {
        "kind": "factors",
        "params": {"prices": examples.DATASET, "recipe": {"factors": [{"name": "momentum"}]}},
    },
}


def _cron(**kwargs: Any) -> Text:
    about = "minute, hour, day of month, month, day of week"
    return Text(min_length=1, max_length=200, metadata={"description": about}, **kwargs)


def _zone(**kwargs: Any) -> Text:
    return Text(min_length=1, max_length=64, metadata={"description": "an IANA time zone"}, **kwargs)


def _calendar(**kwargs: Any) -> Text:
    about = "an exchange's code, such as XNYS: ticks on other days than its sessions are left out"
    return Text(min_length=1, max_length=16, allow_none=True, metadata={"description": about}, **kwargs)


class ScheduleBody(Params):
    """When, and what: either `job`, a body as for POST /v1/jobs, or `pipeline`, one as for POST /v1/pipelines."""

    name = Text(load_default="", max_length=100)
    cron = _cron(required=True)
    timezone = _zone(load_default="UTC")
    calendar = _calendar(load_default=None)
    catch_up = Choice(CATCH_UP, load_default="skip", metadata={"description": "what becomes of missed ticks"})
    job = fields.Raw(metadata={"description": "a job's body"})
    pipeline = fields.Raw(metadata={"description": "a pipeline's body"})


class ScheduleChange(Params):
    """What is to change; what is left out stays."""

    name = Text(max_length=100)
    cron = _cron()
    timezone = _zone()
    calendar = _calendar()
    catch_up = Choice(CATCH_UP)
    job = fields.Raw(metadata={"description": "a job's body"})
    pipeline = fields.Raw(metadata={"description": "a pipeline's body"})
    paused = Flag()


class ScheduleShape(Shape):
    """A schedule; `acts_as` is the key whose role its jobs are submitted with."""

    id = fields.String()
    name = fields.String()
    cron = fields.String()
    timezone = fields.String()
    calendar = fields.String(allow_none=True)
    catch_up = Choice(CATCH_UP)
    job = open_object(null=True)
    pipeline = open_object(null=True)
    acts_as = fields.String()
    paused = Flag()
    paused_at = time_field()
    paused_reason = fields.String(allow_none=True)
    next_at = time_field()
    missed = Whole(minimum=0)
    created_at = time_field(null=False)
    links = open_object()


class FireShape(Shape):
    """What a schedule did at one tick: the job or pipeline it made, or the problem that kept it from it."""

    at = time_field(null=False)
    fired_at = time_field(null=False)
    job = fields.String(allow_none=True)
    pipeline = fields.String(allow_none=True)
    error = open_object(null=True)


def schedule_body(raw: Any) -> dict[str, Any]:
    """Check a new schedule whole; raises Invalid with every violation."""
    body = check(ScheduleBody, raw, pointer="")
    _check_parts(body)
    if ("job" in body) == ("pipeline" in body):
        raise Invalid(None, Violation("", "give either job or pipeline."))
    return body


def schedule_change(raw: Any) -> dict[str, Any]:
    """Check a change of a schedule; raises Invalid with every violation."""
    body = check(ScheduleChange, raw, pointer="")
    _check_parts(body)
    if "job" in body and "pipeline" in body:
        raise Invalid(None, Violation("", "give either job or pipeline."))
    return body


@endpoint(
    "POST",
    "/v1/schedules",
    tag=TAG,
    summary="Make a schedule",
    permission="read",
    body=ScheduleBody,
    check_body=schedule_body,
    answers={201: Answer("The schedule, which ticks from now on.", ScheduleShape, headers={"Location": "it"})},
    refusals=(QuotaExceeded, DatasetNotReady),
    example=Example(body=BODY),
)
def create_schedule(call: Call) -> Reply:
    """Submit a job or pipeline at every tick, each tick once, as the caller's key; the permission is the kinds' own.

    Where clocks change, fixed times tick once a day, right after a gap that swallows them; `*` follows real time.
    """
    plan = _plan(call, call.body)
    row = schedules.create(call.connection, call.caller, plan, _now())
    _record(call, "schedule.created", row["id"], after=_schedule(row))
    return Reply(_schedule(row), 201, {"Location": f"/v1/schedules/{row['id']}"})


@endpoint(
    "GET",
    "/v1/schedules",
    tag=TAG,
    summary="List schedules",
    permission="read",
    query=paging.Page,
    answers={200: Answer("Schedules, newest first.", list_of(ScheduleShape), headers={"Link": "the next page"})},
)
def list_schedules(call: Call) -> Reply:
    """List the organisation's schedules."""
    return paging.newest_first(call, schedules.list_page, _schedule)


@endpoint(
    "GET",
    "/v1/schedules/{schedule_id}",
    tag=TAG,
    summary="Get a schedule",
    permission="read",
    answers={200: Answer("The schedule.", ScheduleShape)},
    example=Example(path={"schedule_id": examples.SCHEDULE}),
)
def get_schedule(call: Call) -> Reply:
    """Return a schedule; `next_at` is null where no tick is to come, or where its exchange's calendar ends."""
    return Reply(_schedule(schedules.get(call.connection, call.path["schedule_id"])))


@endpoint(
    "PATCH",
    "/v1/schedules/{schedule_id}",
    tag=TAG,
    summary="Change, pause or resume a schedule",
    permission="read",
    body=ScheduleChange,
    check_body=schedule_change,
    answers={200: Answer("The schedule as it is now.", ScheduleShape)},
    refusals=(DatasetNotReady,),
    example=Example(path={"schedule_id": examples.SCHEDULE}, body={"paused": True}),
)
def change_schedule(call: Call) -> Reply:
    """Change a schedule, which then acts as the caller's key; another key's takes the permission `admin`."""
    before = _theirs(call)
    paused = call.body.get("paused", before["paused_at"] is not None)
    plan = _plan(call, _merged(before, call.body))
    row = schedules.change(call.connection, call.caller, before["id"], plan, paused=paused, now=_now())
    _record(call, "schedule.changed", row["id"], before=_schedule(before), after=_schedule(row))
    return Reply(_schedule(row))


@endpoint(
    "DELETE",
    "/v1/schedules/{schedule_id}",
    tag=TAG,
    summary="Delete a schedule",
    permission="read",
    answers={204: Answer("It is gone; what it submitted stays.")},
    example=Example(path={"schedule_id": examples.SCHEDULE}),
)
def delete_schedule(call: Call) -> Reply:
    """Delete a schedule; another key's takes the permission `admin`."""
    before = _theirs(call)
    schedules.delete(call.connection, before["id"])
    _record(call, "schedule.deleted", before["id"], before=_schedule(before))
    return Reply(None, 204)


@endpoint(
    "GET",
    "/v1/schedules/{schedule_id}/fires",
    tag=TAG,
    summary="List what a schedule did",
    permission="read",
    query=paging.Page,
    answers={200: Answer("Its ticks, newest first.", list_of(FireShape), headers={"Link": "the next page"})},
    example=Example(path={"schedule_id": examples.SCHEDULE}),
)
def list_fires(call: Call) -> Reply:
    """List a schedule's ticks, each with the job or pipeline that it submitted."""
    row = schedules.get(call.connection, call.path["schedule_id"])
    start, limit = paging.place(call), call.query["limit"]
    before = dt.datetime.fromisoformat(start[0]) if start else None
    rows = schedules.fires(call.connection, row["id"], before, limit + 1)
    shown = rows[:limit]
    last = [shown[-1]["fire_time"].isoformat()] if len(rows) > limit else None
    return paging.page(call, [_tick(one) for one in shown], last)


def _check_parts(body: dict[str, Any]) -> None:
    """Check what a schema alone can't, and write the cleaned parts into the body."""
    checks: dict[str, Callable[[Any], Any]] = {
        "cron": check_cron,
        "timezone": lambda name: zone(name).key,
        "calendar": lambda name: exchange(name).name if name is not None else None,
        "job": job_body,
        "pipeline": pipeline_body,
    }
    violations: list[Violation] = []
    for name in checks.keys() & body.keys():
        try:
            body[name] = checks[name](body[name])
        except Invalid as error:
            violations += [Violation(f"/{name}{v.pointer}", v.detail) for v in error.violations]
        except (BadCron, BadZone, UnknownCalendar) as error:
            violations.append(Violation(f"/{name}", str(error)))
    if violations:
        raise Invalid(None, *sorted(violations, key=lambda violation: violation.pointer))


def _plan(call: Call, body: Mapping[str, Any]) -> Plan:
    """Return a checked body as what is stored; raises Invalid for a callback's address that is refused."""
    what = "job" if "job" in body else "pipeline"
    steps = {"": body["job"]} if what == "job" else {f"/steps/{n}": s for n, s in body["pipeline"]["steps"].items()}
    for place, step in steps.items():
        request_of(call, step, f"/{what}{place}")
    names = ("name", "cron", "timezone", "calendar", "catch_up")
    return Plan(**{name: body[name] for name in names}, what=what, body=body[what])


def _merged(row: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored schedule with a change written over it."""
    names = ("name", "cron", "timezone", "calendar", "catch_up")
    stays = {} if {"job", "pipeline"} & body.keys() else {row["what"]: row["body"]}
    return {name: row[name] for name in names} | stays | dict(body)


def _theirs(call: Call) -> dict[str, Any]:
    """Return the schedule, which must be the caller's own unless they are an admin."""
    row = schedules.get(call.connection, call.path["schedule_id"])
    if row["created_by"] != call.caller.key_id:
        call.caller.require("admin")
    return row


def _schedule(row: Mapping[str, Any]) -> dict[str, Any]:
    here = f"/v1/schedules/{row['id']}"
    return {
        **{name: row[name] for name in ("id", "name", "cron", "timezone", "calendar", "catch_up", "missed")},
        "job": row["body"] if row["what"] == "job" else None,
        "pipeline": row["body"] if row["what"] == "pipeline" else None,
        "acts_as": row["created_by"],
        "paused": row["paused_at"] is not None,
        "paused_at": moment(row["paused_at"]),
        "paused_reason": row["paused_reason"],
        "next_at": moment(row["next_at"]) if row["paused_at"] is None else None,
        "created_at": moment(row["created_at"]),
        "links": {"self": here, "fires": f"{here}/fires"},
    }


def _tick(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": moment(row["fire_time"]),
        "fired_at": moment(row["fired_at"]),
        "job": row["job_id"],
        "pipeline": row["pipeline_id"],
        "error": row["error"],
    }


def _record(call: Call, action: str, target: str, before: Any = None, after: Any = None) -> None:
    audit.record(
        call.connection,
        org_id=call.org_id,
        actor=call.caller.key_id,
        request_id=call.request_id,
        action=action,
        target=target,
        before=before,
        after=after,
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
