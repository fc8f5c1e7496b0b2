"""Runs `ingest`: open the file up, read it, screen its rows, adjust, write, grade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.ingest import actions, identity, parquet, prices, quarantine, reading, report
from tasks.ingest.engine import session, watching
from tasks.ingest.grading import Findings, grade
from tasks.ingest.intake import open_up, refuse
from tasks.ingest.screen import Screened, screen
from tasks.ingest.types import PRICES, TYPES, DatasetType
from tasks.inputs import Inputs, Need, Tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.outcome import Outcome

MEMORY_MB: Final = 700
THREADS: Final = 2
TABLES: Final = ("corporate_actions", "symbol_map")
MOST_BROKEN: Final = 200_000  # rows that quarantine lists; a file with more is not what it was declared to be


def needs(params: Mapping[str, Any]) -> dict[str, Need]:
    """Ask for the upload, and for the corporate actions and the symbol map where given."""
    wanted = {"upload": Need("upload", params["upload"])}
    tables = {name: params[name] for name in TABLES if params[name] is not None}
    return wanted | {name: Need("table", ref) for name, ref in tables.items()}


def run(params: Mapping[str, Any], inputs: Inputs, tell: Tell) -> Outcome:
    """Read an upload into a canonical table, with an account of every row and a grade."""
    dataset_type = TYPES[params["as"]]
    tell(0.02, "opening")
    intake = open_up(inputs.file("upload").path, inputs.scratch, params["encoding"])
    tables = [inputs.table(name).path for name in TABLES if name in inputs]
    with session(inputs.scratch, [intake.path, *tables], THREADS, MEMORY_MB) as db:
        read_file = parquet.read if intake.format == "parquet" else reading.read_csv
        read = read_file(db, intake, dataset_type, params, watching(db, tell, "reading", 0.1, 0.4))
        tell(0.4, "checking")
        source, tenures = _identify(db, inputs)
        identified = [identity.UNKNOWN] if tenures else []
        columns = [*(field.name for field in dataset_type.fields), *read.extras, *(["ticker"] if tenures else [])]
        rules = [*read.rules, *identified, *dataset_type.rules]
        screened = screen(db, source, dataset_type, rules=rules, columns=columns, most=MOST_BROKEN)
        aside = quarantine.assemble(intake, read, screened.broken)
        counts = _account(read, screened)
        if aside and (params["on_bad_row"] == "reject" or not screened.kept):
            raise quarantine.refuse_all(aside, counts)
        if not screened.kept:
            raise refuse("The file has a header but no rows.")
        watch = watching(db, tell, "writing", 0.5, 0.8)
        data, applied = inputs.scratch / "data.parquet", actions.Applied()
        if dataset_type is PRICES:
            if "corporate_actions" in inputs:
                applied = actions.apply(db, identified=tenures)
            prices.write(watch, data, _shape(read, applied, ticker=tenures))
        else:
            prices.write_records(watch, data, dataset_type.key, _columns(dataset_type, read))
        tell(0.8, "grading")
        findings = grade(db, data, params["calendar"]) if dataset_type is PRICES else Findings()
        return report.outcome(db, data, report.Done(params, intake, read, aside, counts, applied, findings))


def _identify(db: Any, inputs: Inputs) -> tuple[str, bool]:
    """Load the actions and find out who the tickers were; return the relation to screen and whether it was needed."""
    renames = actions.load(db, inputs.table("corporate_actions")) if "corporate_actions" in inputs else []
    if "symbol_map" in inputs:
        tenures = identity.from_map(db, inputs.table("symbol_map"))
    else:
        traded = {row[0] for row in db.execute("SELECT DISTINCT symbol FROM raw").fetchall()} if renames else set()
        tenures = identity.from_renames(renames, traded)
    return (identity.apply(db, tenures), True) if tenures else ("raw", False)


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


def _columns(dataset_type: DatasetType, read: reading.Reading) -> list[str]:
    """Return the columns of a table other than prices: those the file has, and those the type needs."""
    canonical = [f.name for f in dataset_type.fields if f.required or f.name in read.layout.columns]
    return [*canonical, *read.extras]


def _shape(read: reading.Reading, applied: actions.Applied, *, ticker: bool) -> prices.Shape:
    return prices.Shape(
        currency="currency" in read.layout.columns,
        ticker=ticker,
        factors=bool(applied.counts),
        endings=bool(applied.delisted),
    )
