"""Puts an ingest's outcome together: result, health, quarantine, and the dataset version that is intended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasks.ingest import healthcard, quarantine
from tasks.ingest.engine import literal, quoted
from tasks.ingest.types import TYPES
from tasks.outcome import DatasetVersion, Document, Outcome, WrittenFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tasks.ingest.actions import Applied
    from tasks.ingest.crosscheck import Compared
    from tasks.ingest.grading import Findings
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
    compared: Compared | None
    out_of_order: int
    base: str | None  # the version that was appended to


def outcome(db: Any, data: Path, done: Done) -> Outcome:
    """Return what came of an ingest: the account, the files, and the dataset version that is intended."""
    facts = _facts(db, data, TYPES[done.params["as"]].names)
    health = healthcard.card(done.params, done.counts, done.applied, done.findings, done.compared)
    warnings = healthcard.warnings(health, done.out_of_order)
    span = {name: facts[name] for name in ("symbols", "start", "end")}
    result = {
        "dataset": done.params["dataset"],
        **done.counts,
        "rows_total": facts["rows"],
        **span,
        "detected": _detected(done),
        "score": health["score"],
        "symbols_with_findings": health["symbols_with_findings"],
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
    compared = (done.compared.as_table(),) if done.compared else ()
    return Outcome(
        result,
        tables=(healthcard.as_table(health["symbols"]), quarantine.as_table(done.aside), *compared),
        documents=(Document("health.json", health),),
        files=(WrittenFile("data", data, PARQUET, facts["rows"]),),
        intents=(version,),
    )


def _facts(db: Any, data: Path, names: str) -> dict[str, Any]:
    """Return schema, number of symbols (or factors), first and last day and some rows, all from the file as written."""
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
