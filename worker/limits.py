"""When a running child must be ended by its parent: pure decisions on what was asked and what it uses."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tasks.errors import FloorError, JobCancelled, JobTimedOut, OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Mapping

COURTESY_S: Final = 2.0  # how long a run may take to stop by itself, through `tell`, before its process is ended
MEGABYTE: Final = 1 << 20


def overdue(running: Mapping[str, Any], resident_mb: float) -> FloorError | None:
    """Return why a running job must be ended now, or None; times are as `leases.renew` returns them."""
    if (running["cancelling_s"] or 0.0) > COURTESY_S:
        return JobCancelled()
    if running["running_s"] > running["timeout_s"] + COURTESY_S:
        return JobTimedOut(f"The job ran into its limit of {running['timeout_s']} s.")
    if (running["late_s"] or 0.0) > COURTESY_S:
        return JobTimedOut("The job did not end before its deadline.")
    if resident_mb > running["memory_mb"]:
        return OutOfMemory(f"The job needed more than its limit of {running['memory_mb']} MB.")
    return None


def resident_mb(pid: int) -> float | None:
    """Return a process's resident memory in megabytes; None if it does not live any more."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return None
    if status.rpartition(")")[2].split()[0] in {"Z", "X"}:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE
