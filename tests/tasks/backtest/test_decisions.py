from __future__ import annotations

import numpy as np
import pytest

from tasks.backtest.decisions import decisions, window
from tasks.backtest.reading import Dated
from tasks.errors import DataUnusable

SESSIONS = np.busday_offset("2021-01-04", np.arange(60))  # Monday 4 January to Friday 26 March


def asked(**changes):
    return {
        "rebalance": "M",
        "rebalance_offset_days": 0,
        "execution_lag_days": 1,
        "signal_max_age_days": 45,
        "start": None,
        "end": None,
        **changes,
    }


def dated(*days):
    return Dated(np.array(days, dtype="datetime64[D]"), np.zeros((len(days), 1)))


def seen(params, source):
    found = decisions(params, SESSIONS, source)
    return [(str(SESSIONS[row]), str(source.dates[k])) for row, k in zip(found.rows, found.sources, strict=True)]


def test_a_rebalance_sees_the_latest_signal_up_to_its_close():
    source = dated("2021-01-10", "2021-01-29", "2021-02-27")
    assert seen(asked(), source) == [("2021-01-29", "2021-01-29"), ("2021-02-26", "2021-01-29")]


def test_an_old_signal_decides_nothing():
    assert seen(asked(signal_max_age_days=20), dated("2021-01-15")) == [("2021-01-29", "2021-01-15")]


def test_nothing_is_decided_before_the_first_signal():
    assert seen(asked(rebalance="W"), dated("2021-03-10"))[0] == ("2021-03-12", "2021-03-10")


def test_the_tables_own_dates_decide_and_a_weekend_counts_as_known_after_friday():
    source = dated("2021-01-01", "2021-02-06", "2021-02-07", "2021-02-10")
    assert seen(asked(rebalance="table"), source) == [("2021-02-05", "2021-02-07"), ("2021-02-10", "2021-02-10")]


def test_what_could_only_trade_after_the_last_session_is_left_out():
    assert seen(asked(rebalance="D", execution_lag_days=59), dated("2021-01-01")) == [("2021-01-04", "2021-01-01")]


def test_the_window_begins_with_the_first_decision_or_the_start():
    source = dated("2021-01-10", "2021-02-10")
    found = decisions(asked(), SESSIONS, source)
    first, last, inside = window(asked(), SESSIONS, found)
    assert (str(SESSIONS[first]), str(SESSIONS[last]), len(inside.rows)) == ("2021-01-29", "2021-03-26", 2)
    first, last, inside = window(asked(start="2021-02-06", end="2021-03-06"), SESSIONS, found)
    assert (str(SESSIONS[first]), str(SESSIONS[last]), len(inside.rows)) == ("2021-02-08", "2021-03-05", 1)


@pytest.mark.parametrize("bounds", [{"start": "2021-03-01"}, {"end": "2021-01-29"}, {"end": "2020-01-01"}])
def test_a_window_without_a_trade_is_refused(bounds):
    found = decisions(asked(), SESSIONS, dated("2021-01-10", "2021-02-10"))
    with pytest.raises(DataUnusable, match="No rebalance can be traded"):
        window(asked(**bounds), SESSIONS, found)
