"""One running house for most trials; how many jobs a trial takes; the seed; the table at the end."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.chaos.house import QUICK, Edit, House
from tests.chaos.trial import Trial

# `make chaos` gives a number of jobs a fault, and takes Floor as it comes; otherwise leases and polls are short.
JOBS = int(os.environ.get("CHAOS_JOBS", "0"))
SEED = int(os.environ.setdefault("CHAOS_SEED", str(random.SystemRandom().randrange(10**6))))
FEW = 40
ROWS = []
BROKEN = []
SETTINGS = {"FLOOR_WORKER_GRACE_S": "1", "FLOOR_WORKER_IDLE_S": "60"} if JOBS else QUICK
# A Floor that is told nothing: notifications go nowhere, and Redis delivers again whatever takes longer than 2 s.
DEAF = (
    Edit("infra/jobs.py", "SELECT pg_notify('floor_dispatch', %s)\"", 'SELECT %s::text"'),
    Edit(
        "celeryconfig.py", '"visibility_timeout": 6 * 3600,', '"visibility_timeout": 2, "unacked_restore_interval": 1,'
    ),
    Edit("celeryconfig.py", '"socket_timeout": 15,', '"socket_timeout": 15, "unacked_restore_throttle": 1,'),
    Edit("infra/servers/redis.py", "appendonly yes", "appendonly no"),
)


def pytest_report_header():
    return f"chaos: seed {SEED} (CHAOS_SEED), {JOBS or FEW} jobs a fault (CHAOS_JOBS)"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.chaos)


def pytest_terminal_summary(terminalreporter):
    if BROKEN:
        terminalreporter.section("chaos: what the trials said of builds with one line broken")
        for name, edit, said in BROKEN:
            terminalreporter.write_line(f"{name}: {edit.file}: {edit.old.strip()!r} -> {edit.new.strip()!r}")
            terminalreporter.write_line(f"    {said[:300]}")
    if not ROWS:
        return
    terminalreporter.section(f"chaos, seed {SEED}")
    head = ("fault", "jobs", "lost", "doubled", "failed", "astray", "reruns", "strikes", "recovery p95", "max", "took")
    terminalreporter.write_line("| " + " | ".join(head) + " |")
    terminalreporter.write_line("|---" + "|--:" * (len(head) - 1) + "|")
    for name, v in ROWS:
        counts = [v.jobs, *(len(found) for found in (v.lost, v.doubled | v.unexpected, v.failed, v.astray))]
        times = [f"{seconds:.1f} s" for seconds in (v.recovery(0.95), v.recovery(1.0), v.seconds)]
        terminalreporter.write_line("| " + " | ".join(map(str, [name, *counts, v.reruns, v.strikes, *times])) + " |")


@pytest.fixture
def own_house():
    """Start houses with changed lines or settings; they end with the test."""
    opened = []

    def start(edits=(), **settings):
        folder = Path(tempfile.mkdtemp(prefix="floor-chaos-"))
        house = House(folder, edits, **QUICK | settings)
        opened.append((house, folder))
        return house.__enter__()

    yield start
    for house, folder in opened:
        house.__exit__()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def house():
    """A house that many trials share, one after the other."""
    yield from _house()


@pytest.fixture(scope="session")
def deaf_house():
    """A house without wake-ups, whose Redis keeps nothing and delivers long jobs again and again."""
    yield from _house(DEAF)


def _house(edits=()):
    folder = Path(tempfile.mkdtemp(prefix="floor-chaos-"))
    with House(folder, edits, **SETTINGS) as house:
        yield house
    shutil.rmtree(folder)


@pytest.fixture
def trial(request, tmp_path):
    """Run one trial, judge it, and keep its row for the table."""

    def run(house, strike=None, **options):
        found = Trial(house, tmp_path / "trial", SEED, **{"jobs": JOBS or FEW, "strike": strike, **options})
        verdict = found.run()
        ROWS.append((request.node.callspec.id if hasattr(request.node, "callspec") else request.node.name, verdict))
        found.verdict = verdict
        return found

    return run


@pytest.fixture
def few(request, tmp_path):
    """Run a trial with few jobs and short patience, whatever the run's size: it is meant to fail."""

    def run(house, strike=None, **options):
        short = {"jobs": FEW, **options, "quiet_s": 25.0, "told_s": 1.0}
        run.last = Trial(house, tmp_path / "trial", SEED, strike=strike, **short)
        run.last.verdict = run.last.run()
        return run.last

    # What it said of a broken build is kept for the end of the run.
    run.said = lambda edit, text: BROKEN.append((request.node.callspec.id, edit, text.splitlines()[0]))
    return run
