from __future__ import annotations

import numpy as np
import pytest

from tasks.quant.rebalance import schedule

SESSIONS = np.array([d for d in np.arange("2020-01-01", "2020-07-08", dtype="datetime64[D]") if np.is_busday(d)])


def picked(frequency, **how):
    return [str(day) for day in SESSIONS[schedule(SESSIONS, frequency, **how)]]


def test_monthly_picks_the_last_session_of_each_finished_month():
    assert picked("M") == ["2020-01-31", "2020-02-28", "2020-03-31", "2020-04-30", "2020-05-29", "2020-06-30"]


def test_quarterly_and_weekly():
    assert picked("Q") == ["2020-03-31", "2020-06-30"]
    assert picked("W")[:3] == ["2020-01-03", "2020-01-10", "2020-01-17"]


def test_daily_picks_every_session():
    assert len(picked("D")) == len(SESSIONS)


def test_an_offset_moves_whole_sessions_later():
    assert picked("M", offset=1)[:2] == ["2020-02-03", "2020-03-02"]
    assert schedule(SESSIONS[:23], "M", 5).tolist() == []


def test_the_open_period_counts_only_on_request():
    assert picked("M", open_period=True)[-1] == "2020-07-07"


@pytest.mark.parametrize("frequency", ["D", "W", "M", "Q"])
@pytest.mark.parametrize("cut", [1, 24, 60, 100])
def test_a_shorter_table_picks_a_subset_of_the_longer_ones_sessions(frequency, cut):
    whole = schedule(SESSIONS, frequency, 2)
    assert set(schedule(SESSIONS[:cut], frequency, 2)) <= set(whole[whole < cut])


def test_an_offset_before_the_periods_end_is_refused():
    with pytest.raises(ValueError, match="before"):
        schedule(SESSIONS, "M", -1)


DAYS = np.arange("2023-12-18", "2024-04-11", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS)]


def chosen(frequency, days=DAYS):
    return days[schedule(days, frequency, open_period=True)].astype(str).tolist()


def test_a_week_ends_on_its_last_session():
    days = DAYS[(np.datetime64("2024-03-29") != DAYS)]  # Good Friday
    found = chosen("W", days)
    assert found[:3] == ["2023-12-22", "2023-12-29", "2024-01-05"]
    assert "2024-03-28" in found


def test_a_month_and_a_quarter_end_on_their_last_session_and_the_newest_date_counts():
    assert chosen("M") == ["2023-12-29", "2024-01-31", "2024-02-29", "2024-03-29", "2024-04-10"]
    assert chosen("Q") == ["2023-12-29", "2024-03-29", "2024-04-10"]


def test_every_session_is_a_day():
    assert chosen("D") == DAYS.astype(str).tolist()


def test_weeks_run_from_monday_to_sunday():
    days = np.arange("2024-01-01", "2024-01-15", dtype="datetime64[D]")  # a market without weekends
    assert chosen("W", days) == ["2024-01-07", "2024-01-14"]


@pytest.mark.parametrize("frequency", ["D", "W", "M", "Q"])
def test_an_empty_calendar_has_no_dates(frequency):
    assert len(schedule(DAYS[:0], frequency, open_period=True)) == 0


def test_an_unknown_frequency_is_refused():
    with pytest.raises(ValueError, match="'Y'"):
        schedule(DAYS, "Y")
