"""Runs `ingest`: open the file up, read it, screen its rows, adjust, write, grade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.ingest import actions, parquet, prices, quarantine, reading, report
from tasks.ingest.engine import session
from tasks.ingest.grading import Findings, grade
from tasks.ingest.intake import open_up, refuse
from tasks.ingest.screen import Screened, screen
from tasks.ingest.types import PRICES, TYPES, DatasetType
from tasks.inputs import Inputs, Need, Tell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tasks.outcome import Outcome

MEMORY_MB: Final = 700
THREADS: Final = 2
MOST_BROKEN: Final = 200_000  # rows that quarantine lists; a file with more is not what it was declared to be


def needs(params: Mapping[str, Any]) -> dict[str, Need]:
    """Ask for the upload and for the corporate actions, where given."""
    wanted = {"upload": Need("upload", params["upload"])}
    if params["corporate_actions"] is not None:
        wanted["corporate_actions"] = Need("table", params["corporate_actions"])
    return wanted


def run(params: Mapping[str, Any], inputs: Inputs, tell: Tell) -> Outcome:
    """Read an upload into a canonical table, with an account of every row and a grade."""
    dataset_type = TYPES[params["as"]]
    tell(0.02, "opening")
    intake = open_up(inputs.file("upload").path, inputs.scratch, params["encoding"])
    tables = [inputs.table("corporate_actions").path] if "corporate_actions" in inputs else []
    with session(inputs.scratch, [intake.path, *tables], THREADS, MEMORY_MB) as db:
        tell(0.1, "reading")
        read = (parquet.read if intake.format == "parquet" else reading.read_csv)(db, intake, dataset_type, params)
        tell(0.4, "checking")
        columns = [*(field.name for field in dataset_type.fields), *read.extras]
        screened = screen(db, dataset_type, columns, MOST_BROKEN)
        aside = quarantine.assemble(intake, read, screened.broken)
        counts = _account(read, screened)
        if aside and params["on_bad_row"] == "reject":
            raise quarantine.refuse_all(aside, counts)
        if screened.kept == 0:
            raise quarantine.refuse_all(aside, counts) if aside else refuse("The file has a header but no rows.")
        tell(0.5, "writing")
        data, applied = _write(db, dataset_type, read, inputs)
        tell(0.8, "grading")
        findings = grade(db, data, params["calendar"]) if dataset_type is PRICES else Findings()
        return report.outcome(db, data, report.Done(params, intake, read, aside, counts, applied, findings))


def _account(read: reading.Reading, screened: Screened) -> dict[str, int]:
    aside = len(read.rejected) + len(screened.broken)
    if aside >= MOST_BROKEN:
        raise refuse(
            f"More than {MOST_BROKEN:,} rows can't be used; see that `as`, `columns` and formats fit the file."
        )
    return {
        "rows_read": screened.kept + aside + screened.duplicates,
        "rows_kept": screened.kept,
        "rows_quarantined": aside,
        "rows_duplicate": screened.duplicates,
    }


def _write(db: Any, dataset_type: DatasetType, read: reading.Reading, inputs: Inputs) -> tuple[Path, actions.Applied]:
    """Write what was kept as the canonical table; prices with their adjustment factors."""
    data, applied = inputs.scratch / "data.parquet", actions.Applied()
    if dataset_type is PRICES:
        if "corporate_actions" in inputs:
            applied = actions.apply(db, inputs.table("corporate_actions"))
        prices.write(db, data, currency="currency" in read.layout.columns, adjusted=bool(applied.counts))
    else:
        columns = [f.name for f in dataset_type.fields if f.required or f.name in read.layout.columns]
        prices.write_records(db, data, dataset_type.key, [*columns, *read.extras])
    return data, applied
