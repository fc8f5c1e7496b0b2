"""Runs `ingest`: open the file up, read it, screen its rows, adjust, write, grade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.ingest import actions, crosscheck, identity, parquet, prices, prior, quarantine, reading, report
from tasks.ingest.engine import session, watching
from tasks.ingest.grading import Findings, grade
from tasks.ingest.intake import open_up, refuse
from tasks.ingest.prior import Prior
from tasks.ingest.screen import Columns, Screened, screen
from tasks.ingest.types import PRICES, TYPES, DatasetType
from tasks.inputs import Inputs, Need, Tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.outcome import Outcome

MEMORY_MB: Final = 700
THREADS: Final = 2
TABLES: Final = ("corporate_actions", "symbol_map", "cross_check", "dataset")
ADJUSTMENT: Final = ("split_factor", "adj_factor", "adj_close", "delisting_return")
MOST_BROKEN: Final = 200_000  # rows that quarantine lists; a file with more is not what it was declared to be


def needs(params: Mapping[str, Any]) -> dict[str, Need]:
    """Ask for the upload, for actions, symbol map and cross-check where given, and for the version appended to."""
    wanted = {"upload": Need("upload", params["upload"])}
    tables = {name: params[name] for name in TABLES[:-1] if params[name] is not None}
    if params["mode"] == "append":
        tables["dataset"] = params["dataset"]
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
        who = _identify(db, inputs)
        before = _before(db, dataset_type, inputs, who)
        columns = _columns(dataset_type, read, who, before)
        rules = [*read.rules, *([identity.UNKNOWN] if who else []), *dataset_type.rules]
        traded = "(SELECT *, symbol AS ticker FROM raw)" if dataset_type is PRICES else "raw"
        source = "identified" if who else traded
        screened = screen(db, source, dataset_type, rules=rules, columns=columns, most=MOST_BROKEN)
        aside = quarantine.assemble(intake, read, screened.broken)
        counts = _account(read, screened)
        if aside and (params["on_bad_row"] == "reject" or not screened.kept):
            raise quarantine.refuse_all(aside, counts)
        if not screened.kept and not screened.duplicates:
            raise refuse("The file has a header but no rows.")
        watch = watching(db, tell, "writing", 0.5, 0.8)
        data, applied = inputs.scratch / "data.parquet", actions.Applied()
        if dataset_type is PRICES:
            if "corporate_actions" in inputs:
                applied = actions.apply(db, identified=bool(who))
            prices.write(watch, data, _shape(read, applied, who, before))
        else:
            prices.write_records(watch, data, dataset_type.key, _written(dataset_type, read, before))
        tell(0.8, "grading")
        findings, compared = Findings(), None
        if dataset_type is PRICES:
            findings = grade(db, data, params["calendar"], params["as_of"])
        if "cross_check" in inputs:
            compared = crosscheck.compare(db, data, inputs.table("cross_check"), params["cross_check_tolerance"])
        done = report.Done(
            params=params,
            intake=intake,
            read=read,
            aside=aside,
            counts=counts,
            applied=applied,
            findings=findings,
            compared=compared,
            out_of_order=screened.out_of_order,
            base=inputs.table("dataset").ref if "dataset" in inputs else None,
        )
        return report.outcome(db, data, done)


def _identify(db: Any, inputs: Inputs) -> str | None:
    """Load the actions and find out who the tickers were; return by what, or None where nothing tells."""
    renames = actions.load(db, inputs.table("corporate_actions")) if "corporate_actions" in inputs else []
    if "symbol_map" in inputs:
        identity.apply(db, identity.from_map(db, inputs.table("symbol_map")))
        return "map"
    traded: set[str] = set()
    if renames:
        traded |= {row[0] for row in db.execute("SELECT DISTINCT symbol FROM raw").fetchall()}
    if renames and "dataset" in inputs:
        path = str(inputs.table("dataset").path)
        traded |= {row[0] for row in db.execute("SELECT DISTINCT symbol FROM read_parquet(?)", [path]).fetchall()}
    tenures = identity.from_renames(renames, traded)
    if not tenures:
        return None
    identity.apply(db, tenures)
    return "renames"


def _before(db: Any, dataset_type: DatasetType, inputs: Inputs, who: str | None) -> Prior:
    """Load the version that is appended to, if any."""
    if "dataset" not in inputs:
        return Prior()
    before = prior.load(db, inputs.table("dataset"), dataset_type, mapped=who == "map")
    if who == "renames":
        prior.rename(db)
    return before


def _columns(dataset_type: DatasetType, read: reading.Reading, who: str | None, before: Prior) -> Columns:
    canonical = [field.name for field in dataset_type.fields]
    names = [*canonical, *read.extras]
    told = [name for name in names if name in (*read.layout.columns, *read.extras)]
    if read.layout.shape == "wide":
        told = ["date", dataset_type.names, str(dataset_type.cells)]
    added = [name for name in before.columns if name not in ADJUSTMENT]
    ticker = ["ticker"] if who or "ticker" in before.columns else []
    return Columns([*names, *ticker], told, added)


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


def _written(dataset_type: DatasetType, read: reading.Reading, before: Prior) -> list[str]:
    """Return the columns of a table other than prices: those the file or the version before has, and those needed."""
    there = (*read.layout.columns, *before.columns)
    canonical = [f.name for f in dataset_type.fields if f.required or f.name in there]
    more = [name for name in before.columns if name not in (*canonical, *read.extras)]
    return [*canonical, *read.extras, *more]


def _shape(read: reading.Reading, applied: actions.Applied, who: str | None, before: Prior) -> prices.Shape:
    return prices.Shape(
        currency="currency" in (*read.layout.columns, *before.columns),
        ticker=bool(who or before.identity),
        factors=bool(applied.counts),
        endings=bool(applied.delisted),
        prior=bool(before.columns),
        ended="delisting_return" in before.columns,
        identity=who or before.identity,
    )
