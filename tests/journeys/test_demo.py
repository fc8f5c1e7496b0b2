"""The main job as a new user starts it: `floor demo`, in a process of its own, on real servers."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pypdf
import pytest

from infra import local

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


def floor(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "infra.cli", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False
    )


def text_of(path):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages)


def links(output):
    return re.findall(r"http://\S+X-Amz-Signature=\S+", output)


def check_bundle(path):
    with zipfile.ZipFile(path) as bundle:
        assert bundle.testzip() is None
        names = set(bundle.namelist())
        assert {"MANIFEST.json", "CHANGELOG.md"} <= names
        listed = json.loads(bundle.read("MANIFEST.json"))["members"]
        digests = {one["name"]: one["sha256"] for one in listed}
        assert set(digests) == names - {"MANIFEST.json"}
        for name, sha256 in digests.items():
            assert hashlib.sha256(bundle.read(name)).hexdigest() == sha256


def test_the_demo_ends_by_itself_with_a_tear_sheet_and_leaves_nothing_running(tmp_path):
    ran = floor("demo", "--data-dir", tmp_path / "floor", "--out", tmp_path / "out")
    assert ran.returncode == 0, ran.stderr
    text = text_of(tmp_path / "out" / "tearsheet.pdf")
    assert "Momentum and low volatility" in text
    assert "Sharpe" in text
    check_bundle(tmp_path / "out" / "bundle.zip")
    assert "188,316 rows read, 188,313 kept, 2 quarantined, 1 duplicate; 150 symbols" in ran.stdout
    assert "Sharpe ratio" in ran.stdout
    assert len(links(ran.stdout)) == 2
    assert local.read_state(tmp_path / "floor") is None
    with pytest.raises(httpx.ConnectError):
        httpx.get(links(ran.stdout)[0])


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """The folder of a Floor that a demo with --keep left running."""
    folder = tmp_path_factory.mktemp("kept")
    path = folder / "small.csv"
    path.write_text(small())
    ran = floor("demo", "--keep", "--data", path, "--data-dir", folder / "floor", "--out", folder / "out")
    assert ran.returncode == 0, ran.stderr
    yield folder, ran.stdout
    assert floor("down", "--data-dir", folder / "floor").returncode == 0


def small():
    """Two years of six invented stocks, wide."""
    import datetime as dt
    import random

    chance, day, lines = random.Random(7), dt.date(2020, 1, 1), ["date,AA,BB,CC,DD,EE,FF"]
    prices = [50.0] * 6
    while len(lines) < 522:
        if day.weekday() < 5:
            prices = [price * (1 + chance.gauss(0.0004, 0.01)) for price in prices]
            lines.append(",".join([day.isoformat(), *(f"{price:.4f}" for price in prices)]))
        day += dt.timedelta(days=1)
    return "\n".join(lines) + "\n"


def test_a_kept_floor_serves_the_links_and_the_commands_that_were_printed(kept):
    folder, printed = kept
    pdf, bundle = (httpx.get(link) for link in links(printed))
    assert pdf.content == (folder / "out" / "tearsheet.pdf").read_bytes()
    assert "attachment" in pdf.headers["content-disposition"]
    assert bundle.content == (folder / "out" / "bundle.zip").read_bytes()
    (stop,) = re.findall(r"\(or: (.* down --data-dir .*)\)", printed)
    subprocess.run(f"{stop} --help", shell=True, capture_output=True, check=True)  # as printed, short of stopping it
    commands = re.findall(r"^  (curl .*)$", printed, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        ran = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=folder, check=True)
        assert '"status": 4' not in ran.stdout
        assert '"type":"/problems' not in ran.stdout.replace(" ", "")
    assert (folder / "equity.csv").read_text().startswith("date,equity")


def test_the_demo_tells_what_is_wrong_with_a_file(kept, tmp_path):
    folder, _ = kept
    (tmp_path / "bad.csv").write_text("this,is\nnot,prices\n")
    ran = floor("demo", "--data", tmp_path / "bad.csv", "--data-dir", folder / "floor", "--out", tmp_path, cwd=ROOT)
    assert ran.returncode == 1
    assert "prices failed" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.glob("*.pdf")) == []


@pytest.mark.market_data
@pytest.mark.parametrize(
    ("name", "actions", "symbols"),
    [
        ("us_daily_raw.csv.gz", "corporate_actions.csv", 21),
        ("etf_23_wide.csv", None, 23),
        ("ragged_20_wide.csv", None, 20),
        ("sp500_20_adjusted_wide.csv.gz", None, 20),
    ],
)
def test_the_demo_takes_files_as_vendors_send_them(kept, market_data, tmp_path, *, name, actions, symbols):
    folder, _ = kept
    given = ["--data", market_data / name] + (["--actions", market_data / actions] if actions else [])
    ran = floor("demo", *given, "--data-dir", folder / "floor", "--out", tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert f"{symbols} symbols" in ran.stdout
    assert name in text_of(tmp_path / "tearsheet.pdf")
    check_bundle(tmp_path / "bundle.zip")
