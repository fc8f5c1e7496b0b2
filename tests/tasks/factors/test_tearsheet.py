"""What the factor tear sheet shows is what the tables hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reports.render import render
from tasks.factors.kind import KIND
from tests.tasks.factors.sample import asked, frame, market, outcome, price_columns, sector_columns


def made_with(tmp_path, columns=None, **changes):
    days, symbols, *panels = market()
    tables = {"prices": price_columns(days, symbols, *panels)} | (columns or {})
    if changes.get("classifications", "") is not None:
        tables["classifications"] = sector_columns(symbols)
    return outcome(tmp_path, asked(report=True, **changes), **tables)


def content_of(made):
    return next(document for document in made.documents if document.name == "tearsheet.pdf").content


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_with(tmp_path_factory.mktemp("sheet"))


def test_it_is_drawn_only_where_it_is_asked_for(tmp_path, made):
    assert "tearsheet.pdf" in {file.name for file in render(made, KIND, tmp_path)}
    assert (tmp_path / "artifacts" / "tearsheet.pdf").read_bytes().startswith(b"%PDF")
    days, symbols, *panels = market()
    tables = {"prices": price_columns(days, symbols, *panels), "classifications": sector_columns(symbols)}
    plain = outcome(tmp_path, asked(), **tables)
    assert "tearsheet.pdf" not in {document.name for document in plain.documents}
    for table in plain.tables:
        pd.testing.assert_frame_equal(frame(made, table.name), frame(plain, table.name), check_exact=True)


def test_coefficients_and_their_statistics_are_those_of_the_tables(made):
    content = content_of(made)
    series = frame(made, "ic_series")
    horizon = content["horizons"][content["horizon"]]
    wanted = series[series["horizon"] == horizon]["spearman"].to_numpy()
    np.testing.assert_array_equal(content["ic"][content["horizon"]], wanted)
    table = frame(made, "ic.csv").query(f"horizon == {horizon} and method == 'spearman'").set_index("signal")
    kpis = {kpi["name"]: kpi["value"] for kpi in content["kpis"]}
    assert kpis["mean_ic"] == table.loc["score", "mean"]
    assert kpis["t"] == table.loc["score", "t"]
    for row in content["factors"]:
        assert row["mean_ic"] == table.loc[row["label"], "mean"]
    decay = frame(made, "ic_decay.csv")
    np.testing.assert_allclose([abs(r["mean"] / r["error"]) for r in content["decay"]], decay["t"].abs())


def test_quantiles_grow_by_the_returns_of_the_dates(made):
    found = content_of(made)["quantiles"]
    table = frame(made, "quantile_returns.csv").query("horizon == 1 and quantile != 'long_short'")
    daily = np.diff(found["growth"], axis=0, prepend=1.0) / np.r_[np.ones((1, 5)), found["growth"][:-1]]
    np.testing.assert_allclose(daily.mean(axis=0), table["mean"], rtol=1e-9)
    np.testing.assert_allclose(found["means"][0], table["mean"], rtol=1e-9)
    assert len(found["dates"]) == len(found["growth"])


def test_quantiles_are_held_without_overlap(tmp_path):
    weekly = content_of(made_with(tmp_path, frequency="W"))
    assert weekly["quantiles"]["sessions"] == 5
    long = content_of(made_with(tmp_path, evaluate={"horizons": [10]}))["quantiles"]
    assert long["sessions"] == 10
    gaps = np.diff(np.searchsorted(market()[0], long["dates"]))
    assert (gaps == 10).all()


def test_sectors_and_the_newest_names_are_those_of_latest(made):
    content, latest = content_of(made), frame(made, "latest.csv")
    by_sector = latest.groupby("sector")["score"].agg(["mean", "count"])
    for row in content["sectors"]:
        assert row["score"] == pytest.approx(by_sector.loc[row["name"], "mean"], abs=1e-12)
        assert row["names"] == by_sector.loc[row["name"], "count"]
    assert [row["symbol"] for row in content["latest"]["best"]] == latest["symbol"].head(10).tolist()
    assert [row["symbol"] for row in content["latest"]["worst"]] == latest["symbol"].tail(10).tolist()[::-1]


def test_correlations_are_those_of_the_table(made):
    content, table = content_of(made)["correlation"], frame(made, "correlation.csv")
    for stage in ("before", "after"):
        pair = table.query(f"stage == '{stage}' and factor_a != factor_b")["correlation"].item()
        np.testing.assert_allclose(content[stage], [[1.0, pair], [pair, 1.0]])


def test_shares_of_the_histogram_sum_to_one(made):
    for name in ("all", "latest"):
        assert content_of(made)["histogram"][name].sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"classifications": None, "recipe": {"neutralize": [], "factors": [{"name": "momentum"}]}},
        {"recipe": {"min_names": 41}},
        {"recipe": {"combine": "ic_weighted", "decay": None}, "frequency": "M"},
        {"start": "2021-04-15", "evaluate": {"horizons": [200]}},
    ],
    ids=["one factor", "no scores", "weighted by past coefficients", "no returns yet"],
)
def test_it_is_drawn_whatever_there_is_to_show(tmp_path, changes):
    render(made_with(tmp_path, **changes), KIND, tmp_path)
    assert (tmp_path / "artifacts" / "tearsheet.pdf").stat().st_size > 10_000
