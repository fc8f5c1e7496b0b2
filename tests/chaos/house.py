"""A whole Floor from a copy of the source with the kind `ordeal` in it, and lines changed where a trial asks so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import redis

from infra import local, processes
from infra.servers import s3
from tests.chaos.proxy import Proxy

ROOT = Path(__file__).parents[2]
ORDEAL = Path(__file__).parent / "ordeal"
QUICK = {
    "FLOOR_LEASE_S": "3",
    "FLOOR_POLL_S": "0.5",
    "FLOOR_BACKOFF_MAX_S": "2",
    "FLOOR_WORKER_GRACE_S": "1",
    "FLOOR_WORKER_IDLE_S": "60",
}
FREE = {"FLOOR_RATE_BURST": "1000000", "FLOOR_RATE_MINUTE": "1000000", "FLOOR_WEBHOOKS_ALLOW_PRIVATE": "1"}
KEYS = ("chaosaccess", "chaossecretchaossecret")
BUCKET = "floor"
START_S = 90.0


@dataclass(frozen=True)
class Edit:
    """One line of the copied source, changed; a line that is not there once is a mistake in the trial."""

    file: str
    old: str
    new: str


def copy_source(tree, edits=()):
    for name in ("api", "tasks", "worker", "reports", "infra"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "celeryconfig.py", tree)
    shutil.copytree(ORDEAL, tree / "tasks" / "ordeal", ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "tasks" / "ordeal" / "__init__.py").write_text('"""A kind for chaos."""\n')
    # Floor hands its processes no path of its starter's: the copy names itself.
    own = Edit("infra/local.py", '"PYTHONUNBUFFERED": "1",', f'"PYTHONUNBUFFERED": "1", "PYTHONPATH": "{tree}",')
    for edit in (own, *edits):
        path = tree / edit.file
        text = path.read_text()
        assert text.count(edit.old) == 1, f"{edit.file} holds {edit.old!r} {text.count(edit.old)} times"
        path.write_text(text.replace(edit.old, edit.new))


class House:
    """`floor up` on a scratch folder, its object store behind a proxy of ours; everything ends with it."""

    def __init__(self, folder, edits=(), **settings):
        self.folder, self.data = folder, folder / "data"
        self._edits, self._settings = edits, settings
        self._process = self._store = None
        self._orgs = 0
        self.lease_s = float(settings.get("FLOOR_LEASE_S", "20"))
        self.witness = None  # where the trial under way has its jobs write

    def __enter__(self):
        tree = self.folder / "src"
        copy_source(tree, self._edits)
        port = processes.free_port()
        self._store = s3.start(self.folder / "s3", port, KEYS, BUCKET, self.folder / "s3.log")
        self.proxy = Proxy(port)
        given = {
            **{name: value for name, value in os.environ.items() if not name.startswith("FLOOR_")},
            **FREE,
            **self._settings,
            "FLOOR_S3_ENDPOINT": self.proxy.url,
            "FLOOR_S3_PUBLIC_ENDPOINT": s3.url(port),
            "FLOOR_S3_ACCESS_KEY": KEYS[0],
            "FLOOR_S3_SECRET_KEY": KEYS[1],
            "FLOOR_S3_BUCKET": BUCKET,
            "PYTHONPATH": str(tree),
        }
        self.log = self.folder / "up.log"
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra.cli", "up", "--data-dir", str(self.data)],
                cwd=tree, env=given, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        self._given = given
        try:
            self._wait_for_state()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(60)
            except subprocess.TimeoutExpired:
                self._process.kill()  # the kernel ends its children with it
                self._process.wait()
        self.proxy.close()
        self._store.stop()

    def _wait_for_state(self):
        deadline = time.monotonic() + START_S
        while local.read_state(self.data) is None:
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        self.url = self.state()["url"]
        environment = self.state()["environment"]
        self.redis = redis.Redis.from_url(environment["FLOOR_REDIS_URL"], socket_timeout=5)

    def state(self):
        """What `floor up` says of itself now: its parts' process ids, its settings."""
        assert self._process.poll() is None, f"floor up has ended:\n{self.log.read_text()}"
        return local.read_state(self.data)

    def pid(self, name):
        return self.state()["pids"][name]

    def nodes(self):
        """The process ids of the worker nodes: what the dispatcher has started."""
        return processes.children_of(self.pid("dispatcher"))

    def children(self):
        """The process ids of the nodes' pool children."""
        return [child for node in self.nodes() for child in processes.children_of(node)]

    def new_org(self):
        """An organisation of its own, and its owner's key."""
        self._orgs += 1
        made = subprocess.run(
            [sys.executable, "-m", "infra.cli", "orgs", "create", str(self._orgs), "--json", "--data-dir", self.data],
            cwd=self.folder / "src", env=self._given, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return json.loads(made.stdout)["api_key"]

    def client(self, key, **options):
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, **{"timeout": 10.0, **options})

    def ready(self):
        return local.is_ready(self.url)


def wait_until(condition, within_s, what="the condition"):
    """Wait for a truth, and return it; it fails after a while, and never sleeps longer than it must."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        time.sleep(0.05)
    return found
