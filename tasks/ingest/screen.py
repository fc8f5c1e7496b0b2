"""Sorts the rows that were read into kept, set aside and repeated: the rules of the type, then its key.

Leaves the view `kept` (canonical columns and `n`); rows_read = kept + quarantined + duplicate, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasks.ingest.engine import quoted

if TYPE_CHECKING:
    from tasks.ingest.types import DatasetType

CONFLICT: Final = "another row for the same {key} says otherwise"


@dataclass(frozen=True)
class Broken:
    """A row that was read but breaks a rule: its number, its symbol (for wide files), the reason, the value."""

    n: int
    symbol: str | None
    reason: str
    column: str
    value: str


@dataclass(frozen=True)
class Screened:
    """The account after screening: the broken rows and how many were mere repetitions."""

    broken: list[Broken]
    kept: int
    duplicates: int


def screen(db: Any, dataset_type: DatasetType, names: list[str], most: int) -> Screened:
    """Apply rules and key to the table `raw`; at most `most` broken rows are listed."""
    db.execute(f"CREATE TEMP VIEW ruled AS SELECT *, {_first_broken(dataset_type)} AS rule FROM raw")
    counts = db.execute("SELECT count(*) FILTER (rule IS NULL), count(*) FROM ruled").fetchone()
    broken: list[Broken] = []
    source = "raw"
    if counts[0] != counts[1]:
        broken = _broken(db, dataset_type, most)
        source = "(SELECT * EXCLUDE (rule) FROM ruled WHERE rule IS NULL)"
    conflicts, repeats = _repeated(db, source, dataset_type, names, most)
    db.execute(
        f"CREATE TEMP VIEW kept AS SELECT * FROM {source}"
        + (" good ANTI JOIN dropped USING (n, symbol)" if conflicts or repeats else "")
    )
    broken_count = counts[1] - counts[0] + len(conflicts)
    return Screened(broken + conflicts, counts[1] - broken_count - repeats, repeats)


def _first_broken(dataset_type: DatasetType) -> str:
    cases = " ".join(f"WHEN {rule.breaks} THEN {i}" for i, rule in enumerate(dataset_type.rules))
    return f"CASE {cases} END"


def _broken(db: Any, dataset_type: DatasetType, most: int) -> list[Broken]:
    values = " ".join(f"WHEN {i} THEN {quoted(rule.column)}::VARCHAR" for i, rule in enumerate(dataset_type.rules))
    rows = db.execute(
        f"SELECT n, symbol, rule, CASE rule {values} END FROM ruled WHERE rule IS NOT NULL "
        f"ORDER BY n, symbol LIMIT {most}"
    ).fetchall()
    rules = dataset_type.rules
    return [Broken(n, symbol, rules[rule].reason, rules[rule].column, value or "") for n, symbol, rule, value in rows]


def _repeated(db: Any, source: str, dataset_type: DatasetType, names: list[str], most: int) -> tuple[list[Broken], int]:
    """List rows whose key another row has with other values, and count rows that repeat another one exactly.

    Conflicting rows all go: which one is right can't be known. Of identical rows the first stays.
    """
    key = ", ".join(quoted(name) for name in dataset_type.key)
    twice = f"SELECT {key} FROM {source} GROUP BY {key} HAVING count(*) > 1"
    db.execute(f"CREATE TEMP TABLE twice AS {twice}")
    if db.execute("SELECT count(*) FROM twice").fetchone()[0] == 0:
        return [], 0
    values = ", ".join(quoted(name) for name in names)
    same = " AND ".join(f"a.{quoted(name)} IS NOT DISTINCT FROM twice.{quoted(name)}" for name in dataset_type.key)
    db.execute(
        f"CREATE TEMP TABLE dropped AS SELECT n, symbol, {quoted(dataset_type.key[-1])}::VARCHAR AS value, "
        f"versions > 1 AS conflict "
        f"FROM (SELECT n, {values}, row_number() OVER (PARTITION BY {key} ORDER BY n) AS place, "
        f"count(DISTINCT ({values})) OVER (PARTITION BY {key}) AS versions "
        f"FROM {source} a WHERE EXISTS (SELECT 1 FROM twice WHERE {same})) WHERE versions > 1 OR place > 1"
    )
    repeats = db.execute("SELECT count(*) FROM dropped WHERE NOT conflict").fetchone()[0]
    rows = db.execute(f"SELECT n, symbol, value FROM dropped WHERE conflict ORDER BY n, symbol LIMIT {most}").fetchall()
    reason = CONFLICT.format(key=" and ".join(dataset_type.key))
    return [Broken(n, symbol, reason, dataset_type.key[-1], value or "") for n, symbol, value in rows], repeats
