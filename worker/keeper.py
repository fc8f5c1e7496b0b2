"""Keeps a worker's jobs: their leases, their limits, and their return when a child dies or the worker must go."""

from __future__ import annotations

import logging
import os
import random
import shutil
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from infra import leases, memo
from infra.database import Database
from infra.leases import LeaseLost, Requeue
from infra.settings import read
from tasks.errors import Unavailable
from worker.limits import overdue, resident_mb
from worker.process import worker_name
from worker.verdict import Verdict, judge, judge_lost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from infra.database import Connection

EVERY_S: Final = 0.5
UNATTENDED_S: Final = 1.5  # between a child's claim and Celery's word that it is busy lies a moment
LEAVE_S: Final = 3.0

log = logging.getLogger(__name__)


class Keeper:
    """The parent's side of every job that its children run. One thread calls `run`; the signals' handlers the rest."""

    def __init__(self, queues: Sequence[str], slots: int, attended: Callable[[], dict[str, int]]) -> None:
        self._settings = read()
        self._database = Database(self._settings.database_url, max_size=1)
        self._queue, self._slots, self._attended = ",".join(queues), slots, attended
        self._worker_id = worker_name(os.getpid())
        self._missing_since: dict[str, float] = {}
        self._ended: set[int] = set()  # children that this parent has ended
        self._go_at: float | None = None
        self._wake = threading.Event()

    def run(self) -> None:
        """Beat until the process ends; a database that is away for a while is waited for."""
        while True:
            try:
                self.beat(time.monotonic())
            except Unavailable as error:
                log.warning("the heartbeat could not reach the database: %s", error)
            self._wake.wait(EVERY_S)
            self._wake.clear()

    def beat(self, now: float) -> None:
        """Say that the worker is alive, renew what its children run, end and hand back what must be."""
        if self._go_at is not None and now >= self._go_at:
            self._hand_back_and_go()
        busy = self._attended()
        resident = {token: resident_mb(pid) for token, pid in busy.items()}
        alive = [token for token, megabytes in resident.items() if megabytes is not None]
        with self._database.system() as connection:
            self._report(connection)
            running = leases.renew(connection, self._worker_id, alive, self._settings.lease_s)
            for row in leases.unattended(connection, self._worker_id, alive):
                self._take_from_dead(connection, row, now)
        for row in running:
            megabytes = resident.get(str(row["dispatch_token"]))
            if megabytes is not None and (error := overdue(row, megabytes)) is not None:
                self._end_child(row, error)

    def stop_soon(self, *, at_once: bool) -> None:
        """Take no more time than the grace period: what runs then is handed back, its attempt not charged."""
        grace = 0.0 if at_once else self._settings.worker_grace_s
        self._go_at = time.monotonic() + grace
        self._wake.set()

    def leave(self) -> None:
        """Hand back whatever is still held and take the worker off the list: the process is about to end."""
        try:
            with self._database.system() as connection:
                self._hand_back_all(connection)
                connection.execute("DELETE FROM workers WHERE id = %s", [self._worker_id])
        except Unavailable as error:
            log.warning("left without handing back; the leases will run out: %s", error)

    def _report(self, connection: Connection) -> None:
        connection.execute(
            "INSERT INTO workers (id, queue, host, pid, slots, build) "
            "VALUES (%(id)s, %(queue)s, %(host)s, %(pid)s, %(slots)s, %(build)s) "
            "ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), stopping = %(stopping)s",
            {
                "id": self._worker_id,
                "queue": self._queue,
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "slots": self._slots,
                "build": memo.code_version(),
                "stopping": self._go_at is not None,
            },
        )

    def _take_from_dead(self, connection: Connection, row: Mapping[str, Any], now: float) -> None:
        """Hand back a job whose child is gone: at once if it is dead, after a moment if it merely went on."""
        token = str(row["dispatch_token"])
        since = self._missing_since.setdefault(token, now)
        if resident_mb(row["child_pid"]) is not None and now - since < UNATTENDED_S:
            return
        del self._missing_since[token]
        log.warning("job %s was left by its child %s", row["id"], row["child_pid"])
        leaving = self._go_at is not None and now >= self._go_at
        if leaving or row["child_pid"] in self._ended:  # the latter took this job while it was ended for another
            leases.requeue(connection, row, Requeue("worker-stopped", charge=False))
        else:
            take_back(connection, row, self._settings.max_attempts_backoff_s)
        self._sweep(row["child_pid"])

    def _end_child(self, row: Mapping[str, Any], error: Exception) -> None:
        """Write what becomes of the job first, then end its child: whatever the child still writes is fenced off."""
        verdict = judge(
            error,
            row["charged"],
            jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
            backoff_max_s=self._settings.max_attempts_backoff_s,
        )
        try:
            with self._database.system() as connection:
                apply(connection, row, verdict, "fault")
        except LeaseLost:
            return  # it came to its end by itself
        self._kill(row["child_pid"])

    def _kill(self, pid: int) -> None:
        self._ended.add(pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            log.info("child %s was gone already", pid)
        self._sweep(pid)

    def _hand_back_and_go(self) -> None:
        with self._database.system() as connection:
            pids = self._hand_back_all(connection)
        for pid in pids:
            self._kill(pid)
        self._wake.wait(LEAVE_S)  # Celery's own way out, now that nothing runs
        self.leave()
        os._exit(0)

    def _hand_back_all(self, connection: Connection) -> list[int]:
        held = leases.unattended(connection, self._worker_id, [])
        for row in held:
            leases.requeue(connection, row, Requeue("worker-stopped", charge=False))
        return [row["child_pid"] for row in held]

    def _sweep(self, pid: int) -> None:
        """Remove the scratch folders that a dead child could not remove itself."""
        for folder in (self._settings.data_dir / "scratch").glob(f"{pid}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def take_back(connection: Connection, row: Mapping[str, Any], backoff_max_s: float) -> None:
    """Hand back, or end, a job whose worker was lost."""
    verdict = judge_lost(row["charged"], jitter=random.random(), backoff_max_s=backoff_max_s)  # noqa: S311
    apply(connection, row, verdict, "worker-lost")


def apply(connection: Connection, row: Mapping[str, Any], verdict: Verdict, reason: str) -> None:
    """Write a verdict on a running job; raises LeaseLost."""
    if verdict.state == "queued":
        leases.requeue(connection, row, Requeue(reason, verdict.after_s, problem=verdict.problem))
    else:
        leases.end(connection, row, verdict.state, verdict.problem)
