from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from reports.manifest import library_versions, manifest, write_manifest
from reports.render import render
from tasks.export.kind import KIND as EXPORT
from tasks.kind import Artifact
from tasks.outcome import Document, Outcome, Table, WrittenFile

KIND = replace(
    EXPORT,
    name="toy",
    artifacts=(
        Artifact("scores", "table", "", csv_twin=True),
        Artifact("trades.csv", "csv", ""),
        Artifact("kpis.json", "json", ""),
        Artifact("raw", "table", "", optional=True),
    ),
)
SCORES = Table("scores", {"x": np.array([1.0, 2.0])})
TRADES = Table("trades.csv", {"x": np.array([1.0])})
KPIS = Document("kpis.json", {"sharpe": 1.0})


def test_every_declared_artifact_becomes_a_file_with_its_digest(tmp_path):
    found = render(Outcome({}, (SCORES, TRADES), (KPIS,)), KIND, tmp_path)
    assert [file.name for file in found] == ["kpis.json", "scores", "scores.csv", "trades.csv"]
    assert [file.filename for file in found] == [
        "toy-kpis.json", "toy-scores.parquet", "toy-scores.csv", "toy-trades.csv",
    ]  # fmt: skip
    assert [file.rows for file in found] == [None, 2, 2, 1]
    assert [file.media_type for file in found] == [
        "application/json", "application/vnd.apache.parquet", "text/csv; charset=utf-8", "text/csv; charset=utf-8",
    ]  # fmt: skip
    for file in found:
        data = file.path.read_bytes()
        assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_a_file_that_the_run_wrote_is_taken_as_it_is(tmp_path):
    (tmp_path / "raw.parquet").write_bytes(b"PAR1")
    written = WrittenFile("raw", tmp_path / "raw.parquet", "application/vnd.apache.parquet", rows=7)
    found = render(Outcome({}, (SCORES, TRADES), (KPIS,), (written,)), KIND, tmp_path)
    raw = next(file for file in found if file.name == "raw")
    assert (raw.path, raw.rows, raw.bytes, raw.filename) == (written.path, 7, 4, "toy-raw.parquet")


@pytest.mark.parametrize(
    ("outcome", "named"),
    [
        (Outcome({}, (SCORES, TRADES)), "kpis.json"),
        (Outcome({}, (SCORES, TRADES, Table("extra", {"x": np.zeros(1)})), (KPIS,)), "extra"),
        (Outcome({}, (SCORES, SCORES, TRADES), (KPIS,)), "scores"),
        (Outcome({}, (SCORES, TRADES), (KPIS, Document("manifest.json", {}))), "manifest.json"),
    ],
    ids=["missing", "undeclared", "twice", "the manifest's name"],
)
def test_an_outcome_that_is_not_what_its_kind_declares_is_an_error(tmp_path, outcome, named):
    with pytest.raises(ValueError, match=named.replace(".", r"\.")):
        render(outcome, KIND, tmp_path)


def test_the_manifest_lists_every_artifact_and_no_place_where_inputs_lie(tmp_path):
    files = render(Outcome({}, (SCORES, TRADES), (KPIS,)), KIND, tmp_path)
    inputs = {"a": {"ref": "ds_1@3", "sha256": "ab", "key": "orgs/secret", "bytes": 3, "type": "prices"}}
    record = manifest("toy", {"seed": 7}, inputs, {"seed": 7}, "v1", {"numpy": "2"}, files)
    assert record["artifacts"]["scores"]["sha256"] == files[1].sha256
    assert record["artifacts"]["scores"]["rows"] == 2
    assert record["inputs"] == [{"ref": "ds_1@3", "sha256": "ab", "bytes": 3, "type": "prices"}]
    written = write_manifest(record, tmp_path)
    assert written.name == "manifest.json"
    assert b"orgs/secret" not in written.path.read_bytes()


def test_the_versions_of_what_computes_are_known():
    assert {"python", "numpy", "duckdb", "reportlab"} <= library_versions().keys()
    assert "no-such-library" not in library_versions(["no-such-library"])
