from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reports.manifest import manifest, write_manifest
from reports.render import render
from reports.tables import write_parquet
from tasks.backtest import run as backtest
from tasks.backtest.kind import KIND as BACKTEST
from tasks.inputs import FinishedJob, Inputs, LocalFile, TableFile
from tasks.params import check

if TYPE_CHECKING:
    from pathlib import Path

JOB_IDS = [f"job_0197{i:04x}-0000-7000-8000-000000000003" for i in range(9)]
PRICES, SIGNAL = "ds_01970000-0000-7000-8000-000000000001", "ds_01970000-0000-7000-8000-000000000002"


def silent(_fraction, _stage, _message=""):
    pass


def market(folder: Path, days: int = 300, names: int = 12) -> dict[str, TableFile]:
    random = np.random.default_rng(7)
    dates = np.busday_offset("2021-01-04", np.arange(days)).astype("datetime64[D]")
    symbols = np.array([f"SYM{i:02d}" for i in range(names)], dtype=object)
    close = 50.0 * np.cumprod(1.0 + random.normal(0.0004, 0.012, (names, days)), axis=1)
    ones = np.ones(names * days)
    long = {"date": np.tile(dates, names), "symbol": np.repeat(symbols, days)}
    prices = {
        "close": close.ravel(), "open": close.ravel(), "volume": ones * 1e6, "split_factor": ones, "adj_factor": ones,
        "adj_close": close.ravel(),
    }  # fmt: skip
    found = {"prices": long | prices, "signal": long | {"score": random.normal(size=names * days)}}
    for name, columns in found.items():
        write_parquet(columns, folder / f"{name}.parquet")
    return {
        name: TableFile(folder / f"{name}.parquet", name[0] * 64, f"{ref}@1", name, f"/params/{name}")
        for name, ref in (("prices", PRICES), ("signal", SIGNAL))
    }


def finished(folder: Path, job_id: str = JOB_IDS[0], tags: dict | None = None, **changes) -> FinishedJob:
    folder.mkdir()
    raw = {
        "prices": PRICES, "signal": SIGNAL, "construction": {"type": "quantile_long_short", "quantile": 0.25},
        "costs": {"commission_bps": 1, "half_spread_bps": 2}, "borrow": {"annual_bps": 50},
    }  # fmt: skip
    params = check(BACKTEST.params, raw | changes)
    tables = market(folder)
    outcome = backtest.run(params, Inputs(folder, tables), silent)
    rendered = render(outcome, BACKTEST, folder)
    inputs = {t.ref: {"ref": t.ref, "sha256": t.sha256, "type": t.type} for t in tables.values()}
    record = manifest("backtest", params, inputs, outcome.seeds, "test", {}, rendered)
    files = [*rendered, write_manifest(record, folder)]
    artifacts = {f.name: LocalFile(f.path, f.filename, f.media_type, f.bytes, f.sha256) for f in files}
    return FinishedJob(job_id, "backtest", params, outcome.result, tags or {}, record, artifacts)


@pytest.fixture(scope="module")
def backtested(tmp_path_factory) -> FinishedJob:
    return finished(tmp_path_factory.mktemp("source") / "one")


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)
