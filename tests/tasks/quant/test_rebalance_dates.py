import numpy as np
import pytest

from tasks.quant.rebalance_dates import rebalance_rows

DAYS = np.arange("2023-12-18", "2024-04-11", dtype="datetime64[D]")
DAYS = DAYS[np.is_busday(DAYS)]


def chosen(frequency, days=DAYS):
    return days[rebalance_rows(days, frequency)].astype(str).tolist()


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
    assert len(rebalance_rows(DAYS[:0], frequency)) == 0


def test_an_unknown_frequency_is_refused():
    with pytest.raises(ValueError, match="'Y'"):
        rebalance_rows(DAYS, "Y")
