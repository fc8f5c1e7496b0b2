"""A factor tear sheet's content out of random numbers, for tests."""

from __future__ import annotations

import numpy as np


def _correlations(random, count):
    return np.corrcoef(random.normal(size=(count, 12))) if count > 1 else np.ones((1, 1))


def factor_content(days: int = 600, count: int = 3, sector_count: int = 11, **changes):
    """Equal arguments give equal content."""
    random = np.random.default_rng(11)
    dates = np.busday_offset("2018-01-02", np.arange(days), roll="forward").astype("datetime64[D]")
    horizons = [1, 5, 21]
    ic = random.normal(0.02, 0.1, (3, days))
    for k, horizon in enumerate(horizons):
        ic[k, max(0, days - horizon) :] = np.nan
    labels = [f"factor_{k}" for k in range(count)]
    held = random.normal(0.0003, 0.01, (max(days - 1, 0), 5))
    rows = [{"symbol": f"SYM{i}", "sector": "Energy", "score": 3.0 - i / 10} for i in range(10)]
    content = {
        "title": "Momentum + low volatility",
        "subtitle": "2018-01-02 to 2020-04-20 · scored daily · 500 symbols",
        "params": [{"name": "momentum", "value": "weight 1"}, {"name": "Decay", "value": "none"}],
        "notes": ["12 dates have no score."],
        "kpis": [
            {"name": "mean_ic", "label": "Mean rank IC, 5 sessions", "value": 0.0213, "format": "fine_ratio"},
            {"name": "turnover", "label": "New names in the top", "value": None, "format": "percent"},
        ],
        "dates": dates, "horizon": 1, "horizons": horizons, "ic": ic,
        "decay": [{"window": w, "mean": m, "error": 0.01} for w, m in (("0-1", 0.03), ("1-5", 0.02), ("5-21", -0.01))],
        "factors": [
            {"label": n, "weight": 1.0, "coverage": 0.9, "mean_ic": 0.01, "icir": 0.2, "t": 2.0} for n in labels
        ],
        "quantiles": {
            "means": random.normal(0, 1e-4, (3, 5)), "dates": dates[: len(held)],
            "growth": np.cumprod(1 + held, axis=0), "sessions": 1,
        },
        "autocorrelation": random.uniform(0.9, 1.0, days), "turnover": random.uniform(0, 0.3, (2, days)),
        "scored": np.full(days, 480.0), "members": np.full(days, 500.0),
        "histogram": {
            "edges": np.linspace(-4, 4, 41), "all": random.dirichlet(np.ones(40)),
            "latest": random.dirichlet(np.ones(40)),
        },
        "correlation": {
            "labels": labels, "before": _correlations(random, count), "after": _correlations(random, count),
        },
        "sectors": [{"name": f"Sector {k}", "names": 9, "score": k - 5.0, "ic": 0.01 * k} for k in range(sector_count)],
        "latest": {"date": "2020-04-20", "best": rows, "worst": [row | {"score": -row["score"]} for row in rows]},
        "weights": None,
    }  # fmt: skip
    return content | changes
