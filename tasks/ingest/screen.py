"""Sorts the rows that were read into kept, set aside and repeated: the rules of the type, then its key.

Leaves the view `kept` (canonical columns and `n`); rows_read = kept + quarantined + duplicate, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasks.ingest.engine import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.ingest.types import DatasetType, Rule

CONFLICT: Final = "another row for the same {key} says otherwise"


@dataclass(frozen=True)
class Broken:
    """A row that was read but breaks a rule: its number, its name (symbol or factor), the reason, the value."""

    n: int
    name: str | None
    reason: str
    column: str
    value: str


@dataclass(frozen=True)
class Screened:
    """The account after screening: the broken rows, how many repeated others, and how many stood out of order."""

    broken: list[Broken]
    kept: int
    duplicates: int
    out_of_order: int


@dataclass(frozen=True)
class Columns:
    """The columns of the rows read, those of the rows they are appended to, and those that the file itself tells."""

    read: Sequence[str]
    told: Sequence[str]
    before: Sequence[str] = ()


def screen(
    db: Any, source: str, dataset_type: DatasetType, *, rules: Sequence[Rule], columns: Columns, most: int
) -> Screened:
    """Apply rules and key to a relation of rows read; at most `most` broken rows are listed.

    Rows of an earlier version that is being appended to stand in `prior` with negative `n`; they are kept as they are.
    """
    cases = " ".join(f"WHEN {rule.breaks} THEN {i}" for i, rule in enumerate(rules))
    db.execute(f"CREATE TEMP VIEW ruled AS SELECT *, CASE {cases} END AS rule FROM {source}")
    good, read = db.execute("SELECT count(*) FILTER (rule IS NULL), count(*) FROM ruled").fetchone()
    broken = _broken(db, dataset_type, rules, most) if good < read else []
    names = ", ".join(map(quoted, columns.read))
    before = ", ".join(map(quoted, columns.before))
    union = f" UNION ALL BY NAME SELECT n, {before} FROM prior" if columns.before else ""
    db.execute(f"CREATE TEMP VIEW good AS SELECT n, {names} FROM ruled WHERE rule IS NULL{union}")
    conflicts, repeats = _repeated(db, dataset_type, columns.told, most)
    unless = f" ANTI JOIN dropped USING (n, {dataset_type.names})" if conflicts or repeats else ""
    db.execute(f"CREATE TEMP VIEW kept AS SELECT * FROM good{unless}")
    out_of_order = _out_of_order(db, dataset_type)
    return Screened(broken + conflicts, good - len(conflicts) - repeats, repeats, out_of_order)


def _out_of_order(db: Any, dataset_type: DatasetType) -> int:
    """Count rows of the file after one of a later day: of the same name, where each name's rows stand together."""
    if "date" not in dataset_type.key:
        return 0
    name = dataset_type.names
    back, within, runs = db.execute(
        "SELECT count(*) FILTER (date < day), count(*) FILTER (date < day AND name = before), "
        f"count(*) FILTER (name IS DISTINCT FROM before) FROM (SELECT date, {name} AS name, "
        f"lag(date) OVER () AS day, lag({name}) OVER () AS before FROM raw)"  # OVER (): in the file's order
    ).fetchone()
    if not back:
        return 0
    (names,) = db.execute(f"SELECT count(DISTINCT {name}) FROM raw").fetchone()
    return int(within if runs <= names else back)


def _broken(db: Any, dataset_type: DatasetType, rules: Sequence[Rule], most: int) -> list[Broken]:
    values = " ".join(f"WHEN {i} THEN {quoted(rule.column)}::VARCHAR" for i, rule in enumerate(rules))
    rows = db.execute(
        f"SELECT n, {dataset_type.names}, rule, CASE rule {values} END FROM ruled WHERE rule IS NOT NULL "
        f"ORDER BY n, {dataset_type.names} LIMIT {most}"
    ).fetchall()
    return [Broken(n, name, rules[rule].reason, rules[rule].column, value or "") for n, name, rule, value in rows]


def _repeated(db: Any, dataset_type: DatasetType, told: Sequence[str], most: int) -> tuple[list[Broken], int]:
    """List rows whose key another row has with other values, and count rows that repeat another one exactly.

    Conflicting rows all go: which one is right can't be known; but an earlier version's row stays. Of identical rows
    the first stays.
    """
    key = ", ".join(map(quoted, dataset_type.key))
    db.execute(f"CREATE TEMP TABLE twice AS SELECT {key} FROM good GROUP BY {key} HAVING count(*) > 1")
    if db.execute("SELECT count(*) FROM twice").fetchone()[0] == 0:
        return [], 0
    values = ", ".join(map(quoted, told))
    same = " AND ".join(f"good.{quoted(name)} IS NOT DISTINCT FROM twice.{quoted(name)}" for name in dataset_type.key)
    last = quoted(dataset_type.key[-1])
    db.execute(
        f"CREATE TEMP TABLE dropped AS SELECT n, {dataset_type.names}, {last}::VARCHAR AS value, "
        "CASE WHEN first < 0 THEN NOT as_first ELSE versions > 1 END AS conflict "
        "FROM (SELECT *, min(n) OVER same AS first, row_number() OVER in_order AS place, "
        f"count(DISTINCT ({values})) OVER same AS versions, "
        f"({values}) IS NOT DISTINCT FROM first_value(({values})) OVER in_order AS as_first FROM good "
        f"WHERE EXISTS (SELECT 1 FROM twice WHERE {same}) "
        f"WINDOW same AS (PARTITION BY {key}), in_order AS (PARTITION BY {key} ORDER BY n)) "
        "WHERE CASE WHEN first < 0 THEN n >= 0 ELSE versions > 1 OR place > 1 END"
    )
    repeats = db.execute("SELECT count(*) FROM dropped WHERE NOT conflict").fetchone()[0]
    name = dataset_type.names
    rows = db.execute(f"SELECT n, {name}, value FROM dropped WHERE conflict ORDER BY n, {name} LIMIT {most}").fetchall()
    reason = CONFLICT.format(key=" and ".join(dataset_type.key))
    return [Broken(n, whose, reason, dataset_type.key[-1], value or "") for n, whose, value in rows], repeats
