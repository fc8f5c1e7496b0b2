"""Puts an ingest's outcome together: result, health, quarantine, and the dataset version that is intended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.ingest import quarantine
from tasks.ingest.engine import literal, quoted
from tasks.ingest.grading import ABSURD_PRICE, OUTLIER_Z, SPIKE_Z, STALE_ROWS, Findings
from tasks.ingest.scoring import PER_FILE, PER_SYMBOL, losses, points_left
from tasks.ingest.types import TYPES
from tasks.outcome import DatasetVersion, Document, Outcome, Table, WrittenFile
from tasks.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tasks.ingest.actions import Applied
    from tasks.ingest.intake import Intake
    from tasks.ingest.reading import Reading

PARQUET: Final = "application/vnd.apache.parquet"
SAMPLE_SYMBOLS: Final = 50
SAMPLE_ROWS: Final = 10  # of each


@dataclass(frozen=True)
class Done:
    """All that an ingest found out, from opening the file to grading what was written."""

    params: Mapping[str, Any]
    intake: Intake
    read: Reading
    aside: Sequence[quarantine.Quarantined]
    counts: Mapping[str, int]
    applied: Applied
    findings: Findings
    base: str | None  # the version that was appended to


def outcome(db: Any, data: Path, done: Done) -> Outcome:
    """Return what came of an ingest: the account, the files, and the dataset version that is intended."""
    facts = _facts(db, data, TYPES[done.params["as"]].names)
    health = _health(done)
    warnings = _warnings(done)
    span = {name: facts[name] for name in ("symbols", "start", "end")}
    result = {
        "dataset": done.params["dataset"],
        **done.counts,
        "rows_total": facts["rows"],
        **span,
        "detected": _detected(done),
        "score": health["score"],
        "warnings": warnings,
    }
    summary = {name: value for name, value in health.items() if name not in ("symbols", "findings")}
    version = DatasetVersion(
        dataset=done.params["dataset"],
        type=done.params["as"],
        artifact="data",
        schema=facts["schema"],
        rows=facts["rows"],
        **span,
        health=summary | {"warnings": warnings, "sample": facts["sample"]},
        base=done.base,
    )
    return Outcome(
        result,
        tables=(_health_table(health["symbols"]), quarantine.as_table(done.aside)),
        documents=(Document("health.json", health),),
        files=(WrittenFile("data", data, PARQUET, facts["rows"]),),
        intents=(version,),
    )


def _facts(db: Any, data: Path, names: str) -> dict[str, Any]:
    """Return schema, number of symbols (or factors), first and last day, and the first rows, all from the file as written."""
    source = f"read_parquet({literal(str(data))})"
    described = db.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    schema = [{"name": str(row[0]), "type": str(row[1])} for row in described]
    day = next((column["name"] for column in schema if column["type"] == "DATE"), None)
    days = f"min({day})::VARCHAR, max({day})::VARCHAR" if day else "NULL, NULL"
    rows, symbols, start, end = db.execute(f"SELECT count(*), count(DISTINCT {names}), {days} FROM {source}").fetchone()
    sample = _sample(db, source, schema, names)
    return {"schema": schema, "rows": rows, "symbols": symbols, "start": start, "end": end, "sample": sample}


def _sample(db: Any, source: str, schema: list[dict[str, str]], names: str) -> dict[str, Any]:
    """Return the last rows of the first symbols: enough for a preview, by symbol too."""
    shown = ", ".join(f"{quoted(c['name'])}{'::VARCHAR' if c['type'] == 'DATE' else ''}" for c in schema)
    day = next((quoted(column["name"]) for column in schema if column["type"] == "DATE"), None)
    order = f"{day} DESC NULLS LAST" if day else "1"
    rows = db.execute(
        f"SELECT {shown} FROM (FROM {source} WHERE {names} IN (SELECT DISTINCT {names} FROM {source} ORDER BY 1 "
        f"LIMIT {SAMPLE_SYMBOLS}) QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY {order}) <= {SAMPLE_ROWS}) "
        f"ORDER BY {names}{', ' + day if day else ''}"
    ).fetchall()
    return {"columns": [column["name"] for column in schema], "rows": [list(row) for row in rows]}


def _detected(done: Done) -> dict[str, Any]:
    intake, read = done.intake, done.read
    return {
        "format": intake.format,
        "compression": intake.compression,
        "encoding": intake.encoding,
        "delimiter": read.delimiter,
        "decimal": done.params["decimal"] if intake.format == "csv" else None,
        "newline": intake.newline,
        "layout": read.layout.shape,
        "date_format": read.date_format,
        "columns": dict(read.layout.columns),
        "ignored": [] if read.extras else list(read.layout.ignored),
    }


def _health(done: Done) -> dict[str, Any]:
    """Return the content of health.json."""
    applied, findings = done.applied, done.findings
    symbols = []
    for entry in findings.symbols:
        lost = losses(entry, PER_SYMBOL)
        symbols.append({**entry, "score": points_left(lost), "lost": lost})
    file_lost = losses({**done.counts, "actions_unapplied": len(applied.unapplied)}, PER_FILE)
    score = _overall(symbols, file_lost)
    return {
        "score": score,
        "lost": _total_lost(symbols) + file_lost,
        "accounting": dict(done.counts),
        "coverage": _coverage(symbols),
        "calendar": done.params["calendar"],
        "found": dict(findings.found),
        "corporate_actions": {
            "applied": dict(applied.counts),
            "without_effect": dict(applied.passed),
            "unapplied": applied.unapplied,
            "delisted": applied.delisted,
        },
        "thresholds": {
            "stale_rows": STALE_ROWS,
            "outlier_robust_z": OUTLIER_Z,
            "undone_outlier_robust_z": SPIKE_Z,
            "absurd_price": ABSURD_PRICE,
        },
        "findings": dict(findings.lists),
        "symbols": symbols,
    }


def _overall(symbols: list[dict[str, Any]], file_lost: list[dict[str, Any]]) -> float:
    """Return the mean of the symbols' scores, weighted by rows, less what the file as a whole loses."""
    rows = sum(entry["rows"] for entry in symbols)
    mean = sum(float(entry["score"]) * entry["rows"] for entry in symbols) / rows if rows else 100.0
    return round(max(0.0, mean - sum(float(entry["points"]) for entry in file_lost)), 2)


def _total_lost(symbols: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sum what symbols lost, in points of the overall score."""
    rows = sum(entry["rows"] for entry in symbols)
    total: dict[str, dict[str, Any]] = {}
    for entry in symbols:
        for loss in entry["lost"]:
            into = total.setdefault(loss["for"], {**loss, "count": 0, "points": 0.0})
            into["count"] += loss["count"]
            into["points"] += loss["points"] * entry["rows"] / rows
    return [{**loss, "points": round(loss["points"], 2)} for loss in total.values()]


def _coverage(symbols: list[dict[str, Any]]) -> float | None:
    expected = sum(entry.get("sessions_expected", 0) for entry in symbols)
    missing = sum(entry.get("sessions_missing", 0) for entry in symbols)
    return (expected - missing) / expected if expected else None


def _health_table(symbols: list[dict[str, Any]]) -> Table:
    """One row per symbol: counts, score, and in words what it lost points for."""
    names = [name for name in (symbols[0] if symbols else {}) if name != "lost"] or ["symbol", "score"]
    columns: dict[str, np.ndarray] = {}
    for name in names:
        values = [entry[name] for entry in symbols]
        kind = object if name in ("symbol", "start", "end") else None
        columns[name] = np.array(values, dtype=kind) if values else np.array([], dtype=object)
    said = [
        "; ".join(f"{loss['points']:g} for {loss['count']} {loss['reason']}" for loss in e["lost"]) for e in symbols
    ]
    columns["lost_for"] = np.array(said, dtype=object)
    return Table("health.csv", columns)


def _warnings(done: Done) -> list[str]:
    counts, applied, found = done.counts, done.applied, done.findings.found
    said = [
        (counts["rows_quarantined"], ("row", "rows"), "could not be used; see quarantine.csv"),
        (counts["rows_duplicate"], ("exact repetition", "exact repetitions"), "of a row dropped"),
        (len(applied.unapplied), ("corporate action", "corporate actions"), "could not be applied; see health.json"),
        (found.get("suspected_splits", 0), ("move", "moves"), "like a split that no corporate action explains"),
        (found.get("stale_runs", 0), ("run", "runs"), "of unchanged prices"),
        (found.get("outliers", 0), ("return", "returns"), "far outside the symbol's own"),
        (found.get("missing_windows", 0), ("stretch", "stretches"), "of sessions without a row"),
    ]
    return [f"{counted(count, *noun)} {what}." for count, noun, what in said if count]
