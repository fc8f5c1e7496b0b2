"""A run's `tell`: writes how far the job is, at most four times a second, and brings back the wish to stop it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from infra import leases
from tasks.errors import JobCancelled, JobTimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.database import Database
    from worker.joblog import JobLog

EVERY_S: Final = 0.25
MAX_TEXT: Final = 500


class Telling:
    """Implements `tasks.inputs.Tell` for one attempt. Raises JobCancelled, JobTimedOut, and LeaseLost."""

    def __init__(
        self,
        database: Database,
        held: Mapping[str, Any],
        log: JobLog,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._held, self._log, self._clock = database, held, log, clock
        self._began = self._told = clock()

    def __call__(self, fraction: float, stage: str, message: str = "") -> None:
        """Report a fraction done (0 to 1) and the stage under way."""
        now = self._clock()
        if now - self._began > self._held["timeout_s"]:
            raise JobTimedOut(f"The job ran into its limit of {self._held['timeout_s']} s.")
        if now - self._told < EVERY_S:
            return
        self._told = now
        self._write({"fraction": min(1.0, max(0.0, fraction)), "stage": stage, "message": message[:MAX_TEXT]})

    def _write(self, value: Mapping[str, Any]) -> None:
        with self._database.org(self._held["org_id"]) as connection:
            asked = leases.progress(connection, self._held, value)
            if lines := self._log.take():
                leases.write_logs(connection, self._held, lines)
        if asked["cancelled"]:
            raise JobCancelled
        if asked["too_late"]:
            raise JobTimedOut("The job did not end before its deadline.")
