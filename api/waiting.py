"""Waiting for a job without asking the database over and over: one listening connection a process, many waiters.

A notification is a hint: every waiter also looks by itself, seldom while the listener is well, each second while not.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import psycopg

from infra.database import listen
from infra.jobs import OVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.settings import Settings

CHANNEL: Final = "floor_jobs"
LOOK_S: Final = 5.0  # how often a waiter looks by itself while the listener is well
LOOK_DEAF_S: Final = 1.0  # and while it is not
RECONNECT_S: Final = 1.0

log = logging.getLogger(__name__)


class Bell:
    """Wakes whoever follows a job when its row or its events change."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        self._followers: defaultdict[str, set[threading.Event]] = defaultdict(set)
        self._patient: set[threading.Event] = set()  # those whom nothing but a job's end concerns
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._listening = threading.Event()
        self.closing = threading.Event()

    @contextmanager
    def follow(self, job_id: str, *, to_its_end: bool = False) -> Iterator[threading.Event]:
        """Give an event that is set whenever the job changes, or only when it ends; clear it before looking."""
        self._start()
        changed = threading.Event()
        with self._lock:
            self._followers[job_id].add(changed)
            if to_its_end:
                self._patient.add(changed)
        try:
            yield changed
        finally:
            with self._lock:
                self._followers[job_id].discard(changed)
                self._patient.discard(changed)
                if not self._followers[job_id]:
                    del self._followers[job_id]

    def wait(self, changed: threading.Event, seconds: float) -> None:
        """Wait for a change, for at most so many seconds, or until it is time to look anyway."""
        changed.wait(min(seconds, LOOK_S if self._listening.is_set() else LOOK_DEAF_S))

    def close(self) -> None:
        """Wake everybody for the last time and stop listening: the process is going down."""
        self.closing.set()
        self._wake_all()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="floor-bell", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self.closing.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                log.warning("the listener lost the database: %s", type(error).__name__)
            finally:
                self._listening.clear()
            self.closing.wait(RECONNECT_S)

    def _listen(self) -> None:
        with listen(self._url, CHANNEL) as connection:
            self._listening.set()
            self._wake_all()  # what happened while nobody listened
            while not self.closing.is_set():
                for notification in connection.notifies(timeout=1.0):
                    self._wake(notification.payload)

    def _wake(self, payload: str) -> None:
        job_id = payload.removesuffix(OVER)
        with self._lock:
            for changed in self._followers.get(job_id, ()):
                if payload != job_id or changed not in self._patient:
                    changed.set()

    def _wake_all(self) -> None:
        with self._lock:
            for changed in (one for followers in self._followers.values() for one in followers):
                changed.set()


class Streams:
    """Counts the threads held by those who wait, so that half of a process's threads always serve requests."""

    def __init__(self, settings: Settings) -> None:
        self._total = max(1, settings.api_threads // 2)
        self._per_org = max(1, settings.api_threads // 4)
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, org_id: str) -> bool:
        """Take a place for an organisation; False when it, or the process, has all it may have."""
        with self._lock:
            if self._held[org_id] >= self._per_org or self._held.total() >= self._total:
                return False
            self._held[org_id] += 1
            return True

    def give_back(self, org_id: str) -> None:
        """Give a place back."""
        with self._lock:
            self._held[org_id] -= 1
            if not self._held[org_id]:
                del self._held[org_id]


def remaining(until: float) -> float:
    """Return the seconds left until a moment of the monotonic clock, never below zero."""
    return max(0.0, until - time.monotonic())
