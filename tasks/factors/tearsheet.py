"""Gathers what the factor tear sheet shows. The keys here are what `reports` reads for the template `factors`.

`tearsheet(...)` returns a mapping of

- `title`, `subtitle`: text. `params`: list of {"name", "value"}: settings as text. `notes`: list of text.
- `kpis`: list of {"name", "label", "value" (number or None), "format" ("percent", "ratio", "fine_ratio")}.
- `dates`: (D,) scoring dates. `horizon`: the main one's place among `horizons` (K, sessions).
- `ic`: (K, D) the score's rank correlation with the returns that followed, NaN where there is none.
- `decay`: list of {"window": text, "mean", "error"}: mean rank correlation in disjoint windows and its standard error.
- `factors`: list of {"label", "weight", "coverage", "mean_ic", "icir", "t"}: each at the main horizon.
- `quantiles`: {"means": (K, Q) mean return a session, "dates", "growth": (D', Q) of one unit held in each quantile from
  scoring date to scoring date without overlap, "sessions": how long each is held}.
- `autocorrelation` (D,); `turnover`: (2, D) share of new names in the lowest and the highest quantile.
- `scored`, `members`: (D,) names with a score, and names that could have one.
- `histogram`: {"edges": (B + 1,), "all", "latest": (B,) shares of names}.
- `correlation`: {"labels", "before", "after" (K, K) or None where nothing was neutralised}.
- `sectors`: list of {"name", "names", "score" (mean, newest), "ic" (mean within the sector)}; empty without any.
- `latest`: {"date", "best", "worst"}: ten rows each of {"symbol", "sector", "score"}.
- `weights`: None or {"from_ic" (D,) bool, "values" (D, F)}: the factors' weights date by date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.quant.evaluation.information_coefficient import pearson_ic, rank_ic
from tasks.quant.evaluation.newey_west import mean_with_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.factors.evaluate import Judged
    from tasks.factors.scored import Scored

SHOWN: Final = 10  # names at each end of the newest scores
EDGES: Final = np.linspace(-4.0, 4.0, 41)
SECTOR_NAMES_MIN: Final = 5
_OFTEN = {"D": "daily", "W": "weekly", "M": "monthly"}


def tearsheet(scored: Scored, judged: Judged, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of the tear sheet, as the module's docstring describes it."""
    main = len(judged.horizons) // 2
    score = scored.scores.score
    return {
        **_heading(scored, params),
        "params": _settings(params),
        "notes": _notes(scored, judged, params),
        "kpis": _kpis(scored, judged, main),
        "dates": scored.dates,
        "horizon": main,
        "horizons": list(judged.horizons),
        "ic": judged.by_signal["score"].spearman,
        "decay": _decay(judged),
        "factors": _factors(scored, judged, params, main),
        "quantiles": _quantiles(scored, judged),
        "autocorrelation": judged.autocorrelation,
        "turnover": judged.turnover[[0, -1]],
        "scored": np.count_nonzero(np.isfinite(score), axis=1).astype(np.float64),
        "members": np.count_nonzero(scored.members, axis=1).astype(np.float64),
        "histogram": {"edges": EDGES, "all": _shares(score), "latest": _shares(score[-1])},
        "correlation": _correlation(scored),
        "sectors": _sectors(scored, judged, main, params["evaluate"]["lag"]),
        "latest": _latest(scored),
        "weights": scored.weights and {"from_ic": scored.weights.from_ic, "values": scored.weights.values},
    }


def _heading(scored: Scored, params: Mapping[str, Any]) -> dict[str, str]:
    recipe, labels = params["recipe"], [label.replace("_", " ") for label in scored.labels]
    title = " + ".join(labels) if len(labels) <= 3 else f"{labels[0]} and {len(labels) - 1} more factors"  # noqa: PLR2004
    neutral = f" · neutral to {', '.join(recipe['neutralize']).replace('_', ' ')}" if recipe["neutralize"] else ""
    often = _OFTEN[params["frequency"]]
    names = int(np.count_nonzero(scored.members.any(axis=0)))
    span = f"{scored.dates[0]} to {scored.dates[-1]} · scored {often} · {names:,} symbols"
    return {"title": title[:1].upper() + title[1:], "subtitle": span + neutral}


def _settings(params: Mapping[str, Any]) -> list[dict[str, str]]:
    recipe, evaluate = params["recipe"], params["evaluate"]
    rows = [
        (factor["label"], f"{factor['name']} · weight {factor['weight']:g} · {_written(factor['params'])}")
        for factor in recipe["factors"]
    ]
    limits = ", ".join(f"{limit:g}" for limit in recipe["winsorize"]["limits"])
    rows += [
        ("Winsorize", f"{recipe['winsorize']['method']} {limits}"),
        ("Standardise", recipe["standardize"]),
        ("Neutralise", ", ".join(recipe["neutralize"]) or "nothing"),
        ("Combine", recipe["combine"]),
        ("Decay", f"half-life {recipe['decay']['half_life']:g} scoring dates" if recipe["decay"] else "none"),
        ("Smallest cross-section", f"{recipe['min_names']} names"),
        ("Returns judged", f"{', '.join(map(str, evaluate['horizons']))} sessions, {evaluate['lag']} after the score"),
    ]
    return [{"name": name, "value": value} for name, value in rows]


def _written(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in params.items() if value is not None)


def _notes(scored: Scored, judged: Judged, params: Mapping[str, Any]) -> list[str]:
    empty = int(np.count_nonzero(~np.isfinite(scored.scores.score).any(axis=1)))
    meaning = (
        "Rank correlations (IC) compare the score known at a date's close with the returns of the sessions after it; "
        "where such returns overlap, errors are those of Newey and West."
    )
    notes = [meaning]
    if empty:
        notes.append(f"{empty:,} of {len(scored.dates):,} dates have no score: too few names were known.")
    if judged.horizons[-1] > judged.step:
        notes.append("Horizons longer than the step between scoring dates share sessions with their neighbours.")
    if params["recipe"]["combine"] == "ic_weighted" and scored.weights is not None:
        count = int(np.count_nonzero(scored.weights.from_ic))
        notes.append(
            f"On {count:,} of {len(scored.dates):,} dates past ICs weigh the factors; before, their own weights."
        )
    return notes


def _kpis(scored: Scored, judged: Judged, main: int) -> list[dict[str, Any]]:
    horizon, found = judged.horizons[main], judged.by_signal["score"]
    ic = mean_with_error(found.spearman[main], judged.overlap((0, horizon)))
    spread = mean_with_error(found.returns[main, :, -1] - found.returns[main, :, 0]).mean
    could = int(np.count_nonzero(scored.members))
    coverage = np.count_nonzero(np.isfinite(scored.scores.score)) / could if could else None
    positive = found.spearman[main][np.isfinite(found.spearman[main])]
    rows = (
        ("mean_ic", f"Mean rank IC, {horizon} sessions", ic.mean, "fine_ratio"),
        ("icir", "ICIR, per scoring date", ic.ratio, "ratio"),
        ("t", "t statistic", ic.t, "ratio"),
        ("positive", "Dates with IC above 0", float(np.mean(positive > 0)) if len(positive) else None, "percent"),
        ("spread", f"Top less bottom, {horizon} sessions", spread, "percent"),
        ("autocorrelation", "Rank autocorrelation", mean_with_error(judged.autocorrelation).mean, "ratio"),
        ("turnover", "New names in the top", mean_with_error(judged.turnover[-1]).mean, "percent"),
        ("coverage", "Members with a score", coverage, "percent"),
    )
    return [{"name": n, "label": label, "value": value, "format": form} for n, label, value, form in rows]


def _decay(judged: Judged) -> list[dict[str, Any]]:
    rows = []
    for k, window in enumerate(judged.windows):
        found = mean_with_error(judged.decay.spearman[k], judged.overlap(window))
        error = found.mean / found.t if found.t else float("nan")
        rows.append({"window": f"{window[0]}-{window[1]}", "mean": found.mean, "error": abs(error)})
    return rows


def _factors(scored: Scored, judged: Judged, params: Mapping[str, Any], main: int) -> list[dict[str, Any]]:
    could = max(1, int(np.count_nonzero(scored.members)))
    rows = []
    for factor, made in zip(params["recipe"]["factors"], scored.factors, strict=True):
        series = judged.by_signal[factor["label"]].spearman[main]
        ic = mean_with_error(series, judged.overlap((0, judged.horizons[main])))
        weight = 1.0 if params["recipe"]["combine"] == "equal" else factor["weight"]
        coverage = np.count_nonzero(np.isfinite(made.values)) / could
        about = {"label": factor["label"], "weight": weight * factor["direction"], "coverage": coverage}
        rows.append(about | {"mean_ic": ic.mean, "icir": ic.ratio, "t": ic.t})
    return rows


def _quantiles(scored: Scored, judged: Judged) -> dict[str, Any]:
    """Return means a session, and growth over the longest horizon that ends by the next scoring date."""
    returns = judged.by_signal["score"].returns
    with np.errstate(invalid="ignore"):
        known = np.isfinite(returns)
        sums = np.where(known, returns, 0.0).sum(axis=1)
        means = sums / known.sum(axis=1) / np.array(judged.horizons)[:, None]
    k = max((i for i, horizon in enumerate(judged.horizons) if horizon <= judged.step), default=0)
    stride = judged.overlap((0, judged.horizons[k])) + 1
    held = returns[k, ::stride]
    there = np.flatnonzero(np.isfinite(held).any(axis=1))
    span = slice(int(there[0]), int(there[-1]) + 1) if len(there) else slice(0)
    growth = np.cumprod(1.0 + np.nan_to_num(held[span]), axis=0)
    dates = scored.dates[::stride][span]
    return {"means": means, "dates": dates, "growth": growth, "sessions": judged.horizons[k]}


def _shares(values: np.ndarray) -> np.ndarray:
    known = values[np.isfinite(values)]
    counts = np.histogram(np.clip(known, EDGES[0], EDGES[-1]), EDGES)[0]
    return np.asarray(counts / max(1, len(known)))


def _correlation(scored: Scored) -> dict[str, Any]:
    scores = scored.scores
    after = None if scores.after is scores.before else _mean_correlations(scores.after)
    return {"labels": list(scored.labels), "before": _mean_correlations(scores.before), "after": after}


def _mean_correlations(panels: tuple[np.ndarray, ...]) -> np.ndarray:
    found = np.eye(len(panels))
    for i, x in enumerate(panels):
        for j in range(i):
            found[i, j] = found[j, i] = mean_with_error(pearson_ic(x, panels[j])).mean
    return found


def _sectors(scored: Scored, judged: Judged, main: int, lag: int) -> list[dict[str, Any]]:
    """Return each sector's names and mean score on the newest date, and the mean IC among its own names."""
    codes = scored.market.sectors
    if codes is None:
        return []
    codes, score, prices = codes[scored.rows], scored.scores.score, scored.market.prices
    start, stop = scored.rows + lag, scored.rows + lag + judged.horizons[main]
    over = int(np.searchsorted(stop, len(prices)))
    earned = prices[stop[:over]] / prices[start[:over]] - 1.0
    rows = []
    for code, name in enumerate(scored.market.sector_names):
        inside = np.where(codes == code, score, np.nan)
        newest = inside[-1][np.isfinite(inside[-1])]
        ic = mean_with_error(rank_ic(inside[:over], earned, SECTOR_NAMES_MIN)).mean
        mean = float(np.mean(newest)) if len(newest) else float("nan")
        rows.append({"name": name, "names": len(newest), "score": mean, "ic": ic})
    return rows


def _latest(scored: Scored) -> dict[str, Any]:
    score = scored.scores.score[-1]
    names = np.flatnonzero(np.isfinite(score))
    names = names[np.lexsort((names, -score[names]))]
    best, worst = names[:SHOWN], names[SHOWN:][::-1][:SHOWN]
    return {
        "date": str(scored.dates[-1]),
        "best": [_row(scored, score, i) for i in best],
        "worst": [_row(scored, score, i) for i in worst],
    }


def _row(scored: Scored, score: np.ndarray, column: int) -> dict[str, Any]:
    market, sector = scored.market, None
    if market.sectors is not None and market.sectors[scored.rows[-1], column] >= 0:
        sector = market.sector_names[market.sectors[scored.rows[-1], column]]
    return {"symbol": market.symbols[column], "sector": sector, "score": float(score[column])}
