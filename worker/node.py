"""Starts one Celery worker for one queue: `python -m worker.node compute`.

The same as `celery -A worker.celery_app worker -Q compute`, without the half second that Celery's command line takes
to load. This module is imported again by every child, so it imports nothing but what it must.
"""

from __future__ import annotations

import os
import sys
from typing import Final

# Read by numerical libraries when they are loaded: one thread a process, or eight children fight over two cores.
THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def main(queue: str) -> int:
    """Serve a queue until told to stop; returns the exit code."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
    from infra import safety  # noqa: PLC0415 - after the environment is set, as what follows

    try:
        settings = safety.checked()
    except safety.UnsafeToStart as refused:
        sys.exit(str(refused))
    from worker.celery_app import app  # noqa: PLC0415 - after the environment is set

    node = app.Worker(
        hostname=f"{queue}-{os.getpid()}@%h",
        queues=[queue],
        concurrency=settings.worker_slots,
        pool="prefork",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    node.start()
    return int(node.exitcode or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
