"""The dispatcher: decides which job runs next, rings for it, and repairs whatever a dead process left behind.

Any number may run; one, which holds the advisory lock, acts. It wakes on a notification, and by the clock: nothing
depends on a notification, or on Redis, having arrived.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import psycopg

from infra import dispatching, jobs, leases, logs, release, safety
from infra.database import Database, leading, listen
from infra.queues import Queues
from infra.scaling import load_of
from tasks.errors import JobTimedOut, Unavailable
from tasks.kind import QUEUES
from worker.driver import Driver
from worker.errands import Errands
from worker.keeper import take_back

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings import Settings

BACKLOG: Final = 2  # messages in Redis per live slot: what is further back stays in Postgres, where order is decided
LOST_S: Final = 10.0  # a message that nobody took for so long, and that Redis no longer has, is sent again
SILENT_S: Final = 10.0
FORGOTTEN_S: Final = 60.0
DRIVE_EVERY_S: Final = 0.25
DRIVE_SHARE: Final = 0.1  # of the time at most: with many lanes and long queues the counting takes a while
RECONNECT_S: Final = 0.5
DEPENDANTS: Final = "dependants"

log = logging.getLogger(__name__)


class Dispatcher:
    """One dispatcher process: stands by until it holds the lock, then acts until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(settings.database_url, max_size=2)
        self._queues = Queues(settings)
        self._driver = _driver(settings)
        self._errands = Errands(settings)
        self._stop = threading.Event()
        self._drove_at = self._swept_at = 0.0
        self._drive_every_s = DRIVE_EVERY_S

    def run(self) -> None:
        """Lead whenever the lock can be had; a database that is away is waited for."""
        self._errands.start()
        while not self._stop.is_set():
            try:
                self._lead()
            except (Unavailable, psycopg.OperationalError, psycopg.InterfaceError) as error:
                log.warning("the database is away: %s", error)
                self._stop.wait(RECONNECT_S)
        if self._driver is not None:
            self._driver.stop()
        self._errands.stop()
        self._queues.close()
        self._database.close()

    def stop(self) -> None:
        """End after the tick under way."""
        self._stop.set()

    def tick(self, woken: set[str]) -> None:
        """Do what is due: for the queues that called, at once; for everything, by the clock."""
        now = time.monotonic()
        swept = now - self._swept_at >= self._settings.poll_s
        if swept:
            self._swept_at = now
            self._sweep()
        if swept or DEPENDANTS in woken:
            self.settle()
        called = [queue for queue in QUEUES if swept or queue in woken]
        for queue in called:
            self.dispatch(queue)
        if self._driver is not None and called:
            self._drive(now, woken, swept=swept)

    def dispatch(self, queue: str) -> None:
        """Admit what may run and ring for it, no more than keeps the queue's backlog shallow."""
        with self._database.system() as connection:
            room = dispatching.room(connection, queue, backlog=BACKLOG, silent_s=SILENT_S)
            claimed = dispatching.claim_next(connection, queue, room) if room > 0 else []
        unsent = [row["token"] for row in claimed if not self._ring(row)]
        if unsent:
            with self._database.system() as connection:
                dispatching.unring(connection, unsent)

    def settle(self) -> None:
        """Move on the jobs whose dependencies are over, well or badly."""
        with self._database.system() as connection:
            for waiting in dispatching.failed_dependencies(connection):
                release.settle_badly(connection, waiting)
            ready = dispatching.released(connection)
        for row in ready:
            with self._database.org(row["org_id"]) as connection:
                release.release(connection, row["id"])

    def _lead(self) -> None:
        with listen(self._settings.database_url, "floor_dispatch") as connection:
            while not self._stop.is_set() and not leading(connection, dispatching.LEADER):
                self._stop.wait(self._settings.poll_s)
            log.info("leading")
            woken: set[str] = set()
            while not self._stop.is_set():
                self.tick(woken)
                woken = _notified(connection, self._settings.poll_s)

    def _sweep(self) -> None:
        """Repair: expired leases, missed deadlines, messages that Redis lost, workers that fell silent."""
        with self._database.system() as connection:
            for row in leases.expired(connection):
                log.warning("the lease of job %s ran out", row["id"])
                take_back(connection, row, self._settings.max_attempts_backoff_s)
            for row in dispatching.past_deadline(connection):
                problem = JobTimedOut("The job was not started before its deadline.").as_problem()
                jobs.end_unstarted(connection, row, "failed", problem)
            dispatching.forget_silent_workers(connection, FORGOTTEN_S)
            rung = dispatching.dispatched_counts(connection)
        self._recall_lost(rung)

    def _recall_lost(self, rung: Mapping[str, int]) -> None:
        """Send again what Redis lost: it holds fewer messages than were sent for jobs nobody took."""
        try:
            depths = self._queues.depths()
        except Unavailable as error:
            log.warning("%s", error)
            return
        for queue, count in rung.items():
            if depths.get(queue, 0) < count:
                with self._database.system() as connection:
                    if lost := dispatching.recall(connection, queue, LOST_S):
                        log.warning("%s messages of %s were lost; sending again", lost, queue)

    def _ring(self, row: Mapping[str, Any]) -> bool:
        try:
            self._queues.ring(row["queue"], row["kind"], row["id"], row["token"])
        except Unavailable as error:
            log.warning("%s", error)
            return False
        return True

    def _drive(self, now: float, woken: set[str], *, swept: bool) -> None:
        """Let the driver follow the demand; at once where a queue called that has no worker, else now and then."""
        assert self._driver is not None
        unserved = woken & set(QUEUES) - set(self._driver.pids)
        if not (swept or unserved or now - self._drove_at >= self._drive_every_s):
            return
        self._drove_at = now
        with self._database.system() as connection:
            counted = dispatching.demand(connection)
        self._drive_every_s = max(DRIVE_EVERY_S, (time.monotonic() - now) / DRIVE_SHARE)
        self._driver.follow({queue: load_of(row) for queue, row in counted.items()}, self._busy)

    def _busy(self) -> set[str]:
        with self._database.system() as connection:
            return dispatching.busy_workers(connection)


def main() -> None:
    """Run a dispatcher until SIGTERM or SIGINT."""
    try:
        settings = safety.checked()
    except safety.UnsafeToStart as refused:
        sys.exit(str(refused))
    logs.configure(settings.log_level)
    dispatcher = Dispatcher(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: dispatcher.stop())
    dispatcher.run()


def _driver(settings: Settings) -> Driver | None:
    return Driver(settings) if settings.autoscale == "local" else None


def _notified(connection: psycopg.Connection[Any], within_s: float) -> set[str]:
    """Wait for a notification, and return it with all that came with it."""
    first = {notice.payload for notice in connection.notifies(timeout=within_s, stop_after=1)}
    return first | {notice.payload for notice in connection.notifies(timeout=0)} if first else first


if __name__ == "__main__":
    main()
