from pathlib import Path

import pytest

from infra.cli import plan
from infra.cli.demo import dataset_name
from infra.cli.report import kpi_table
from tasks import params, registry

UPLOAD = "upl_01970000-0000-7000-8000-000000000000"
TABLE = {"job": "job_01970000-0000-7000-8000-000000000000", "artifact": "data"}


@pytest.mark.parametrize("actions", [None, UPLOAD])
@pytest.mark.parametrize("others", [{}, {"sectors": (UPLOAD, "classifications"), "index": (UPLOAD, "prices")}])
def test_the_reading_is_valid_as_the_api_checks_it(actions, others):
    steps = plan.reading("demo", UPLOAD, actions, others)
    assert len(steps) == 1 + (actions is not None) + len(others)
    for step in steps.values():
        params.check(registry.kinds()[step["kind"]].params, step["params"])


@pytest.mark.parametrize("symbols", [1, 20, 59, 60, 5000])
@pytest.mark.parametrize("sectors", [None, TABLE])
@pytest.mark.parametrize("index", [None, TABLE])
def test_the_research_is_valid_whatever_there_is(symbols, sectors, index):
    steps = plan.research(TABLE, symbols, sectors=sectors, index=index, title="A title")
    for step in steps.values():
        params.check(registry.kinds()[step["kind"]].params, step["params"])


def test_few_names_are_held_long_only_and_many_long_and_short():
    few, many = (plan.research(TABLE, symbols, title="t")["backtest"]["params"] for symbols in (20, 150))
    assert few["construction"]["type"] == "quantile_long_only"
    assert many["construction"]["type"] == "quantile_long_short"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("us_daily_raw.csv.gz", "us-daily-raw"),
        ("Kurse März.csv", "Kurse-M-rz"),
        ("….csv", "data"),
        ("x" * 200 + ".csv", "x" * 80),
    ],
)
def test_a_files_dataset_gets_a_name_that_ingest_takes(given, name):
    assert dataset_name(Path(given)) == name
    steps = plan.reading(name, UPLOAD, None, {})
    params.check(registry.kinds()["ingest"].params, steps["prices"]["params"])


def test_a_statistic_that_does_not_exist_is_shown_as_a_dash():
    result = {"start": "2020-01-01", "end": "2021-01-01", "rebalances": 3, "sharpe": None, "annual_return": 0.123}
    cells = [list(column.cells) for column in kpi_table(result).columns]
    shown = dict(zip(*cells, strict=True))
    assert shown["Annual return"] == "12.3%"
    assert shown["Sharpe ratio"] == "-"
    assert "Beta" not in shown
