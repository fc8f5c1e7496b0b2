"""The tear sheet, CSV tables and bundles: beside reportlab's own charts, Polars, pyarrow, zipfile and the bare disk."""

import hashlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from reports.bundle import write_bundle
from reports.documents import write_document
from reports.tables import write_csv, write_parquet
from tests.reports.sample import sheet_content

ROOT = Path(__file__).parents[1]
BUNDLE_MB = 200
ROWS = 1_000_000


def timed(work, rounds=5):
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def show(title, rows):
    """Print times and their ratio to the first row, which is ours."""
    print(f"\n{title}\n\n| what | s | of ours |\n|---|--:|--:|")
    for name, took in rows:
        print(f"| {name} | {took:.3f} | {took / rows[0][1]:.2f} |")


def main():
    with tempfile.TemporaryDirectory(prefix="floor-bench-") as home:
        folder = Path(home)
        tear_sheet(folder)
        tables(folder)
        bundle(folder)


def tear_sheet(folder):
    content = sheet_content(2520)
    path = folder / "t.pdf"
    script = (
        "from tests.reports.sample import sheet_content; from reports.documents import write_document; "
        f"from pathlib import Path; write_document('backtest', sheet_content(2520), Path({str(folder / 'cold.pdf')!r}))"
    )
    cold = timed(lambda: subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True), rounds=3)
    numpy_only = timed(lambda: subprocess.run([sys.executable, "-c", "import numpy, duckdb"], check=True), rounds=3)
    rows = [("the whole tear sheet, 5 pages", timed(lambda: write_document("backtest", content, path)))]
    rows.append(
        ("3 charts of reportlab.graphics, one page", timed(lambda: reportlab_charts(content, folder / "p.pdf")))
    )
    rows += quantstats_row(content, folder)
    rows += [
        ("ours in a fresh process, with imports", cold),
        ("a fresh process that imports numpy and duckdb", numpy_only),
    ]
    show(f"Tear sheet of 2,520 sessions ({path.stat().st_size / 1e3:.0f} kB)", rows)


def reportlab_charts(content, path):
    """Draw the same three series with reportlab's charting classes: no axes of dates, no tables, no text."""
    from reportlab.graphics import renderPDF
    from reportlab.graphics.charts.lineplots import LinePlot
    from reportlab.graphics.shapes import Drawing
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(path), invariant=1)
    days = np.arange(len(content["equity"]["date"])).tolist()
    for i, name in enumerate(("equity", "drawdown", "benchmark")):
        drawing, plot = Drawing(500, 200), LinePlot()
        plot.width, plot.height = 450, 150
        plot.data = [list(zip(days, np.nan_to_num(content["equity"][name]).tolist(), strict=True))]
        drawing.add(plot)
        renderPDF.draw(drawing, canvas, 50, 600 - 220 * i)
    canvas.save()


def quantstats_row(content, folder):
    """Measure quantstats' HTML report, where it is installed: it is no dependency of ours."""
    try:
        import pandas as pd
        import quantstats
    except ImportError:
        print("(quantstats is not installed: its row is left out)")
        return []
    returns = pd.Series(np.nan_to_num(content["equity"]["return"]), index=pd.DatetimeIndex(content["equity"]["date"]))
    report = lambda: quantstats.reports.html(returns, output=str(folder / "q.html"))  # noqa: E731
    return [("quantstats, HTML", timed(report, rounds=1))]


def tables(folder):
    import polars as pl
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    random = np.random.default_rng(0)
    columns = {
        "date": np.tile(np.arange("2020-01-01", "2022-09-27", dtype="datetime64[D]"), ROWS // 1000),
        "symbol": np.repeat([f"SYM{i:04d}" for i in range(ROWS // 1000)], 1000).astype(object),
        "score": random.normal(size=ROWS),
        "weight": random.normal(size=ROWS),
    }
    frame = pl.DataFrame(columns | {"date": columns["date"].astype("datetime64[ms]")})
    arrow = pa.table({name: pa.array(values) for name, values in columns.items()})
    rows = [
        ("write_csv", timed(lambda: write_csv(columns, folder / "a.csv"), 3)),
        ("Polars, from its own frame", timed(lambda: frame.write_csv(folder / "b.csv"), 3)),
        ("pyarrow, from its own table", timed(lambda: pyarrow.csv.write_csv(arrow, folder / "c.csv"), 3)),
    ]
    show(
        f"CSV of {ROWS:,} rows ({(folder / 'a.csv').stat().st_size / 1e6:.0f} MB), formulas made inert by ours only",
        rows,
    )
    zstd = lambda: pyarrow.parquet.write_table(arrow, folder / "c.parquet", compression="zstd")  # noqa: E731
    rows = [
        ("write_parquet", timed(lambda: write_parquet(columns, folder / "a.parquet"), 3)),
        ("Polars, from its own frame", timed(lambda: frame.write_parquet(folder / "b.parquet"), 3)),
        ("pyarrow, from its own table", timed(zstd, 3)),
    ]
    show(f"Parquet (zstd) of {ROWS:,} rows", rows)


def bundle(folder):
    source = folder / "a.csv"
    copies = max(1, BUNDLE_MB * 1_000_000 // source.stat().st_size)
    members = [{"name": f"{i:02d}-job/a.csv", "path": str(source)} for i in range(copies)]
    content = {"members": members, "changelog": "", "manifest": {}}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours = timed(lambda: write_bundle(content, folder / "b.zip"), 1)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    rows = [("write_bundle", ours), ("zipfile as it comes (level 6)", timed(lambda: plain_zip(members, folder), 1))]
    rows.append(("copying the same bytes on this disk", timed(lambda: copied(members, folder), 1)))
    rows.append(("SHA-256 of the same bytes", timed(lambda: digested(members), 1)))
    megabytes = copies * source.stat().st_size / 1e6
    show(f"Bundle of {megabytes:.0f} MB of CSV into {(folder / 'b.zip').stat().st_size / 1e6:.0f} MB", rows)
    print(f"\nPeak memory grew by {grown:.1f} MiB while the bundle was written.")


def plain_zip(members, folder):
    with zipfile.ZipFile(folder / "p.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            archive.write(member["path"], member["name"])


def copied(members, folder):
    for member in members:
        shutil.copyfile(member["path"], folder / "copy")


def digested(members):
    for member in members:
        with Path(member["path"]).open("rb") as file:
            hashlib.file_digest(file, "sha256")


if __name__ == "__main__":
    main()
