"""Who a ticker was on a day: a symbol map, or renames among the corporate actions, turned into permanent symbols.

A ticker that another company takes over never joins the two histories. With a symbol map, `symbol` becomes the
permanent id; with renames alone, the last ticker of the chain. The ticker as traded stays beside it as `ticker`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from tasks.errors import DataUnusable, Violation
from tasks.ingest.engine import fill, literal
from tasks.ingest.types import Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.inputs import TableFile

EARLIEST: Final = dt.date(1, 1, 1)
LATEST: Final = dt.date(9999, 12, 31)
UNKNOWN: Final = Rule("no company is known to have had this ticker on this day", "symbol", "unidentified")


@dataclass(frozen=True)
class Tenure:
    """A ticker meant one company from `since` to `until`, both included; `symbol` None: it is not said whom."""

    ticker: str
    since: dt.date
    until: dt.date
    symbol: str | None


@dataclass(frozen=True)
class Rename:
    """From `on`, the company called `old` trades as `new`."""

    old: str
    new: str
    on: dt.date


def from_map(db: Any, table: TableFile) -> list[Tenure]:
    """Read a symbol map; raises DataUnusable where a row lacks its names or a ticker means two companies at once."""
    path = f"read_parquet({literal(str(table.path))})"
    have = {str(row[0]) for row in db.execute(f"DESCRIBE SELECT * FROM {path}").fetchall()}
    missing = {"symbol", "permanent_id"} - have
    if missing:
        raise _refused(
            table, f"has no column {', '.join(sorted(missing))}; a map is symbol, valid_from, valid_to, permanent_id."
        )
    since, until = (f"TRY_CAST({name} AS DATE)" if name in have else "NULL" for name in ("valid_from", "valid_to"))
    rows = db.execute(
        f"SELECT DISTINCT symbol::VARCHAR, coalesce({since}, DATE '0001-01-01'), "
        f"coalesce({until}, DATE '9999-12-31'), permanent_id::VARCHAR FROM {path} ORDER BY ALL"
    ).fetchall()
    tenures = [Tenure(*row) for row in rows]
    for tenure in tenures:
        if not tenure.ticker or not tenure.symbol or tenure.since > tenure.until:
            raise _refused(
                table, f"holds {tenure.ticker!r} from {tenure.since} to {tenure.until} for {tenure.symbol!r}."
            )
    for before, after in pairwise(tenures):
        if before.ticker == after.ticker and after.since <= before.until:
            both = f"{before.symbol} and {after.symbol}"
            raise _refused(table, f"says {after.ticker} is {both} on {after.since}: a ticker means one company.")
    return tenures


def _refused(table: TableFile, detail: str) -> DataUnusable:
    return DataUnusable(f"{table.ref} {detail}", Violation(table.pointer or "/params/symbol_map", detail))


def from_renames(renames: Sequence[Rename], traded: set[str]) -> list[Tenure]:
    """Turn renames into tenures, for those whose old ticker is `traded` in the file at all.

    Where only the new ticker is there, the vendor has joined the histories already.
    """
    real = sorted((r for r in renames if r.old in traded), key=lambda r: (r.on, r.old))
    tickers = {r.old for r in real} | {r.new for r in real}
    return [tenure for ticker in sorted(tickers) for tenure in _tenures(ticker, real)]


def _tenures(ticker: str, renames: Sequence[Rename]) -> list[Tenure]:
    days = sorted({r.on for r in renames if ticker in (r.old, r.new)})
    found = []
    for since, before in zip([EARLIEST, *days], [*days, None], strict=True):
        until = before - dt.timedelta(days=1) if before else LATEST
        found.append(Tenure(ticker, since, until, _owner(ticker, since, before, renames)))
    return found


def _owner(ticker: str, since: dt.date, before: dt.date | None, renames: Sequence[Rename]) -> str | None:
    """Return who had a ticker from `since` until `before`: the last name of the chain, itself, or nobody known."""
    gives_up = any(r.old == ticker and r.on == before for r in renames)
    took_over = any(r.new == ticker and r.on == since for r in renames)
    taken_next = any(r.new == ticker and r.on == before for r in renames)
    if taken_next and not gives_up and not took_over:
        return None  # someone else's, before the company of the rename took the ticker
    return _last_name(ticker, since, renames)


def _last_name(ticker: str, day: dt.date, renames: Sequence[Rename]) -> str:
    later = next((r for r in renames if r.old == ticker and r.on > day), None)
    return ticker if later is None else _last_name(later.new, later.on, renames)


def apply(db: Any, tenures: Sequence[Tenure]) -> None:
    """Leave the view `identified` over `raw`, and the table `tenures`.

    A ticker that no tenure speaks of keeps its name, unless that name is another company's permanent symbol.
    """
    db.execute("CREATE TEMP TABLE tenures (ticker VARCHAR, since DATE, until DATE, symbol VARCHAR)")
    fill(db, "tenures", [(t.ticker, t.since, t.until, t.symbol) for t in tenures])
    db.execute(f"CREATE TEMP VIEW identified AS {resolved('raw', 'date')}")


def resolved(source: str, day: str) -> str:
    """Return SQL that adds `ticker` and `unidentified` to a relation and makes `symbol` the permanent one."""
    return (
        "SELECT source.* EXCLUDE (symbol), source.symbol AS ticker, "
        "CASE WHEN tenures.until >= source."
        + day
        + " THEN coalesce(tenures.symbol, source.symbol) ELSE source.symbol END AS symbol, "
        "CASE WHEN known.ticker IS NOT NULL THEN coalesce(tenures.until < source."
        + day
        + " OR tenures.symbol IS NULL, true) "
        "ELSE taken.symbol IS NOT NULL END AS unidentified "
        f"FROM {source} AS source "
        f"ASOF LEFT JOIN tenures ON tenures.ticker = source.symbol AND tenures.since <= source.{day} "
        "LEFT JOIN (SELECT DISTINCT ticker FROM tenures) known ON known.ticker = source.symbol "
        "LEFT JOIN (SELECT DISTINCT symbol FROM tenures) taken ON taken.symbol = source.symbol"
    )
