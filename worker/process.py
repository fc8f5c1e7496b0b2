"""What a worker's child holds for as long as it lives: settings, a database pool, the object store, its name."""

from __future__ import annotations

import logging
import os
import socket
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from infra.database import Database
from infra.files import Files
from infra.settings import read
from tasks.errors import Unavailable

if TYPE_CHECKING:
    from infra.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tools:
    """The outside world as the life of a job reaches it."""

    settings: Settings
    database: Database
    files: Files
    worker_id: str
    pid: int


def worker_name(pid: int) -> str:
    """Return the name of the worker whose main process has this id: what its children and its heartbeat agree on."""
    return f"{socket.gethostname()}:{pid}"


@lru_cache(maxsize=1)
def tools() -> Tools:
    """Return this process's tools, made at the first call: a child never shares a socket with its parent."""
    settings = read()
    # One connection for the job's own transactions and one for what its log and progress write meanwhile.
    database = Database(settings.database_url, max_size=2)
    return Tools(settings, database, Files(settings), worker_name(os.getppid()), os.getpid())


def make_ready() -> None:
    """Import what every job needs, and open the connections, before the first job comes.

    A part that is away just now is no reason to stop: the job that needs it will say so.
    """
    found = tools()
    threading.Thread(target=_reach_store, args=(found,), name="reach-store", daemon=True).start()
    import worker.execute  # noqa: F401, PLC0415 - numpy, DuckDB and the renderers come with it
    from tasks.tables import engine  # noqa: PLC0415

    engine()
    try:
        with found.database.system() as connection:
            connection.execute("SELECT 1")
    except Unavailable as error:
        log.warning("not everything answers yet: %s", error)


def _reach_store(found: Tools) -> None:
    """Load the S3 client beside everything else: a run's mathematics does not hold the interpreter all the time."""
    try:
        found.files.ping()
    except Unavailable as error:
        log.warning("the object store does not answer yet: %s", error)
