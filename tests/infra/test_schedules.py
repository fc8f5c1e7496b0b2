import datetime as dt
import threading

import pytest

from infra import keys, schedules
from infra.keys import Caller
from infra.schedules import Plan, choose, timetable
from tasks.errors import Forbidden, Invalid, NotFound
from worker.schedules import fire_due

START = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def caller(database, org):
    with database.org(org.org_id) as connection:
        made = keys.create(connection, org.org_id, "scheduler", "quant")
    return Caller(org.org_id, made.row["id"], "quant", "scheduler")


def body(**rest):
    """A job whose only input stands in its parameters, so that it can be submitted at any time."""
    return {"kind": "factors", "params": PARAMS, "tags": {}, "cache": "off", **rest}


ROWS = [[f"2024-01-{day:02}", symbol, 10.0 + day] for symbol in ("AAA", "BBB") for day in (2, 3, 4)]
PARAMS = {
    "prices": {"columns": ["date", "symbol", "close"], "rows": ROWS},
    "recipe": {"factors": [{"name": "momentum"}]},
}


def plan(cron="0 * * * *", catch_up="skip", what="job", given=None, **rest):
    columns = {"name": "", "timezone": "UTC", "calendar": None} | rest
    return Plan(cron=cron, catch_up=catch_up, what=what, body=given or body(), **columns)


@pytest.fixture
def make(database, caller):
    def create(*args, now=START, **kwargs):
        with database.org(caller.org_id) as connection:
            return schedules.create(connection, caller, plan(*args, **kwargs), now)

    return create


def read(database, org, schedule):
    with database.org(org.org_id) as connection:
        return schedules.get(connection, schedule["id"]), schedules.fires(connection, schedule["id"], limit=500)


def fire(database, org, schedule, now):
    return schedules.fire(database, org.org_id, schedule["id"], now)


def jobs_of(database, org):
    with database.org(org.org_id) as connection:
        return connection.execute("SELECT * FROM jobs ORDER BY id").fetchall()


def test_a_tick_submits_its_job_as_the_key_that_made_the_schedule(database, org, caller, make):
    made = make()
    assert made["next_at"] == START + HOUR
    assert fire(database, org, made, START + dt.timedelta(minutes=59)) == 0
    assert fire(database, org, made, START + HOUR) == 1
    (job,) = jobs_of(database, org)
    assert (job["kind"], job["created_by"], job["state"]) == ("factors", caller.key_id, "queued")
    row, (tick,) = read(database, org, made)
    assert (tick["fire_time"], tick["job_id"], tick["error"]) == (START + HOUR, job["id"], None)
    assert row["next_at"] == START + 2 * HOUR


def test_creating_a_schedule_submits_nothing(database, org, make):
    make()
    assert jobs_of(database, org) == []


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"kind": "no_such_kind", "params": {}}, "/kind"),
        ({"kind": "factors", "params": {"prices": "ds_01970000-0000-7000-8000-0000000fffff"}}, "/params/recipe"),
    ],
)
def test_a_body_that_would_be_refused_at_the_tick_is_refused_now(make, given, pointer):
    with pytest.raises(Invalid) as refused:
        make(given=given)
    assert any(violation.pointer.startswith(pointer) for violation in refused.value.violations)


def test_a_role_that_may_not_run_the_kind_may_not_schedule_it(database, org):
    viewer = Caller(org.org_id, "key_x", "viewer", "x")
    with database.org(org.org_id) as connection, pytest.raises(Forbidden):
        schedules.create(connection, viewer, plan(), START)


def test_each_tick_is_submitted_once_by_however_many_schedulers(database, org, make):
    made = make("*/10 * * * *", "all")
    fired, ready = [], threading.Barrier(5)

    def scheduler():
        ready.wait()
        fired.extend(fire(database, org, made, START + HOUR) for _ in range(5))

    threads = [threading.Thread(target=scheduler) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fired) == 6
    assert len(jobs_of(database, org)) == 6
    _, ticks = read(database, org, made)
    assert [tick["fire_time"].minute for tick in reversed(ticks)] == [10, 20, 30, 40, 50, 0]


def test_a_scheduler_killed_in_between_leaves_nothing_and_the_next_one_does_it(database, org, make, monkeypatch):
    made = make()
    with monkeypatch.context() as patch:
        patch.setattr(schedules.audit, "record", lambda *_, **__: 1 / 0)  # after submission, before the commit
        with pytest.raises(ZeroDivisionError):
            fire(database, org, made, START + HOUR)
    assert jobs_of(database, org) == []
    assert fire(database, org, made, START + HOUR) == 1


@pytest.mark.parametrize(("catch_up", "counts"), [("skip", (0, 8)), ("last", (1, 7)), ("all", (8, 0))])
def test_what_was_missed_is_caught_up_as_asked(database, org, make, catch_up, counts):
    submitted, missed = counts
    made = make("0 * * * *", catch_up)
    now = START + 8 * HOUR + dt.timedelta(minutes=20)
    assert fire(database, org, made, now) == submitted
    row, ticks = read(database, org, made)
    assert (len(ticks), row["missed"], row["next_at"]) == (submitted, missed, START + 9 * HOUR)
    if catch_up == "last":
        assert ticks[0]["fire_time"] == START + 8 * HOUR


def test_a_tick_seen_a_little_late_is_not_missed(database, org, make):
    made = make("0 * * * *", "skip")
    assert fire(database, org, made, START + 2 * HOUR + dt.timedelta(minutes=5)) == 1
    row, (tick,) = read(database, org, made)
    assert (tick["fire_time"], row["missed"]) == (START + 2 * HOUR, 1)


def test_a_long_outage_is_caught_up_with_round_by_round(database, org, make):
    made = make("* * * * *", "all")
    now = START + 2 * HOUR
    rounds = []
    while done := fire(database, org, made, now):
        rounds.append(done)
    assert sum(rounds) == 120
    assert max(rounds) == schedules.AT_ONCE
    assert len(read(database, org, made)[1]) == 120


def test_missed_ticks_are_chosen_quickly_after_a_year_away():
    table = timetable("* * * * *", "UTC", None)
    chosen, settled, missed = choose(table, "last", START - dt.timedelta(days=365), START)
    assert (chosen, settled, missed) == ([START], START, 1000)


def test_a_tick_that_is_refused_is_written_down_and_the_next_goes_on(database, org, make):
    made = make("0 * * * *", "all")
    with database.org(org.org_id) as connection:
        connection.execute(
            "UPDATE schedules SET body = jsonb_set(body, '{kind}', '\"gone\"') WHERE id = %s", [made["id"]]
        )
    assert fire(database, org, made, START + HOUR) == 1
    _, (tick,) = read(database, org, made)
    assert (tick["job_id"], tick["error"]["type"]) == (None, "/problems/validation-failed")
    assert jobs_of(database, org) == []


def test_a_revoked_key_acts_no_more(database, org, caller, make):
    made = make()
    with database.org(org.org_id) as connection:
        keys.revoke(connection, caller.key_id)
    assert fire(database, org, made, START + HOUR) == 0
    row, ticks = read(database, org, made)
    assert (row["paused_reason"], ticks) == (schedules.KEY_GONE, [])
    with database.org(org.org_id) as connection:
        fresh = keys.create(connection, org.org_id, "next", "quant")
        other = Caller(org.org_id, fresh.row["id"], "quant", "next")
        schedules.change(connection, other, made["id"], plan(), paused=False, now=START + 5 * HOUR)
    assert fire(database, org, made, START + 6 * HOUR) == 1
    assert jobs_of(database, org)[0]["created_by"] == other.key_id


def test_a_paused_schedule_ticks_no_more_and_does_not_catch_up_when_resumed(database, org, caller, make):
    made = make("0 * * * *", "all")
    with database.org(org.org_id) as connection:
        schedules.change(connection, caller, made["id"], plan(catch_up="all"), paused=True, now=START)
    assert fire(database, org, made, START + 5 * HOUR) == 0
    with database.org(org.org_id) as connection:
        later = START + 5 * HOUR
        row = schedules.change(connection, caller, made["id"], plan(catch_up="all"), paused=False, now=later)
    assert (row["paused_at"], row["next_at"]) == (None, START + 6 * HOUR)
    assert fire(database, org, made, START + 6 * HOUR) == 1


def test_a_pipeline_is_submitted_whole(database, org, make):
    steps = {"one": body(), "two": body(params={**PARAMS, "prices": PARAMS["prices"]})}
    made = make("0 * * * *", "skip", "pipeline", {"steps": steps, "tags": {"desk": "x"}})
    assert fire(database, org, made, START + HOUR) == 1
    _, (tick,) = read(database, org, made)
    assert tick["pipeline_id"].startswith("pipe_")
    assert {job["step"] for job in jobs_of(database, org)} == {"one", "two"}


def test_ticks_at_a_clock_change_are_submitted_once(database, org, make):
    fold = dt.datetime(2026, 10, 31, 12, tzinfo=dt.UTC)
    made = make("30 1 * * *", "all", timezone="America/New_York", now=fold)
    for hours in range(30):
        fire(database, org, made, fold + hours * HOUR)
    _, ticks = read(database, org, made)
    assert [tick["fire_time"] for tick in ticks] == [dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC)]


def test_every_due_schedule_is_fired_whatever_ails_one(database, org, make):
    broken, good = make(), make()
    with database.org(org.org_id) as connection:
        connection.execute("UPDATE schedules SET body = '{\"kind\": 3}' WHERE id = %s", [broken["id"]])
    fire_due(database, START + HOUR)
    assert len(read(database, org, good)[1]) == 1


def test_a_deleted_schedule_leaves_what_it_submitted(database, org, make):
    made = make()
    fire(database, org, made, START + HOUR)
    with database.org(org.org_id) as connection:
        schedules.delete(connection, made["id"])
        with pytest.raises(NotFound):
            schedules.get(connection, made["id"])
    assert len(jobs_of(database, org)) == 1


def test_another_organisations_schedule_is_not_there(database, make):
    made = make()
    with database.org("org_other") as connection, pytest.raises(NotFound):
        schedules.get(connection, made["id"])
