"""What a dispatcher does beside dispatching: sends webhooks, fires schedules, notices finished pipelines, prunes.

In threads of its own with connections of its own, so that a slow receiver or a long list never delays a job.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from typing import TYPE_CHECKING, Final

from infra import deliveries, idempotency, quotas
from infra.database import Database
from infra.files import Files
from infra.pipeline_ends import finish_pipelines
from tasks.errors import Fault
from worker.schedules import fire_due
from worker.tidying import tidy
from worker.webhooks import Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.settings import Settings

CONNECTIONS: Final = 4
STOP_S: Final = 2.0
PRUNE_EVERY: Final = dt.timedelta(minutes=10)
TIDY_EVERY_S: Final = 60.0
HOLD_EVERY: Final = dt.timedelta(seconds=10)

log = logging.getLogger(__name__)


class Errands:
    """The errands of one dispatcher process: started once, stopped once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(settings.database_url, max_size=CONNECTIONS)
        self._stop = threading.Event()
        self._pruned_at = self._held_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._files = Files(settings)
        sender = Sender(self._database, settings)
        self._threads = [
            threading.Thread(target=sender.run, args=(self._stop,), name="webhooks", daemon=True),
            threading.Thread(target=self._run, name="schedules", daemon=True),
            threading.Thread(target=self._tidy, name="tidying", daemon=True),
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop looking for more; a message under way is left to its claim, which another sender takes over."""
        self._stop.set()
        for thread in self._threads:
            thread.join(STOP_S)
        self._database.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            now = dt.datetime.now(dt.UTC)
            self._try(lambda: fire_due(self._database, dt.datetime.now(dt.UTC)))
            self._try(lambda: finish_pipelines(self._database))
            if now - self._held_at >= HOLD_EVERY:
                self._held_at = now
                self._try(self._hold_spent)
            if now - self._pruned_at >= PRUNE_EVERY:
                self._pruned_at = now
                self._try(self._prune)
            self._stop.wait(self._settings.poll_s)

    def _tidy(self) -> None:
        """Delete what is to be kept no longer, in a thread of its own: the object store takes its time."""
        while not self._stop.wait(TIDY_EVERY_S):
            self._try(lambda: tidy(self._database, self._files))

    def _hold_spent(self) -> int:
        with self._database.system() as connection:
            return quotas.hold_spent(connection)

    def _prune(self) -> int:
        with self._database.system() as connection:
            return deliveries.prune(connection, dt.datetime.now(dt.UTC)) + idempotency.prune(connection)

    def _try(self, errand: Callable[[], int]) -> None:
        """Run one errand; a part that is away is waited for, and the other errands go on."""
        try:
            errand()
        except Fault as error:
            log.warning("an errand waits: %s", error.detail)
        except Exception:
            log.exception("an errand failed; it is tried again")
