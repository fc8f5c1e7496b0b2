from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from hashlib import sha256

import numpy as np
import openpyxl
import pytest
from PIL import Image
from pypdf import PdfReader

from reports.render import render
from reports.tables import write_parquet
from tasks.errors import DataUnusable, Invalid
from tasks.export import bundle
from tasks.export.kind import KIND
from tasks.export.run import needs, run
from tasks.inputs import Inputs, LocalFile, Need
from tasks.params import check
from tests.tasks.export.conftest import JOB_IDS, finished, silent

LOGO = JOB_IDS[0].replace("job", "upl")


def asked(**raw):
    return check(KIND.params, {"format": "zip", "sources": [JOB_IDS[0]], **raw})


def exported(scratch, *jobs, previous=None, **raw):
    params = asked(sources=[job.id for job in jobs], **raw)
    inputs = {f"sources.{i}": job for i, job in enumerate(jobs)}
    outcome = run(params, Inputs(scratch, inputs, {"previous_bundle": previous}), silent)
    return outcome, {file.name: file for file in render(outcome, KIND, scratch)}


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_needs_every_source_in_its_order():
    assert needs(asked(sources=JOB_IDS[:2])) == {
        "sources.0": Need("job", JOB_IDS[0]), "sources.1": Need("job", JOB_IDS[1]),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ({"format": "doc"}, "/params/format"),
        ({"sources": []}, "/params/sources"),
        ({"sources": ["job_1"]}, "/params/sources/0"),
        ({"sources": [JOB_IDS[0]] * 2}, "/params/sources"),
        ({"format": "pdf", "sources": JOB_IDS[:2]}, "/params/sources"),
        ({"format": "pdf", "template": "risk"}, "/params/template"),
        ({"format": "pdf", "page": "A3"}, "/params/page"),
        ({"format": "pdf", "locale": "de"}, "/params/locale"),
        ({"format": "pdf", "artifact": "equity"}, "/params/artifact"),
        ({"format": "pdf", "branding": {"colour": "red"}}, "/params/branding/colour"),
        ({"format": "csv", "branding": {"logo": LOGO}}, "/params/branding/logo"),
        ({"format": "pdf", "title": "a\u202eb"}, "/params/title"),
        ({"artifact": "../etc/passwd", "format": "csv"}, "/params/artifact"),
    ],
)
def test_what_cannot_be_made_is_refused_with_its_place(raw, pointer):
    with pytest.raises(Invalid) as refused:
        asked(**raw)
    assert pointer in [violation.pointer for violation in refused.value.violations]


def test_the_pdf_shows_the_numbers_and_digests_of_its_backtest(backtested, scratch):
    _, files = exported(scratch, backtested, format="pdf", title="Ελληνικό Fund", page="Letter")
    reader = PdfReader(files["report.pdf"].path)
    text = "\n".join(page.extract_text() for page in reader.pages)
    total = backtested.result["total_return"]
    assert "Ελληνικό Fund" in text
    assert f"{total * 100:.2f}%" in text
    assert backtested.artifacts["equity"].sha256 in text
    assert re.search(rf"\nprices\s+{'p' * 64}", text)  # what went in, by the parameter it stood for
    assert re.search(rf"\nsignal\s+{'s' * 64}", text)
    assert backtested.id not in text
    assert float(reader.pages[0].mediabox.width) == 612


def test_the_pdf_names_what_went_in_of_a_backtest_found_again_under_other_references(backtested, scratch):
    other = {**backtested.params, "prices": {"job": backtested.id, "artifact": "data"}}
    _, files = exported(scratch, replace(backtested, params=other), format="pdf")
    text = "\n".join(page.extract_text() for page in PdfReader(files["report.pdf"].path).pages)
    assert re.search(rf"\nprices\s+{'p' * 64}", text)


def test_the_pdf_shows_what_the_backtest_s_own_tear_sheet_shows(backtested, scratch):
    _, files = exported(scratch, backtested, format="pdf")
    own = PdfReader(backtested.artifacts["tearsheet.pdf"].path)
    again = PdfReader(files["report.pdf"].path)
    without = [e["/Title"] for e in again.outline if e["/Title"] != "Manifest"]
    assert [e["/Title"] for e in own.outline] == without
    assert _numbers(own.pages[1]) == _numbers(again.pages[1])


def _numbers(page):
    """The page's text without its page number: the two documents differ in length."""
    return re.sub(r"\d / \d", "", page.extract_text())


def test_a_pdf_of_something_else_is_refused_by_name(backtested, scratch):
    other = replace(backtested, kind="factors")
    with pytest.raises(DataUnusable, match=f"{other.id} is a job of kind 'factors'"):
        exported(scratch, other, format="pdf")


def test_a_source_that_lost_an_artifact_is_refused_by_name(backtested, scratch):
    lame = replace(backtested, artifacts={k: v for k, v in backtested.artifacts.items() if k != "trades.csv"})
    with pytest.raises(DataUnusable, match=rf"{lame.id} has no trades\.csv"):
        exported(scratch, lame, format="pdf")
    with pytest.raises(DataUnusable, match=f"{lame.id} .*no artifacts"):
        exported(scratch, replace(backtested, artifacts={}), format="zip")


def logo_file(folder, data=None, size=(300, 120)):
    path = folder / "logo.png"
    if data is None:
        Image.new("RGBA", size, (122, 31, 61, 200)).save(path)
    else:
        path.write_bytes(data)
    data = path.read_bytes()
    return LocalFile(path, "logo.png", "image/png", len(data), sha256(data).hexdigest())


def with_logo(scratch, job, file):
    params = asked(format="pdf", branding={"logo": LOGO, "colour": "#7a1f3d"})
    assert needs(params)["branding.logo"] == Need("upload", LOGO)
    outcome = run(params, Inputs(scratch, {"sources.0": job, "branding.logo": file}), silent)
    return render(outcome, KIND, scratch)[0].path


def test_a_logo_is_drawn_and_its_path_does_not_change_the_bytes(backtested, scratch, tmp_path):
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found.append(with_logo(tmp_path / name, backtested, logo_file(tmp_path / name)).read_bytes())
    assert found[0] == found[1]
    assert len(PdfReader(io.BytesIO(found[0])).pages[0].images) == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda png: b"",
        lambda png: b"GIF89a" + b"0" * 40,
        lambda png: png[:60],
        lambda png: png[:40] + b"\xff" * 400,
        lambda png: png[:16] + b"\xff" * 8 + png[24:],
        lambda png: png + b"0" * 3_000_000,
        lambda png: b"<svg onload='alert(1)'/>" + b" " * 40,
    ],
    ids=["empty", "gif", "cut", "garbage", "huge sides", "too long", "svg"],
)
def test_a_logo_that_is_no_sound_picture_is_refused(backtested, scratch, tmp_path, spoil):
    png = logo_file(tmp_path).path.read_bytes()
    with pytest.raises(DataUnusable, match=r"logo"):
        with_logo(scratch, backtested, logo_file(tmp_path, spoil(png)))


def test_a_table_too_long_for_json_is_refused_with_what_to_do(backtested, scratch, monkeypatch):
    monkeypatch.setattr("tasks.export.run.JSON_ROWS_MAX", 10)
    with pytest.raises(DataUnusable, match="Export it as csv"):
        exported(scratch, backtested, format="json")


def test_the_first_declared_table_of_any_kind_is_taken(backtested, scratch, tmp_path):
    path = tmp_path / "scores.parquet"
    write_parquet({"symbol": np.array(["A"], dtype=object), "score": np.array([1.5])}, path)
    scores = replace(backtested.artifacts["equity"], path=path)
    job = replace(
        backtested, kind="factors", artifacts={"scores": scores, "zz.csv": backtested.artifacts["trades.csv"]}
    )
    _, files = exported(scratch, job, format="csv")
    assert files["export.csv"].path.read_text() == "symbol,score\nA,1.5\n"


def test_csv_is_the_first_table_as_the_job_left_it(backtested, scratch):
    outcome, files = exported(scratch, backtested, format="csv")
    assert files["export.csv"].path.read_bytes() == backtested.artifacts["equity.csv"].path.read_bytes()
    assert outcome.result["rows"] == files["export.csv"].rows == backtested.result["sessions"]


@pytest.mark.parametrize("artifact", ["trades.csv", "attribution.csv", "monthly_returns.csv", "equity.csv"])
def test_a_csv_artifact_comes_out_as_it_was(backtested, scratch, artifact):
    _, files = exported(scratch, backtested, format="csv", artifact=artifact)
    assert files["export.csv"].path.read_bytes() == backtested.artifacts[artifact].path.read_bytes()


def test_tables_of_several_sources_follow_one_another(backtested, scratch):
    other = replace(backtested, id=JOB_IDS[1])
    _, files = exported(scratch, backtested, other, format="csv", artifact="monthly_returns.csv")
    rows = rows_of(files["export.csv"].path)
    alone = rows_of(backtested.artifacts["monthly_returns.csv"].path)
    assert [row.pop("source") for row in rows] == ["1"] * len(alone) + ["2"] * len(alone)
    assert rows == alone * 2


def test_a_table_that_is_not_there_is_refused_with_what_is(backtested, scratch):
    with pytest.raises(DataUnusable, match=r"no table 'scores'; its tables: attribution\.csv, equity"):
        exported(scratch, backtested, format="csv", artifact="scores")
    with pytest.raises(DataUnusable, match=r"no table 'kpis\.json'"):
        exported(scratch, backtested, format="csv", artifact="kpis.json")


def test_tables_of_different_shapes_are_not_stacked(backtested, scratch):
    artifacts = dict(backtested.artifacts, equity=backtested.artifacts["positions"])
    with pytest.raises(DataUnusable, match="has the columns date, symbol"):
        exported(scratch, backtested, replace(backtested, id=JOB_IDS[1], artifacts=artifacts), format="csv")


def test_json_holds_results_documents_and_the_table(backtested, scratch):
    _, files = exported(scratch, backtested, format="json", artifact="monthly_returns.csv")
    content = json.loads(files["export.json"].path.read_text(), parse_constant=pytest.fail)
    source = content["sources"][0]
    assert source["result"]["sharpe"] == backtested.result["sharpe"]
    assert {row["name"] for row in source["documents"]["kpis.json"]["statistics"]} >= {"sharpe", "max_drawdown"}
    assert content["table"]["rows"] == len(content["table"]["columns"]["return"])
    assert content["table"]["columns"]["benchmark"][0] is None


def test_a_workbook_holds_results_and_every_table_with_its_types(backtested, scratch):
    outcome, files = exported(scratch, backtested, format="xlsx")
    book = openpyxl.load_workbook(files["workbook.xlsx"].path, read_only=True)
    assert book.sheetnames == [
        "Results", "1 attribution", "1 equity", "1 monthly_returns", "1 positions", "1 trades",
    ]  # fmt: skip
    assert outcome.result["members"] == 6
    results = {row[2]: row[3] for row in book["Results"].iter_rows(min_row=2, values_only=True)}
    assert results["sharpe"] == pytest.approx(backtested.result["sharpe"], rel=1e-12)
    equity = list(book["1 equity"].iter_rows(values_only=True))
    assert len(equity) == backtested.result["sessions"] + 1
    assert equity[1][0].date().isoformat() == backtested.result["start"]
    assert equity[1][1] == 1_000_000
    assert equity[1][2] is None  # the first session has no return
    assert files["workbook.xlsx"].filename == "export-workbook.xlsx"


def test_a_workbook_of_one_table_of_two_sources(backtested, scratch):
    other = replace(backtested, id=JOB_IDS[1])
    _, files = exported(scratch, backtested, other, format="xlsx", artifact="trades.csv")
    assert openpyxl.load_workbook(files["workbook.xlsx"].path).sheetnames == ["Results", "1 trades", "2 trades"]


def test_a_table_too_long_for_a_workbook_is_refused_with_what_to_do(backtested, scratch, monkeypatch):
    monkeypatch.setattr("tasks.export.workbook.ROWS_MAX", 10)
    with pytest.raises(DataUnusable, match="too many for a workbook; export it as csv"):
        exported(scratch, backtested, format="xlsx")


def test_a_bundle_holds_every_artifact_with_its_digest(backtested, scratch):
    outcome, files = exported(scratch, backtested)
    with zipfile.ZipFile(files["bundle.zip"].path) as archive:
        listing = json.loads(archive.read("MANIFEST.json"))
        digests = {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
    listed = {member["name"]: member["sha256"] for member in listing["members"]}
    assert digests.pop("MANIFEST.json") == files["bundle_manifest.json"].sha256
    assert digests == listed
    assert {m["artifact"]: m["sha256"] for m in listing["members"] if "artifact" in m} == {
        name: file.sha256 for name, file in backtested.artifacts.items()
    }
    assert outcome.result["members"] == len(listed) + 1
    assert outcome.result["content_digest"] == bundle.content_digest([backtested])


_FILES = (({"format": "pdf"}, "report.pdf"), ({"format": "zip"}, "bundle.zip"), ({"format": "xlsx"}, "workbook.xlsx"))


def test_the_same_backtest_submitted_twice_gives_the_same_files(backtested, scratch, tmp_path):
    again = finished(tmp_path / "again", job_id=JOB_IDS[5], tags={"run": "second"})
    (tmp_path / "two").mkdir()
    for raw, name in _FILES:
        _, one = exported(scratch, backtested, **raw)
        _, two = exported(tmp_path / "two", again, **raw)
        assert one[name].path.read_bytes() == two[name].path.read_bytes()


def test_the_change_log_names_what_differs_from_the_bundle_before(backtested, scratch, tmp_path):
    before = finished(tmp_path / "before", costs={"commission_bps": 9})
    lacking = replace(before, artifacts={k: v for k, v in before.artifacts.items() if k != "trades.csv"})
    previous = bundle.manifest([lacking], bundle.changelog([lacking], None))
    _, files = exported(scratch, backtested, previous=previous)
    with zipfile.ZipFile(files["bundle.zip"].path) as archive:
        log = archive.read("CHANGELOG.md").decode()
    assert previous["content_digest"] in log
    assert "## Added\n\n- `01-backtest/trades.csv`" in log
    assert "`01-backtest/equity.parquet`" in log.split("## Changed")[1]
    assert "Removed" not in log


@pytest.fixture
def hostile_job(backtested, tmp_path):
    """A job whose artifacts carry names that no platform should have let through."""
    (tmp_path / "f").write_bytes(b"x")
    names = [
        "../../x",
        "/etc/passwd",
        "C:\\x",
        "a/b",
        "a_b",
        "A_B",
        "é" * 300 + ".csv",
        "..",
        ".hidden",
        "con\x00trol",
        "",
    ]
    file = LocalFile(tmp_path / "f", "f", "text/plain", 1, sha256(b"x").hexdigest())
    return replace(backtested, kind="../toy", artifacts=dict.fromkeys(names, file))


def test_member_names_are_safe_and_unique_and_unzip_into_the_folder_only(hostile_job, scratch, tmp_path):
    _, files = exported(scratch, hostile_job)
    out = tmp_path / "out"
    with zipfile.ZipFile(files["bundle.zip"].path) as archive:
        names = archive.namelist()
        archive.extractall(out)
    assert len({name.casefold() for name in names}) == len(names) == len(hostile_job.artifacts) + 2
    for name in names:
        assert name in {"MANIFEST.json", "CHANGELOG.md"} or name.startswith("01-toy/")
        assert len(name) < 120
        assert name.isascii()
        assert not {"..", "\\"} & {name[i : i + n] for i in range(len(name)) for n in (1, 2)}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f", "out", "scratch"]
    assert sum(p.is_file() for p in out.rglob("*")) == len(names)


def test_text_that_a_spreadsheet_would_run_is_inert_in_csv_and_raw_in_json(backtested, scratch, tmp_path):
    path = tmp_path / "raw.parquet"
    write_parquet({"symbol": np.array(["=1+1", "-A"], dtype=object), "weight": np.array([-0.5, 0.5])}, path)
    file = replace(backtested.artifacts["equity"], path=path)
    job = replace(backtested, artifacts={**backtested.artifacts, "equity": file})
    _, files = exported(scratch, job, format="csv")
    assert files["export.csv"].path.read_text() == "symbol,weight\n'=1+1,-0.5\n'-A,0.5\n"
