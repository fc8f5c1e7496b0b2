"""A tear sheet's content out of a random walk, for tests and benchmarks."""

from __future__ import annotations

import numpy as np

CONVENTION = "geometric annual return / maximum drawdown, whole run"


def statistic(name, label, value, form, group, **more):
    empty = {"convention": CONVENTION, "ddof": None, "periods_per_year": None, "n": 700}
    return {"name": name, "label": label, "value": value, "format": form, "group": group, **empty, **more}


def sheet_content(days: int = 700, names: int = 20, **changes):
    """A tear sheet's content out of a random walk; equal arguments give equal content."""
    random = np.random.default_rng(5)
    dates = np.busday_offset("2019-01-02", np.arange(days), roll="forward").astype("datetime64[D]")
    returns = random.normal(0.0004, 0.01, days)
    returns[0] = 0.0
    equity = 1e6 * np.cumprod(1.0 + returns)
    returns[0] = np.nan
    month = dates.astype("datetime64[M]").astype(int)
    years = np.unique(month // 12 + 1970)
    monthly = np.full((len(years), 12), np.nan)
    for m in np.unique(month):
        monthly[np.searchsorted(years, m // 12 + 1970), m % 12] = np.nanprod(1.0 + returns[month == m]) - 1.0
    rebalanced = np.r_[True, month[1:] != month[:-1]] * 0.3
    gains = random.normal(0.0, 0.02, names)
    content = {
        "title": "Momentum, long-short",
        "subtitle": "2019-01-02 to 2021-09-08 · rebalanced monthly",
        "params": [{"name": "Rebalance", "value": "M"}, {"name": "Half spread", "value": "2 bps"}],
        "equity": {
            "date": dates, "equity": equity, "return": returns, "drawdown": equity / np.maximum.accumulate(equity) - 1,
            "gross": np.full(days, 1.0), "net": np.zeros(days), "turnover": rebalanced, "cash": equity,
            "commission": rebalanced * 300, "spread": rebalanced * 600, "impact": rebalanced * 0,
            "borrow": np.full(days, 5.0), "benchmark": 1e6 * np.cumprod(1.0 + random.normal(0.0003, 0.01, days)),
        },
        "kpis": [
            statistic("total_return", "Total return", 0.123456, "percent", "return"),
            statistic("sharpe", "Sharpe ratio", -1.234567, "ratio", "risk", ddof=1, periods_per_year=252.0),
            statistic("omega", "Omega ratio", None, "ratio", "risk"),
            statistic("average_gross", "Average gross", 1.0, "percent", "exposure"),
            statistic("commission", "Commission", 12345.6, "money", "trading"),
            statistic("beta", "Beta", 0.5, "ratio", "benchmark"),
        ],
        "monthly": {"years": years.tolist(), "values": monthly, "total": np.nanprod(1.0 + monthly, axis=1) - 1.0},
        "attribution": {
            "symbols": [{"name": f"SYM{i}", "sector": "S", "contribution": g} for i, g in enumerate(gains.tolist())],
            "sectors": [{"name": n, "sector": n, "contribution": g} for n, g in (("Energy", 0.1), ("Utilities", -0.2))],
            "total": -0.1,
        },
        "drawdowns": [
            {"depth": -0.2, "peak": "2020-01-02", "trough": "2020-03-02", "recovery": None, "sessions": 300},
        ],
        "costs": {
            "commission": 9000.0, "spread": 18000.0, "impact": 0.0, "borrow": 3500.0, "interest": 12.0,
            "initial_capital": 1e6, "total_share": 0.0305, "break_even_bps": None,
        },
        "notes": ["3 symbols of the signal have no prices and are left out."],
        "digests": {
            "inputs": [{"name": "prices", "sha256": "ab" * 32}], "artifacts": [{"name": "equity", "sha256": "cd" * 32}],
            "code_version": "0.1.0",
        },
    }  # fmt: skip
    return content | changes
