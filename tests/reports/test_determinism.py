"""The same outcome gives the same bytes: in another process, hash seed, time zone and locale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import hashlib, sys
from pathlib import Path
import numpy as np
from reports.bundle import write_bundle
from reports.documents import write_document
from reports.json_text import write_json
from reports.tables import write_csv, write_parquet
from tests.reports.factors_sample import factor_content
from tests.reports.sample import sheet_content

folder = Path(sys.argv[1])
columns = {"date": np.arange("2021", "2022", dtype="datetime64[D]"), "x": np.linspace(0, 1, 365),
           "s": np.array(["Ω"] * 365, dtype=object)}
write_parquet(columns, folder / "t.parquet")
write_csv(columns, folder / "t.csv")
write_json({name: {"set": sorted({"a", "b", "c"})} for name in {"x", "y", "z"}}, folder / "t.json")
write_document("workbook", {"title": "t", "sheets": [{"name": "Ω", "columns": columns}]}, folder / "t.xlsx")
write_document("backtest", sheet_content(title="Ω Ж 三 שלום"), folder / "t.pdf")
write_document("factors", factor_content(title="Ω Ж 三 שלום"), folder / "f.pdf")
members = [{"name": p.name, "path": str(p)} for p in sorted(folder.iterdir())]
write_bundle({"members": members, "changelog": "", "manifest": {"b": 1, "a": 2}}, folder / "t.zip")
for path in sorted(folder.iterdir()):
    print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
"""
PLACES = [
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "2", "TZ": "Asia/Kathmandu", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "3", "TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8"},
]


@pytest.mark.parametrize("place", PLACES[1:], ids=["kathmandu", "newfoundland"])
def test_another_process_zone_and_locale_give_the_same_bytes(tmp_path, place):
    assert digests(tmp_path / "one", PLACES[0]) == digests(tmp_path / "two", place)


def digests(folder, place):
    folder.mkdir()
    environment = {**os.environ, **place, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)], env=environment, capture_output=True, text=True, check=True
    )
    assert len(done.stdout.splitlines()) == 7
    return done.stdout
