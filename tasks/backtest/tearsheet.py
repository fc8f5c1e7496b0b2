"""Gathers what the tear sheet shows. The keys here are what `reports` reads for the template `backtest`.

`tearsheet(...)` returns a mapping of

- `title`, `subtitle`: text.
- `params`: list of {"name", "value"}: the settings a reader asks for first, as text.
- `equity`: columns of equal length, NaN where there is no number: `date` datetime64[D], `equity`, `return`,
  `drawdown`, `gross`, `net`, `turnover`, `cash`, `commission`, `spread`, `impact`, `borrow`, and `benchmark` (a level
  equal to the initial capital on the first row) or None without a benchmark.
- `kpis`: list of statistics, each {"name", "label", "value" (number or None), "format" ("percent", "ratio", "money",
  "count"), "group" ("return", "risk", "exposure", "trading", "benchmark"), "convention", "ddof", "periods_per_year",
  "n"}.
- `monthly`: {"years": [2019, …], "values": (years, 12) float array, "total": (years,)}; NaN where there is no month.
- `attribution`: {"symbols": [{"name", "sector", "contribution"}, …] largest absolute first, at most 20 (ten best and
  ten worst), "sectors": the same keys, all of them, "total": number}.
- `drawdowns`: list, deepest first, at most 5, of {"depth", "peak", "trough", "recovery" (text or None), "sessions"}.
- `costs`: {"commission", "spread", "impact", "borrow", "interest": currency over the whole run; "initial_capital",
  "total_share": commission + spread + impact + borrow over initial capital, "break_even_bps": the cost per traded
  notional at which the gain is gone, or None}.
- `notes`: list of text.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.backtest.tables import equity_columns
from tasks.quant.statistics import worst_drawdowns
from tasks.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.backtest.kpis import Statistic
    from tasks.backtest.tables import Run

SHOWN = 10  # names shown at each end of the attribution
DRAWDOWNS = 5
_OFTEN = {"D": "daily", "W": "weekly", "M": "monthly", "Q": "quarterly", "table": "on its table's dates"}
_TITLES = {
    "quantile_long_only": "Quantile long-only",
    "quantile_long_short": "Quantile long-short",
    "score_weighted": "Score-weighted",
    "weights": "Given weights",
}


def tearsheet(
    run: Run,
    params: Mapping[str, Any],
    kpis: Sequence[Statistic],
    attribution: Mapping[str, np.ndarray],
    notes: Sequence[str],
) -> dict[str, Any]:
    """Return the content of the tear sheet, as the module's docstring describes it."""
    columns = equity_columns(run)
    if run.benchmark is None:
        columns["benchmark"] = None  # type: ignore[assignment]  # the content says None where there is no benchmark
    title, subtitle = heading(params, run.dates[0], run.dates[-1])
    return {
        "title": title,
        "subtitle": subtitle,
        "params": settings(params),
        "equity": columns,
        "kpis": [statistic.as_dict() for statistic in kpis],
        "monthly": monthly(run),
        "attribution": attribution_rows(attribution),
        "drawdowns": drawdown_rows(run),
        "costs": _costs(run),
        "notes": list(notes),
    }


def heading(params: Mapping[str, Any], first: np.datetime64, last: np.datetime64) -> tuple[str, str]:
    """Return the title and the subtitle of a backtest's tear sheet."""
    construction = params["construction"]
    title = f"Top {construction['top_n']}" if construction["type"] == "top_n" else _TITLES[construction["type"]]
    often = _OFTEN[params["rebalance"]]
    return f"{title} backtest", f"{first} to {last} · rebalanced {often} · initial capital {_capital(params)}"


def _capital(params: Mapping[str, Any]) -> str:
    return f"{Decimal(params['initial_capital']):,}"


def drawdown_rows(run: Run) -> list[dict[str, Any]]:
    """Return the deepest drawdowns with their dates."""
    dates = [str(day) for day in run.dates]
    return [
        {
            "depth": fall.depth,
            "peak": dates[fall.peak],
            "trough": dates[fall.trough],
            "recovery": None if fall.recovery is None else dates[fall.recovery],
            "sessions": fall.length(len(dates)),
        }
        for fall in worst_drawdowns(run.returns, DRAWDOWNS)
    ]


def monthly(run: Run) -> dict[str, Any]:
    """Return the months' returns as a grid of years and months, and the years' totals."""
    months = run.dates[1:].astype("datetime64[M]").astype(np.int64)
    years = np.unique(months // 12 + 1970)
    values, total = np.full((len(years), 12), np.nan), np.full(len(years), np.nan)
    for month in np.unique(months):
        inside = run.returns[months == month]
        values[np.searchsorted(years, month // 12 + 1970), month % 12] = np.prod(1.0 + inside) - 1.0
    for i, year in enumerate(years):
        total[i] = np.prod(1.0 + run.returns[months // 12 + 1970 == year]) - 1.0
    return {"years": years.tolist(), "values": values, "total": total}


def settings(params: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the settings a reader asks for first, as names and text; from a backtest's parameters alone."""
    costs, construction, lag = params["costs"], params["construction"], params["execution_lag_days"]
    rows = [
        ("Construction", construction["type"].replace("_", " ")),
        ("Weighting", construction["weighting"].replace("_", " ")),
        ("Gross / net", f"{construction['gross']:g} / {construction['net']:g}"),
        ("Rebalance", _OFTEN[params["rebalance"]]),
        ("Execution", f"{params['execution_price']}, {counted(lag, 'session')} after the decision"),
        ("Initial capital", _capital(params)),
        ("Commission", f"{costs['commission_bps']:g} bps, at least {costs['min_commission']:g}"),
        ("Half spread", f"{costs['half_spread_bps']:g} bps"),
        ("Impact", costs["impact"]["model"]),
        ("Borrow", f"{params['borrow']['annual_bps']:g} bps a year"),
        ("Cash rate", f"{params['cash_rate']:.2%}"),
        ("Benchmark", _benchmark(params["benchmark"])),
    ]
    return [{"name": name, "value": str(value)} for name, value in rows]


def _benchmark(value: Any) -> str:
    return value if isinstance(value, str) else "none" if value is None else "a table"


def attribution_rows(columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the attribution as the content holds it, from the columns of `attribution.csv`."""
    rows = [
        {"name": str(name), "sector": sector, "contribution": float(contribution), "level": level}
        for level, name, sector, contribution in zip(
            *(columns[key].tolist() for key in ("level", "name", "sector", "contribution")), strict=True
        )
    ]
    by_level = {
        level: [{key: row[key] for key in ("name", "sector", "contribution")} for row in rows if row["level"] == level]
        for level in ("symbol", "sector", "total")
    }
    ranked = sorted(by_level["symbol"], key=lambda row: -row["contribution"])
    shown = ranked if len(ranked) <= 2 * SHOWN else ranked[:SHOWN] + ranked[-SHOWN:]
    return {
        "symbols": sorted(shown, key=lambda row: -abs(row["contribution"])),
        "sectors": by_level["sector"],
        "total": by_level["total"][0]["contribution"],
    }


def _costs(run: Run) -> dict[str, float | None]:
    sums = {name: float(run.ledger[name].sum()) for name in ("commission", "spread", "impact", "borrow", "interest")}
    paid = sums["commission"] + sums["spread"] + sums["impact"]
    traded = sum(float(np.abs(basket.traded).sum()) for basket in run.ledger.baskets)
    gain = float(run.ledger["equity"][-1]) - run.terms.capital + paid
    return {
        **sums,
        "initial_capital": run.terms.capital,
        "total_share": (paid + sums["borrow"]) / run.terms.capital,
        "break_even_bps": gain / traded * 1e4 if traded and gain > 0.0 else None,
    }
