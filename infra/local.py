"""A whole Floor on this machine: the servers, the API, the dispatcher; started in order, watched, stopped in order.

The dispatcher starts and drains the workers. Whatever ends by itself is started again; what can't stay up ends it all.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from infra import embedded, keys, orgs, processes
from infra import settings as settings_module
from infra.database import Database
from infra.files import Files
from infra.processes import Child, ProcessFault
from tasks.errors import Unauthenticated
from tasks.kind import QUEUES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from infra.embedded import Servers
    from infra.settings import Settings

FIRST_ORG: Final = "default"
STATE: Final = "state.json"
DRAIN_S: Final = 10.0  # beyond the grace period in which a worker may finish its job
SHORT_LIFE_S: Final = 3.0
SHORT_LIVES_MAX: Final = 5
WORKERS: Final = "SELECT pid, queue FROM workers WHERE seen_at > now() - interval '1 minute' ORDER BY started_at"
JOBS: Final = (
    "SELECT queue, state, count(*) AS jobs FROM jobs WHERE state IN ('queued', 'running') GROUP BY queue, state"
)


def api_command(settings: Settings) -> list[str]:
    """Return the command of the API: gunicorn with threads, since a request mostly waits."""
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "--worker-class=gthread",
        f"--workers={settings.api_workers}",
        f"--threads={settings.api_threads}",
        f"--bind={settings.host}:{settings.port}",
        "--graceful-timeout=5",
        "--timeout=60",
        "--keep-alive=15",
        "--limit-request-line=8190",  # the most gunicorn allows: an address with a cursor and filters fits
        "--no-control-socket",
        "--log-level=warning",
        "api.wsgi:app",
    ]


def dispatcher_command() -> list[str]:
    """Return the command of the dispatcher."""
    return [sys.executable, "-m", "worker.dispatcher"]


@dataclass
class Floor:
    """A running Floor: its address, the first key, and the processes it consists of."""

    servers: Servers
    settings: Settings
    url: str
    api_key: str
    environment: dict[str, str]
    children: dict[str, Child] = field(default_factory=dict)
    short_lives: dict[str, int] = field(default_factory=dict)

    @property
    def data_dir(self) -> Path:
        """The folder that everything is kept in."""
        return self.servers.data_dir

    def watch(self) -> list[str]:
        """Start again what has ended by itself and return its names; raises ProcessFault for what can't stay up."""
        names = [*self.servers.ended(), *(name for name, child in self.children.items() if not child.alive())]
        for name in names:
            self._count_short_life(name)
            self._launch(name) if name in self.children else self.servers.revive(name)
        if names:
            self.write_state()
        return names

    def _count_short_life(self, name: str) -> None:
        """Count how often a part has ended soon after its start; pause longer each time, and give up in the end."""
        child = self._parts()[name]
        lived_long = time.monotonic() - child.started > SHORT_LIFE_S
        lives = self.short_lives[name] = 0 if lived_long else self.short_lives.get(name, 0) + 1
        if lives > SHORT_LIVES_MAX:
            raise ProcessFault(f"{child.name} can't stay up. The end of {child.log}:\n{child.last_words()}")
        time.sleep(0.05 * 2**lives if lives else 0)

    def _parts(self) -> dict[str, Child]:
        return self.servers.children | self.children

    def write_state(self) -> None:
        """Leave a note for `floor status` and `floor down`: who runs, and where."""
        note = {
            "url": self.url,
            "data_dir": str(self.data_dir),
            "pid": os.getpid(),
            "pids": self.servers.pids | {name: child.pid for name, child in self.children.items()},
            "environment": self.environment | {"FLOOR_DATABASE_ADMIN_URL": self.servers.admin_url},
        }
        aside = self.data_dir / f"{STATE}.new"
        aside.touch(mode=0o600)  # the settings in it are secrets
        aside.write_text(json.dumps(note), encoding="utf-8")
        aside.replace(self.data_dir / STATE)

    def stop(self) -> None:
        """Stop the doors first, then the servers; safe to call again."""
        processes.stop_all(self.children.values(), self.settings.worker_grace_s + DRAIN_S)
        (self.data_dir / STATE).unlink(missing_ok=True)
        self.servers.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start_doors(self) -> None:
        """Start the API and the dispatcher and wait until all parts answer."""
        self._launch("dispatcher")
        self._launch("api")
        processes.wait_until(lambda: is_ready(self.url), self.children["api"])
        self.write_state()

    def _launch(self, name: str) -> None:
        command = api_command(self.settings) if name == "api" else dispatcher_command()
        self.children[name] = processes.start(
            f"The {name}", command, log=self.servers.log(name), env=self.environment, cwd=self.data_dir
        )


def start(data_dir: Path, given: Mapping[str, str]) -> Floor:
    """Start everything and return when it answers. `given` are the settings of the environment (FLOOR_…)."""
    servers = embedded.start(data_dir, given)
    try:
        kept = embedded.Kept(servers.data_dir / "secrets.json")
        port = given.get("FLOOR_PORT", "0")
        servers.environment["FLOOR_PORT"] = port if port != "0" else str(kept.port("api"))
        settings = settings_module.read(servers.environment)
        Files(settings).ensure_bucket()
        url = settings.public_url or f"http://{settings.host}:{settings.port}"
        floor = Floor(servers, settings, url, first_key(settings, kept), _environment(servers.environment, url))
    except BaseException:
        servers.stop()
        raise
    try:
        floor.start_doors()
    except BaseException:
        floor.stop()
        raise
    return floor


def first_key(settings: Settings, kept: embedded.Kept) -> str:
    """Return the owner key of the first organisation, made at the first start on this database and remembered."""
    database = Database(settings.database_url, max_size=2)
    try:
        text = kept.get("api_key")
        if text is not None and _is_valid(database, str(text)):
            return str(text)
        made = orgs.create_org(database, FIRST_ORG)
        kept.remember("api_key", made.key_text)
        return made.key_text
    finally:
        database.close()


def _is_valid(database: Database, text: str) -> bool:
    try:
        keys.authenticate(database, text)
    except Unauthenticated:
        return False
    return True


def is_ready(url: str) -> bool:
    """Say whether an API answers there and all its parts do."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or processes.LOOPBACK, place.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def read_state(data_dir: Path) -> dict[str, Any] | None:
    """Return the note of the Floor that runs on a data folder, None if none does."""
    try:
        note: dict[str, Any] = json.loads((data_dir / STATE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return note if embedded.is_held(data_dir) else None  # a killed Floor leaves its note, but never its lock


def environment(data_dir: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of the Floor that runs on a data folder, if one does, overridden by those given."""
    state = read_state(data_dir)
    running = (
        {name: value for name, value in state["environment"].items() if name.startswith("FLOOR_")} if state else {}
    )
    return {name: value for name, value in (running | dict(given)).items() if value}


def describe(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return what runs: the address, the processes, and each queue's jobs and workers."""
    database = Database(state["environment"]["FLOOR_DATABASE_URL"], max_size=2)
    try:
        with database.system() as connection:
            workers = connection.execute(WORKERS).fetchall()
            jobs = connection.execute(JOBS).fetchall()
    finally:
        database.close()
    here = [row for row in workers if processes.exists(row["pid"])]
    counts = {(row["queue"], row["state"]): row["jobs"] for row in jobs}
    pids = state["pids"]
    return {
        "url": state["url"],
        "pids": {
            "api": [pids["api"], *processes.children_of(pids["api"])],
            "dispatcher": [pids["dispatcher"]],
            "workers": [row["pid"] for row in here],
            "redis": pids["redis"],
            "postgres": pids["postgres"],
            "s3": pids["s3"],
        },
        "queues": {
            queue: {
                "queued": counts.get((queue, "queued"), 0),
                "running": counts.get((queue, "running"), 0),
                "workers": sum(1 for row in here if row["queue"] == queue),
            }
            for queue in QUEUES
        },
    }


def _environment(floor: Mapping[str, str], url: str) -> dict[str, str]:
    """Return what Floor's processes are given: the machine's basics, and our settings; no stranger's secrets."""
    basics = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "SSL_CERT_FILE")
        if name in os.environ
    }
    return (
        basics
        | dict(floor)
        | {
            "FLOOR_PUBLIC_URL": url,
            "FLOOR_AUTOSCALE": "local",
            "PYTHONSAFEPATH": "1",  # the data folder, where they run, holds no code
            "PYTHONUNBUFFERED": "1",
        }
    )
