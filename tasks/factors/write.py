"""Writes scores and their judgement down as the artifacts that the kind declares."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.outcome import Document, Table
from tasks.quant.cross_section import ranks_of, zscore
from tasks.quant.evaluation.information_coefficient import pearson_ic
from tasks.quant.evaluation.newey_west import MeanWithError, mean_with_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.factors.evaluate import Judged
    from tasks.factors.scored import Scored
    from tasks.quant.ic_weights import DatedWeights

EDGES = np.linspace(-4.0, 4.0, 41)


def artifacts(scored: Scored, judged: Judged) -> tuple[tuple[Table, ...], tuple[Document, ...]]:
    """Return every artifact of the kind."""
    tables = (
        Table("scores", _scores(scored)),
        Table("latest.csv", _latest(scored)),
        Table("ic.csv", _ic(judged)),
        Table("ic_series", _ic_series(scored, judged)),
        Table("ic_decay.csv", _ic_decay(judged)),
        Table("quantile_returns.csv", _quantile_returns(judged)),
        Table("turnover.csv", _turnover(scored, judged)),
        Table("correlation.csv", _correlation(scored)),
    )
    weights = (Table("weights.csv", _weights(scored, scored.weights)),) if scored.weights is not None else ()
    return tables + weights, (Document("histograms.json", _histograms(scored)),)


def result(scored: Scored, judged: Judged) -> dict[str, Any]:
    """Return the small summary that stands in the job."""
    present = np.isfinite(scored.scores.score)
    could, has = int(np.count_nonzero(scored.members)), int(np.count_nonzero(present))
    dates = scored.dates
    sectors = scored.market.sectors
    return {
        "dates": len(dates),
        "symbols": int(np.count_nonzero(scored.members.any(axis=0))),
        "start": str(dates[0]),
        "end": str(dates[-1]),
        "scores": has,
        "coverage": has / could if could else None,
        "null_cross_sections": int(np.count_nonzero(~present.any(axis=1))),
        "unclassified_symbols": 0 if sectors is None else int(np.count_nonzero((sectors < 0).all(axis=0))),
        "ic_weighted_dates": None if scored.weights is None else int(np.count_nonzero(scored.weights.from_ic)),
        "autocorrelation": _number(mean_with_error(judged.autocorrelation).mean),
        "turnover": _number(mean_with_error(judged.turnover[-1]).mean),
        "factors": [
            {
                "label": label,
                "coverage": int(np.count_nonzero(np.isfinite(factor.values))) / could if could else None,
                "parts": list(factor.parts),
            }
            for label, factor in zip(scored.labels, scored.factors, strict=True)
        ],
        "evaluation": [_horizon_result(judged, k) for k in range(len(judged.horizons))],
    }


def _horizon_result(judged: Judged, k: int) -> dict[str, Any]:
    found = judged.by_signal["score"]
    ic = mean_with_error(found.spearman[k], judged.overlap((0, judged.horizons[k])))
    spread = mean_with_error(found.returns[k, :, -1] - found.returns[k, :, 0]).mean
    return {
        "horizon": judged.horizons[k],
        "mean_ic": _number(ic.mean),
        "icir": _number(ic.ratio),
        "t": _number(ic.t),
        "spread": _number(spread),
        "dates": ic.n,
    }


def _scores(scored: Scored) -> dict[str, np.ndarray]:
    row, column = np.nonzero(np.isfinite(scored.scores.score))
    symbols = np.array(scored.market.symbols, dtype=object)
    panels = {"score": scored.scores.score, **scored.panels}
    return {
        "date": scored.dates[row],
        "symbol": symbols[column],
        **{name: panel[row, column] for name, panel in panels.items()},
    }


def _latest(scored: Scored) -> dict[str, np.ndarray]:
    """Return the newest date's table, best first; sector columns compare a name with its own sector only."""
    score = scored.scores.score[-1]
    names = np.flatnonzero(np.isfinite(score))
    names = names[np.lexsort((names, -score[names]))]
    rank = len(names) + 1 - ranks_of(score[names])
    columns: dict[str, np.ndarray] = {
        "date": np.repeat(scored.dates[-1:], len(names)),
        "symbol": np.array(scored.market.symbols, dtype=object)[names],
        **_sector_view(scored, names),
        "score": score[names],
        "rank": rank,
        "percentile": (len(names) + 0.5 - rank) / max(1, len(names)),
    }
    for label, factor in zip(scored.labels, scored.factors, strict=True):
        columns[label] = factor.values[-1, names]
    return columns | {name: panel[-1, names] for name, panel in scored.panels.items()}


def _sector_view(scored: Scored, names: np.ndarray) -> dict[str, np.ndarray]:
    if scored.market.sectors is None:
        return {}
    codes = scored.market.sectors[scored.rows[-1], names]
    labels = np.array([*scored.market.sector_names, None], dtype=object)
    score = scored.scores.score[-1, names]
    rank, relative = np.full(len(names), np.nan), np.full(len(names), np.nan)
    for code in np.unique(codes[codes >= 0]):
        inside = codes == code
        rank[inside] = np.count_nonzero(inside) + 1 - ranks_of(score[inside])
        relative[inside] = zscore(score[inside][None, :])[0]
    return {"sector": labels[codes], "sector_rank": rank, "sector_z": relative}


def _ic(judged: Judged) -> dict[str, np.ndarray]:
    rows: list[dict[str, Any]] = []
    for signal, found in judged.by_signal.items():
        for k, horizon in enumerate(judged.horizons):
            for method, series in (("spearman", found.spearman[k]), ("pearson", found.pearson[k])):
                overlap = judged.overlap((0, horizon))
                about = {"signal": signal, "horizon": horizon, "method": method}
                rows.append(about | _mean_columns(mean_with_error(series, overlap)) | {"newey_west_lags": overlap})
    return _as_columns(rows)


def _ic_series(scored: Scored, judged: Judged) -> dict[str, np.ndarray]:
    found, count = judged.by_signal["score"], len(judged.horizons)
    return {
        "date": np.tile(scored.dates, count),
        "horizon": np.repeat(np.array(judged.horizons, dtype=np.int64), len(scored.rows)),
        "spearman": found.spearman.ravel(),
        "pearson": found.pearson.ravel(),
        "names": found.names.ravel(),
    }


def _ic_decay(judged: Judged) -> dict[str, np.ndarray]:
    rows = []
    for k, window in enumerate(judged.windows):
        found = mean_with_error(judged.decay.spearman[k], judged.overlap(window))
        rows.append({"from_session": window[0], "to_session": window[1]} | _mean_columns(found))
    return _as_columns(rows)


def _quantile_returns(judged: Judged) -> dict[str, np.ndarray]:
    rows = []
    for k, horizon in enumerate(judged.horizons):
        returns, overlap = judged.by_signal["score"].returns[k], judged.overlap((0, horizon))
        series = {str(q + 1): returns[:, q] for q in range(judged.quantiles)}
        series["long_short"] = returns[:, -1] - returns[:, 0]
        for name, values in series.items():
            found = _mean_columns(mean_with_error(values, overlap))
            rows.append(
                {"horizon": horizon, "quantile": name} | {key: found[key] for key in ("mean", "std", "t", "dates")}
            )
    return _as_columns(rows)


def _turnover(scored: Scored, judged: Judged) -> dict[str, np.ndarray]:
    by_quantile = {f"quantile_{q + 1}": judged.turnover[q] for q in range(judged.quantiles)}
    return {"date": scored.dates, "rank_autocorrelation": judged.autocorrelation, **by_quantile}


def _correlation(scored: Scored) -> dict[str, np.ndarray]:
    rows = []
    for stage, panels in (("before", scored.scores.before), ("after", scored.scores.after)):
        named = list(zip(scored.labels, panels, strict=True))
        for (a, x), (b, y) in [*combinations(named, 2), *((pair, pair) for pair in named)]:
            found = mean_with_error(pearson_ic(x, y))
            rows.append({"stage": stage, "factor_a": a, "factor_b": b, "correlation": found.mean, "dates": found.n})
    return _as_columns(rows)


def _weights(scored: Scored, weights: DatedWeights) -> dict[str, np.ndarray]:
    """Return each date's weights, as shares of their sizes' sum."""
    shares = weights.values / np.abs(weights.values).sum(axis=1, keepdims=True)
    columns = dict(zip((f"{label}_weight" for label in scored.labels), shares.T, strict=True))
    source = np.where(weights.from_ic, "past_ic", "given").astype(object)
    return {"date": scored.dates, **columns, "source": source}


def _histograms(scored: Scored) -> dict[str, Any]:
    panels = {"score": scored.scores.score, **scored.panels}
    return {
        "edges": EDGES.tolist(),
        "all_dates": {name: _histogram(panel) for name, panel in panels.items()},
        "latest": {name: _histogram(panel[-1]) for name, panel in panels.items()},
        "latest_date": str(scored.dates[-1]),
    }


def _histogram(values: np.ndarray) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    return {
        "counts": np.histogram(known, EDGES)[0].tolist(),
        "below": int(np.count_nonzero(known < EDGES[0])),
        "above": int(np.count_nonzero(known > EDGES[-1])),
        "names": len(known),
    }


def _mean_columns(found: MeanWithError) -> dict[str, Any]:
    return {"mean": found.mean, "std": found.std, "icir": found.ratio, "t": found.t, "dates": found.n}


def _as_columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {
        name: np.array(values, dtype=object if isinstance(values[0], str) else None) for name, values in columns.items()
    }


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
