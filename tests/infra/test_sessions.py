import datetime as dt
import json
import warnings

import pytest

from infra.sessions import TABLE, calendar, names


@pytest.mark.parametrize(
    ("exchange", "day", "trades"),
    [
        ("XNYS", "2025-01-09", False),  # the day of mourning for President Carter
        ("XNYS", "2026-07-03", False),  # Independence Day falls on a Saturday
        ("XNYS", "2026-11-27", True),
        ("XLON", "2026-05-04", False),
        ("XTKS", "2026-04-29", False),
        ("XHKG", "2026-02-17", False),
        ("XSAU", "2026-06-14", True),  # a Sunday
        ("XSAU", "2026-06-12", False),  # a Friday
    ],
)
def test_known_days(exchange, day, trades):
    assert calendar(exchange).trades_on(dt.date.fromisoformat(day)) is trades


def test_outside_the_table_nothing_is_a_session():
    found = calendar("XNYS")
    assert not found.trades_on(found.first - dt.timedelta(days=2))
    assert not found.trades_on(found.last + dt.timedelta(days=2))
    assert found.next_session(found.last + dt.timedelta(days=1)) is None


def test_every_name_has_a_calendar():
    assert len(names()) > 80
    assert all(calendar(name).timezone for name in names())


@pytest.mark.parametrize("exchange", ["XNYS", "XLON", "XTKS", "XHKG", "XSAU"])
def test_the_table_is_what_exchange_calendars_says(exchange):
    from worker import sessions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # exchange_calendars speaks to an older pandas
        computed = sessions.calendar(exchange)
    kept = json.loads(TABLE.read_text(encoding="utf-8"))["calendars"][exchange]
    assert kept == computed, "run python -m worker.sessions"
