"""A copy of the tree with a toy kind in it, servers of its own, and a real dispatcher with real Celery workers."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import tasks
from infra import embedded, jobs, orgs, submission
from infra import settings as settings_module
from infra.database import Database
from infra.files import Files
from infra.keys import Caller
from infra.settings import Settings
from infra.submission import JobRequest
from tasks.job import FINAL
from tasks.registry import kinds

ROOT = Path(__file__).parents[2]
TOY = Path(__file__).parent / "toy"
FAST = {"FLOOR_AUTOSCALE": "local", "FLOOR_LEASE_S": "4", "FLOOR_POLL_S": "0.5", "FLOOR_BACKOFF_MAX_S": "1"}


@dataclass
class Toyland:
    """A Floor without its front door: the tree, the servers' environment, and the parts to reach them."""

    tree: Path
    environment: dict[str, str]
    settings: Settings
    database: Database
    files: Files

    def submit(self, org, do="nothing", *, cache="off", **params):
        caller = Caller(org.org_id, "key_test", "owner", "test")
        given = {"cache": cache, "priority": params.pop("priority", "normal")}
        given |= {name: params.pop(name) for name in ("depends_on", "deadline_s") if name in params}
        with self.database.org(org.org_id) as connection:
            request = JobRequest("toy", {"do": do, **params}, **given)
            return submission.submit(connection, caller, request, request_id="req_test")["id"]

    def job(self, org, job_id):
        with self.database.org(org.org_id) as connection:
            return jobs.get(connection, job_id)

    def events(self, org, job_id):
        with self.database.org(org.org_id) as connection:
            return [event["type"] for event in jobs.events_after(connection, job_id)]

    def cancel(self, org, job_id):
        with self.database.org(org.org_id) as connection:
            jobs.request_cancel(connection, job_id)

    def wait(self, org, job_id, condition=lambda job: job["state"] in FINAL, within_s=30.0):
        deadline = time.monotonic() + within_s
        while not condition(job := self.job(org, job_id)):
            assert time.monotonic() < deadline, f"not in {within_s} s: {job}"
            time.sleep(0.02)
        return job

    @staticmethod
    def until(condition, within_s=20.0):
        deadline = time.monotonic() + within_s
        while not (found := condition()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found

    @staticmethod
    def starts(witness):
        """The process ids that started a job, in order, from the file that it writes at every start."""
        return witness.read_text().split() if witness.exists() else []

    def node_of(self, org, job_id):
        """The process id of the worker that a job was given to last."""
        return int(self.job(org, job_id)["worker_id"].rpartition(":")[2])

    def nodes(self):
        """The process ids of the workers that are alive."""
        with self.database.system() as connection:
            rows = connection.execute("SELECT pid FROM workers WHERE seen_at > now() - interval '2 s'").fetchall()
        return [row["pid"] for row in rows]

    @contextmanager
    def dispatcher(self, **settings):
        """Run a dispatcher, its driver and whatever workers it starts, in the copied tree."""
        environment = {**os.environ, **self.environment, **FAST, **settings, "PYTHONPATH": str(self.tree)}
        log = self.settings.data_dir / "logs" / "dispatcher.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "worker.dispatcher"], cwd=self.tree, env=environment, stderr=output
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(30) == 0


@pytest.fixture(scope="session")
def toy_tree():
    home = Path(tempfile.mkdtemp(prefix="floor-toys-"))
    for package in ("tasks", "worker", "reports", "infra"):
        shutil.copytree(ROOT / package, home / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "celeryconfig.py", home)
    shutil.copytree(TOY, home / "tasks" / "toy", ignore=shutil.ignore_patterns("__pycache__"))
    (home / "tasks" / "toy" / "__init__.py").write_text('"""A kind for tests."""\n')
    yield home
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def toy_servers():
    home = Path(tempfile.mkdtemp(prefix="floor-toys-"))
    with embedded.start(home) as running:
        yield running
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def toyland(toy_tree, toy_servers):
    settings = settings_module.read({**toy_servers.environment, **FAST})
    database, files = Database(settings.database_url, max_size=4), Files(settings)
    files.ensure_bucket()
    yield Toyland(toy_tree, toy_servers.environment, settings, database, files)
    database.close()


@pytest.fixture
def toys(toyland, monkeypatch):
    """Toyland, with the toy kind known to this process for as long as the test runs."""
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(toyland.tree / "tasks")])
    kinds.cache_clear()
    yield toyland
    kinds.cache_clear()


@pytest.fixture
def toy_org(toys):
    return orgs.create_org(toys.database, "toys")
