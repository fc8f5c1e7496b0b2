"""Runs the ingest kind on small files, as a worker would, without any server."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tasks.ingest import run as ingest_run
from tasks.ingest.kind import KIND
from tasks.inputs import Inputs, LocalFile, TableFile
from tasks.outcome import DatasetVersion, Outcome
from tasks.params import check

ACTION_COLUMNS = ["ex_date", "symbol", "type", "ratio", "amount", "new_symbol", "final_return", "special"]
DATASET = "ds_01970000-0000-7000-8000-000000000000"
OTHER = "ds_01970000-0000-7000-8000-000000000001"
UPLOAD = "upl_01970000-0000-7000-8000-000000000000"


@dataclass
class Ingested:
    outcome: Outcome
    rows: list[tuple[Any, ...]]
    columns: list[str]
    path: Path

    @property
    def result(self) -> Any:
        return self.outcome.result

    @property
    def health(self) -> Any:
        return self.outcome.documents[0].content

    @property
    def version(self) -> DatasetVersion:
        (version,) = self.outcome.intents
        assert isinstance(version, DatasetVersion)
        return version

    @property
    def quarantine(self) -> list[dict[str, Any]]:
        table = next(t for t in self.outcome.tables if t.name == "quarantine.csv")
        names = list(table.columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]

    def column(self, name: str) -> list[Any]:
        at = self.columns.index(name)
        return [row[at] for row in self.rows]


class Ingest:
    """Call it with a file's content and parameters."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = 0

    def __call__(
        self,
        content: bytes | str | Path,
        *,
        actions: list[tuple[Any, ...]] | None = None,
        symbol_map: tuple[list[str], list[tuple[Any, ...]]] | None = None,
        onto: Ingested | None = None,
        against: Ingested | None = None,
        **params: Any,
    ) -> Ingested:
        self.calls += 1
        scratch = self.folder / f"run{self.calls}"
        scratch.mkdir()
        path = content if isinstance(content, Path) else self.folder / f"upload{self.calls}"
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        found: dict[str, Any] = {"upload": local(path)}
        given = {"upload": UPLOAD, "dataset": "test", **params}
        tables = {"symbol_map": symbol_map}
        if actions is not None:
            width = max(map(len, actions), default=5)
            rows = [(*row, *[None] * (width - len(row))) for row in actions]
            tables["corporate_actions"] = (ACTION_COLUMNS[:width], rows)
        for name, table in tables.items():
            if table is not None:
                columns, rows = table
                given[name] = {"columns": columns, "rows": [list(row) for row in rows]}
                found[name] = inline(self.folder / f"{name}{self.calls}.parquet", name, columns, rows)
        if onto is not None:
            given |= {"mode": "append", "dataset": DATASET}
            found["dataset"] = TableFile(onto.path, "0" * 64, f"{DATASET}@1", onto.version.type, "/params/dataset")
        if against is not None:
            given["cross_check"] = OTHER
            found["cross_check"] = TableFile(against.path, "1" * 64, f"{OTHER}@1", "prices", "/params/cross_check")
        loaded = check(KIND.params, given)
        assert set(ingest_run.needs(loaded)) == set(found)
        outcome = ingest_run.run(loaded, Inputs(scratch, found), lambda *_: None)
        data = outcome.files[0].path
        with duckdb.connect() as db:
            query = db.execute("SELECT * FROM read_parquet(?)", [str(data)])
            columns = [column[0] for column in query.description]
            rows = query.fetchall()
        return Ingested(outcome, rows, columns, data)


def local(path: Path) -> LocalFile:
    return LocalFile(path, path.name, "text/csv", path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


def inline(path: Path, name: str, columns: list[str], rows: list[tuple[Any, ...]]) -> TableFile:
    """Write rows as Parquet the way the worker writes an inline table: numbers, text, null."""
    types = ["DOUBLE" if any(isinstance(r[i], int | float) for r in rows) else "VARCHAR" for i in range(len(columns))]
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE t ({', '.join(f'{c} {t}' for c, t in zip(columns, types, strict=True))})")
        if rows:
            db.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(columns))})", rows)
        db.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    return TableFile(path, "0" * 64, "inline", None, f"/params/{name}")


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path)
