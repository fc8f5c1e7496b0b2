import datetime as dt
import itertools

import pytest

from infra.sessions import UnknownCalendar, calendar
from infra.ticks import BadCron, BadZone, Timetable, check_cron, zone

NEW_YORK = zone("America/New_York")


def utc(*parts):
    return dt.datetime(*parts, tzinfo=dt.UTC)


def ticks(cron, start, n=4, where=NEW_YORK, exchange=None):
    table = Timetable(cron, where, calendar(exchange) if exchange else None)
    found = list(itertools.islice(table.after(start), n))
    assert all(tick.tzinfo is dt.UTC for tick in found)
    assert found == sorted(set(found))
    return [tick.astimezone(where).strftime("%m-%d %H:%M %z") for tick in found]


BEFORE_GAP = utc(2026, 3, 7, 12)  # New York skips 02:00 to 03:00 on 8 March 2026
BEFORE_FOLD = utc(2026, 10, 31, 12)  # and has 01:00 to 02:00 twice on 1 November


@pytest.mark.parametrize("cron", ["30 2 * * *", "0,30 2 * * *", "15 2 8-9 3 *"])
def test_a_time_that_the_gap_swallows_ticks_once_at_its_end(cron):
    first, second = ticks(cron, BEFORE_GAP, 2)
    assert first == "03-08 03:00 -0400"
    assert not second.startswith("03-08")


def test_a_time_in_and_one_after_the_gap_that_fall_together_tick_once():
    assert ticks("0 2,3 * * *", BEFORE_GAP, 3) == ["03-08 03:00 -0400", "03-09 02:00 -0400", "03-09 03:00 -0400"]


def test_a_star_follows_real_time_through_the_gap():
    assert ticks("30 * * * *", utc(2026, 3, 8, 6), 3) == ["03-08 01:30 -0500", "03-08 03:30 -0400", "03-08 04:30 -0400"]
    assert ticks("*/30 2 * * *", BEFORE_GAP, 1) == ["03-09 02:00 -0400"]


def test_a_fixed_time_in_the_fold_ticks_once_the_first_time():
    assert ticks("30 1 * * *", BEFORE_FOLD, 2) == ["11-01 01:30 -0400", "11-02 01:30 -0500"]


@pytest.mark.parametrize("minutes", range(0, 120, 7))
def test_looked_at_from_anywhere_in_the_fold_it_does_not_tick_again(minutes):
    first = utc(2026, 11, 1, 5, 30)
    start = first + dt.timedelta(minutes=minutes)
    assert ticks("30 1 * * *", start, 1) == ["11-02 01:30 -0500"]


def test_a_star_ticks_in_both_of_the_folds_hours():
    assert ticks("*/30 1 * * *", BEFORE_FOLD, 4) == [
        "11-01 01:00 -0400",
        "11-01 01:30 -0400",
        "11-01 01:00 -0500",
        "11-01 01:30 -0500",
    ]


def test_the_zones_clock_and_not_utc_is_read():
    assert ticks("0 9 * * *", utc(2026, 3, 7, 15), 2) == ["03-08 09:00 -0400", "03-09 09:00 -0400"]
    assert ticks("0 9 * * *", utc(2026, 3, 7, 15), 1, zone("Asia/Tokyo")) == ["03-08 09:00 +0900"]
    assert ticks("0 9 * * *", utc(2026, 3, 7, 15), 1, zone("UTC")) == ["03-08 09:00 +0000"]


def test_only_session_days_tick():
    """Thanksgiving 2026 is 26 November; the day after is a session, if a short one."""
    assert ticks("0 18 * * *", utc(2026, 11, 25, 12), 4, exchange="XNYS") == [
        "11-25 18:00 -0500",
        "11-27 18:00 -0500",
        "11-30 18:00 -0500",
        "12-01 18:00 -0500",
    ]


def test_the_day_is_the_exchanges_own():
    """01:00 UTC on Saturday is Friday evening in New York; on Monday it is Sunday."""
    found = ticks("0 1 * * *", utc(2026, 6, 5, 12), 3, zone("UTC"), "XNYS")
    assert found == ["06-06 01:00 +0000", "06-09 01:00 +0000", "06-10 01:00 +0000"]


def test_a_schedule_that_never_meets_a_session_ends_soon():
    assert ticks("* * * * SUN", utc(2026, 1, 1), 1, exchange="XNYS") == []


def test_beyond_the_calendars_end_nothing_ticks():
    last = calendar("XNYS").last
    assert ticks("0 18 * * *", dt.datetime(last.year, 12, 30, tzinfo=dt.UTC), 9, exchange="XNYS")[-1].startswith(
        "12-31"
    )


@pytest.mark.parametrize("cron", ["30 18 * * 1-5", "*/7 * * * *", "0 0 1 * *", "30 1 * * *", "0 0 29 2 *"])
@pytest.mark.parametrize("days", [0, 1, 33, 500])
def test_the_last_tick_is_the_last_of_all_of_them(cron, days):
    end = utc(2026, 11, 2, 0, 3)
    start = end - dt.timedelta(days=days)
    table = Timetable(cron, NEW_YORK)
    every = table.until(start, end, 10**6)
    assert table.last_until(start, end) == (every[-1] if every else None)


def test_until_stops_at_its_limit_and_takes_the_end_along():
    table = Timetable("* * * * *", NEW_YORK)
    start = utc(2026, 1, 1)
    assert table.until(start, start + dt.timedelta(minutes=3), 99)[-1] == start + dt.timedelta(minutes=3)
    assert len(table.until(start, start + dt.timedelta(days=1), 5)) == 5


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "* * * * * *", "@daily", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
     "a b c d e", "0 0 30 2 *", "*/0 * * * *", "5-1 * * * *", "1.5 * * * *", "-1 * * * *", "* * * * MOON"],
)  # fmt: skip
def test_what_is_no_cron_expression_is_refused(text):
    with pytest.raises(BadCron):
        check_cron(text)


def test_spaces_do_not_matter():
    assert check_cron("  0\t9  * * mon-fri ") == "0 9 * * mon-fri"


@pytest.mark.parametrize(
    "name", ["", "EST5", "America/Nowhere", "../../etc/passwd", "/etc/localtime", "america/new_york"]
)
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(BadZone):
        zone(name)


def test_an_unknown_calendar_names_near_ones():
    with pytest.raises(UnknownCalendar, match="XNYS"):
        calendar("XNYZ")
    assert calendar("NASDAQ") is calendar("XNAS") or calendar("NASDAQ") == calendar("XNYS")
