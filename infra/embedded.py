"""The embedded default: PostgreSQL, Redis and S3 on this machine, from wheels, for whichever was not given.

Everything it keeps lies in one data folder: the servers' files, their logs, and `secrets.json`, made once.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final, Self

from infra import processes, provision
from infra.processes import Child, ProcessFault
from infra.servers import postgres, redis, s3

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

SERVERS: Final = ("postgres", "redis", "s3")
LOCK_S: Final = 0.3


class AlreadyRunning(ProcessFault):
    """Another Floor works on this data folder."""


@dataclass
class Servers:
    """The running servers of one Floor: what its processes need to know to reach them, and the way to stop them."""

    data_dir: Path
    environment: dict[str, str]
    admin_url: str
    children: dict[str, Child] = field(default_factory=dict)
    starters: dict[str, Callable[[], Child]] = field(default_factory=dict, repr=False)
    lock: IO[str] | None = field(default=None, repr=False)

    @property
    def pids(self) -> dict[str, int | None]:
        """The process id of each server, None for one that was given from outside."""
        return {name: self.children[name].pid if name in self.children else None for name in SERVERS}

    def launch(self, name: str, starter: Callable[[], Child]) -> None:
        """Start a server, and remember how."""
        self.starters[name] = starter
        self.children[name] = starter()

    def ended(self) -> list[str]:
        """Return the names of the servers that have ended by themselves."""
        return [name for name, child in self.children.items() if not child.alive()]

    def revive(self, name: str) -> None:
        """Start a server again, on its old port and files."""
        self.children[name] = self.starters[name]()

    def log(self, name: str) -> Path:
        """Return where a process writes its log."""
        return self.data_dir / "logs" / f"{name}.log"

    def stop(self) -> None:
        """Stop the servers and give the data folder free; safe to call again."""
        processes.stop_all(self.children.values())
        if self.lock is not None:
            self.lock.close()
            self.lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start(data_dir: Path, given: Mapping[str, str] | None = None) -> Servers:
    """Start what is not given, bring the database's schema up to date, and return the settings of Floor's processes.

    `given` are settings (FLOOR_DATABASE_URL, FLOOR_REDIS_URL, FLOOR_S3_ENDPOINT and their like); they come first.
    Raises AlreadyRunning if another Floor has the folder, ProcessFault if a server does not start.
    """
    data_dir = data_dir.resolve()
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = hold(data_dir)
    kept = Kept(data_dir / "secrets.json")
    servers = Servers(data_dir, dict(given or {}), "", lock=lock)
    try:
        _start_s3(servers, kept)
        _start_redis(servers, kept)
        _start_postgres(servers, kept)
    except BaseException:
        servers.stop()
        raise
    servers.environment |= {"FLOOR_DATA_DIR": str(data_dir)}
    servers.environment.setdefault("FLOOR_SECRET_KEY", kept.secret("secret_key"))
    return servers


def _start_postgres(servers: Servers, kept: Kept) -> None:
    """Start the database unless one was given; either way migrate it and use a login that owns nothing."""
    environment, password = servers.environment, kept.secret("runtime_password")
    if "FLOOR_DATABASE_URL" not in environment:
        home, port = servers.data_dir / "postgres", kept.port("postgres")
        admin_password = kept.secret("postgres_password")
        log = servers.log("postgres")
        servers.launch("postgres", lambda: postgres.start(home, port, admin_password, log))
        environment["FLOOR_DATABASE_URL"] = postgres.url(port, admin_password)
    prepared = provision.prepare(
        environment["FLOOR_DATABASE_URL"], environment.pop("FLOOR_DATABASE_ADMIN_URL", ""), password
    )
    environment["FLOOR_DATABASE_URL"], servers.admin_url = prepared.runtime_url, prepared.admin_url


def _start_redis(servers: Servers, kept: Kept) -> None:
    if "FLOOR_REDIS_URL" in servers.environment:
        return
    port, password = kept.port("redis"), kept.secret("redis_password")
    home, log = servers.data_dir / "redis", servers.log("redis")
    servers.launch("redis", lambda: redis.start(home, port, password, log))
    servers.environment["FLOOR_REDIS_URL"] = redis.url(port, password)


def _start_s3(servers: Servers, kept: Kept) -> None:
    environment = servers.environment
    if "FLOOR_S3_ENDPOINT" in environment:
        return
    port, access, secret = kept.port("s3"), kept.secret("s3_access_key"), kept.secret("s3_secret_key")
    bucket = environment.setdefault("FLOOR_S3_BUCKET", "floor")
    home, log = servers.data_dir / "s3", servers.log("s3")
    servers.launch("s3", lambda: s3.start(home, port, (access, secret), bucket, log))
    environment |= {
        "FLOOR_S3_ENDPOINT": s3.url(port),
        "FLOOR_S3_ACCESS_KEY": access,
        "FLOOR_S3_SECRET_KEY": secret,
    }


def hold(data_dir: Path) -> IO[str]:
    """Take the data folder for this process until the returned file is closed; the kernel frees it if we die."""
    lock = (data_dir / "lock").open("a+", encoding="utf-8")
    deadline = time.monotonic() + LOCK_S
    while not _locked(lock, fcntl.LOCK_EX):
        if time.monotonic() > deadline:  # not somebody who merely looked, see is_held
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            raise AlreadyRunning(
                f"A Floor already runs on {data_dir} (process {holder}). See it with `floor status`, stop it with "
                "`floor down`, or start a second one with another --data-dir."
            )
        time.sleep(processes.PROBE_EVERY_S)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def is_held(data_dir: Path) -> bool:
    """Say whether a Floor has the data folder now."""
    path = data_dir / "lock"
    if not path.exists():
        return False
    with path.open("r", encoding="utf-8") as lock:
        return not _locked(lock, fcntl.LOCK_SH)


def _locked(lock: IO[str], how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Kept:
    """What a data folder remembers from its first start: passwords, keys, ports. One file that only its owner reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def secret(self, name: str) -> str:
        """Return a secret, made at the first call ever."""
        if name not in self._values:
            self.remember(name, secrets.token_hex(32))
        return str(self._values[name])

    def port(self, name: str) -> int:
        """Return a server's port: the one it had if that is still free, so that signed URLs outlive a restart."""
        port = processes.free_port(int(self._values.get(f"{name}_port", 0)))
        self.remember(f"{name}_port", port)
        return port

    def get(self, name: str) -> Any:
        """Return what was remembered under a name, or None."""
        return self._values.get(name)

    def remember(self, name: str, value: Any) -> None:
        """Keep a value; the file is replaced in one step and never readable by others."""
        self._values[name] = value
        aside = self.path.with_suffix(".new")
        aside.unlink(missing_ok=True)
        aside.touch(mode=0o600, exist_ok=False)
        aside.write_text(json.dumps(self._values, indent=1), encoding="utf-8")
        aside.replace(self.path)
