"""New York's sessions as written down here are those of exchange_calendars; other calendars come from it."""

from __future__ import annotations

import numpy as np

from tasks.ingest.sessions import FIRST, LAST, _from_library, sessions


def test_new_york_agrees_with_the_library_day_by_day() -> None:
    assert np.array_equal(sessions("XNYS", FIRST, LAST), _from_library("XNYS", FIRST, LAST))


def test_days_that_everybody_knows() -> None:
    start, end = np.datetime64("2001-09-07"), np.datetime64("2001-09-18")
    assert sessions("XNYS", start, end).astype(str).tolist() == ["2001-09-07", "2001-09-10", "2001-09-17", "2001-09-18"]


def test_new_york_does_not_load_the_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys, numpy as np; from tasks.ingest.sessions import sessions; "
        "sessions('XNYS', np.datetime64('2020-01-01'), np.datetime64('2021-01-01')); "
        "sys.exit('exchange_calendars' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_calendar_that_begins_late_tells_what_it_can() -> None:
    found = sessions("XTKS", np.datetime64("1990-01-01"), np.datetime64("1997-01-10"))
    assert found[0] >= np.datetime64("1997-01-01")


def test_a_calendar_ends_where_it_can_not_see() -> None:
    found = sessions("XSHG", np.datetime64("2026-12-01"), np.datetime64("2040-01-10"))
    assert found[0] == np.datetime64("2026-12-01")
