"""What the API's process costs before its first request: seconds of `create_app()` and memory, beside Flask alone.

Each run is a process of its own, as a server starts one; what a process has loaded is read when the application stands.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = int(os.environ.get("BENCH_RUNS", "7"))
ROOT = Path(__file__).parents[1]
SETTINGS = {
    "FLOOR_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "FLOOR_REDIS_URL": "redis://127.0.0.1:9/0",
    "FLOOR_S3_ENDPOINT": "http://127.0.0.1:9",
    "FLOOR_S3_ACCESS_KEY": "none",
    "FLOOR_S3_SECRET_KEY": "none",
    "FLOOR_SECRET_KEY": "x" * 40,
}
HEAVY = ("numpy", "pandas", "scipy", "cvxpy", "reportlab", "duckdb", "matplotlib", "sklearn")
MEASURE = f"""
import json, os, sys, time
begun = time.perf_counter()
{{imports}}
imported = time.perf_counter()
{{make}}
made = time.perf_counter()
pages = int(open("/proc/self/statm").read().split()[1])
print(json.dumps({{{{
    "import_s": imported - begun, "make_s": made - imported, "mb": pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
    "heavy": sorted(set({HEAVY}) & set(sys.modules)),
}}}}))
"""
FLASK = MEASURE.format(imports="import flask", make="flask.Flask('bare')")
FLOOR = MEASURE.format(
    imports="import api\nfrom api.app import create_app\nfrom infra.settings import read", make="create_app(read())"
)


def main():
    print(f"medians of {RUNS} processes\n")
    print("| application | import s | create s | whole process s | resident MB |\n|---|--:|--:|--:|--:|")
    for name, code in (("Flask alone", FLASK), ("Floor's API", FLOOR)):
        runs = [measured(code) for _ in range(RUNS)]
        shown = (statistics.median(run[what] for run in runs) for what in ("import_s", "make_s", "whole_s", "mb"))
        print("| {} | {:.3f} | {:.3f} | {:.3f} | {:.1f} |".format(name, *shown))
        assert not any(run["heavy"] for run in runs), runs[0]["heavy"]


def measured(code):
    started = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | SETTINGS, cwd=ROOT, check=True, capture_output=True, text=True
    )
    return json.loads(ran.stdout) | {"whole_s": time.perf_counter() - started}


if __name__ == "__main__":
    main()
