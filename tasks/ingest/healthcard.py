"""What health.json and health.csv say: a score with its reasons, the worst symbols, and everything that was found."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.ingest.grading import ABSURD_PRICE, OUTLIER_Z, SPIKE_Z, STALE_ROWS
from tasks.ingest.scoring import PER_FILE, PER_SYMBOL, losses, points_left
from tasks.outcome import Table
from tasks.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.ingest.actions import Applied
    from tasks.ingest.crosscheck import Compared
    from tasks.ingest.grading import Findings

WORST: Final = 10  # symbols that are named, those with the lowest scores
TENTH: Final = 10  # the worst tenth of the symbols makes half of the score
TEXTS: Final = ("symbol", "start", "end")


def card(
    params: Mapping[str, Any],
    counts: Mapping[str, int],
    applied: Applied,
    findings: Findings,
    compared: Compared | None,
) -> dict[str, Any]:
    """Return the content of health.json."""
    symbols = []
    for found in findings.symbols:
        entry = found | ({"returns_disputed": compared.disputed.get(found["symbol"], 0)} if compared else {})
        lost = losses(entry, PER_SYMBOL)
        symbols.append({**entry, "score": points_left(lost), "lost": lost})
    file_lost = losses({**counts, "actions_unapplied": len(applied.unapplied)}, PER_FILE)
    weights = _weights(symbols)
    return {
        "score": _score(symbols, weights, file_lost),
        "lost": _total_lost(symbols, weights) + file_lost,
        "symbols_graded": len(symbols),
        "symbols_with_findings": sum(bool(entry["lost"]) for entry in symbols),
        "worst": _worst(symbols),
        "accounting": dict(counts),
        "coverage": _coverage(symbols),
        "calendar": params["calendar"],
        "found": dict(findings.found),
        "corporate_actions": {
            "applied": dict(applied.counts),
            "without_effect": dict(applied.passed),
            "unapplied": applied.unapplied,
            "delisted": applied.delisted,
        },
        "cross_check": compared.as_dict() if compared else None,
        "thresholds": {
            "stale_rows": STALE_ROWS,
            "outlier_robust_z": OUTLIER_Z,
            "undone_outlier_robust_z": SPIKE_Z,
            "absurd_price": ABSURD_PRICE,
        },
        "findings": dict(findings.lists),
        "symbols": symbols,
    }


def _weights(symbols: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Return (S,) each symbol's share in the score: half by its rows, half shared by the worst tenth of the symbols.

    A mean alone would hide one bad symbol among hundreds, and the worst alone the health of all the others.
    """
    if not symbols:
        return np.empty(0)
    rows = np.array([entry["rows"] for entry in symbols], dtype=float)
    scores = np.array([entry["score"] for entry in symbols])
    worst = np.argsort(scores, kind="stable")[: ceil(len(scores) / TENTH)]
    weights: np.ndarray = rows / rows.sum() / 2
    weights[worst] += 0.5 / len(worst)
    return weights


def _score(symbols: Sequence[Mapping[str, Any]], weights: np.ndarray, file_lost: Sequence[Mapping[str, Any]]) -> float:
    """Return the weighted mean of the symbols' scores, less what the file as a whole loses."""
    mean = float(weights @ np.array([entry["score"] for entry in symbols])) if symbols else 100.0
    return round(max(0.0, mean - sum(float(entry["points"]) for entry in file_lost)), 2)


def _total_lost(symbols: Sequence[Mapping[str, Any]], weights: np.ndarray) -> list[dict[str, Any]]:
    """Sum what symbols lost, in points of the score: the most first."""
    total: dict[str, dict[str, Any]] = {}
    for entry, weight in zip(symbols, weights.tolist(), strict=True):
        for loss in entry["lost"]:
            into = total.setdefault(loss["for"], {**loss, "count": 0, "points": 0.0, "symbols": 0})
            into["count"] += loss["count"]
            into["points"] += loss["points"] * weight
            into["symbols"] += 1
    found = [{**loss, "points": round(loss["points"], 2)} for loss in total.values()]
    return sorted(found, key=lambda loss: -loss["points"])


def _worst(symbols: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the symbols with the lowest scores among those that lost points, with what for."""
    bad = sorted((entry for entry in symbols if entry["lost"]), key=lambda entry: entry["score"])[:WORST]
    return [{"symbol": entry["symbol"], "score": entry["score"], "lost_for": _said(entry["lost"])} for entry in bad]


def _said(lost: Sequence[Mapping[str, Any]]) -> str:
    """Return losses in words: `15 for 1 move that looks …`."""
    return "; ".join(f"{loss['points']:g} for {loss['count']:,} {loss['reason']}" for loss in lost)


def _coverage(symbols: Sequence[Mapping[str, Any]]) -> float | None:
    expected = sum(entry.get("sessions_expected", 0) for entry in symbols)
    missing = sum(entry.get("sessions_missing", 0) for entry in symbols)
    return (expected - missing) / expected if expected else None


def as_table(symbols: Sequence[Mapping[str, Any]]) -> Table:
    """Return health.csv: one row per symbol with its counts, score, and in words what it lost points for."""
    names = [name for name in (symbols[0] if symbols else {}) if name != "lost"] or ["symbol", "score"]
    columns: dict[str, np.ndarray] = {}
    for name in names:
        values = [entry[name] for entry in symbols]
        columns[name] = np.array(values, dtype=None if values and name not in TEXTS else object)
    columns["lost_for"] = np.array([_said(entry["lost"]) for entry in symbols], dtype=object)
    return Table("health.csv", columns)


def warnings(health: Mapping[str, Any], out_of_order: int) -> list[str]:
    """Return in sentences what a person should look at."""
    counts, found = health["accounting"], health["found"]
    said = [
        (counts["rows_quarantined"], ("row", "rows"), "could not be used; see quarantine.csv"),
        (counts["rows_duplicate"], ("exact repetition", "exact repetitions"), "of a row dropped"),
        (out_of_order, ("row", "rows"), "stood before an earlier day's in the file; the table is sorted"),
        (found.get("future_rows", 0), ("row", "rows"), "dated after as_of"),
        (
            len(health["corporate_actions"]["unapplied"]),
            ("corporate action", "corporate actions"),
            "could not be applied; see health.json",
        ),
        (found.get("suspected_splits", 0), ("move", "moves"), "like a split that no corporate action explains"),
        (found.get("stale_runs", 0), ("run", "runs"), "of unchanged prices"),
        (found.get("outliers", 0), ("return", "returns"), "far outside the symbol's own"),
        (found.get("missing_windows", 0), ("stretch", "stretches"), "of sessions without a row"),
    ]
    sentences = [f"{counted(count, *noun)} {what}." for count, noun, what in said if count]
    return sentences + _of_symbols(health) + _of_comparison(health["cross_check"])


def _of_symbols(health: Mapping[str, Any]) -> list[str]:
    if not health["symbols_with_findings"]:
        return []
    worst = health["worst"][0]
    bad = f"{health['symbols_with_findings']:,} of {counted(health['symbols_graded'], 'symbol')}"
    return [f"{bad} lost points; the worst is {worst['symbol']} with {worst['score']:g} of 100."]


def _of_comparison(compared: Mapping[str, Any] | None) -> list[str]:
    if compared is None:
        return []
    if not compared["returns"]:
        return [f"The cross-check compared nothing: no symbol has two days in common with {compared['against']}."]
    if not compared["disputed"]:
        return []
    returns = f"{compared['disputed']:,} of {counted(compared['returns'], 'daily return')}"
    return [f"{returns} differ from {compared['against']} by more than {compared['tolerance']:g}; see cross_check.csv."]
