import numpy as np
import pytest

from tasks.errors import DataUnusable
from worker.inline import columns_of


def columns(rows, names=("a",)):
    return columns_of({"columns": list(names), "rows": rows}, "/params/prices")


def test_every_column_gets_the_one_type_of_its_values():
    found = columns(
        [["2020-01-02", "AAPL", 1, True, None], ["2020-01-03", None, None, False, None]],
        ("date", "symbol", "close", "listed", "nothing"),
    )
    assert found["date"].tolist() == np.array(["2020-01-02", "2020-01-03"], dtype="datetime64[D]").tolist()
    assert found["symbol"].tolist() == ["AAPL", None]
    np.testing.assert_array_equal(found["close"], [1.0, np.nan])
    assert found["listed"].dtype == bool
    assert np.isnan(found["nothing"]).all()


def test_a_text_that_is_not_a_date_makes_the_column_text():
    assert columns([["2020-01-02"], ["soon"]])["a"].dtype == object


def test_a_missing_date_is_not_a_time():
    assert np.isnat(columns([["2020-01-02"], [None]])["a"][1])


@pytest.mark.parametrize(
    ("rows", "said"),
    [([[1], ["x"]], "mixes numbers and texts: 'x'"), ([[True], [1]], "mixes booleans and numbers: 1")],
)
def test_a_column_of_mixed_types_is_refused_with_the_odd_value(rows, said):
    with pytest.raises(DataUnusable) as caught:
        columns(rows)
    assert said in caught.value.detail
    assert caught.value.violations[0].pointer == "/params/prices/rows"


def test_a_day_of_no_calendar_is_refused():
    with pytest.raises(DataUnusable, match="not a day of the calendar"):
        columns([["2021-02-30"]])


def test_no_rows_are_columns_without_values():
    assert len(columns([])["a"]) == 0
