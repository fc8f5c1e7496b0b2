"""Starts and stops real Celery workers on this machine, as many as the controller wants, down to none."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from infra import processes
from infra.scaling import Controller, Load, rule_of, share
from tasks.kind import QUEUES
from worker.process import worker_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.processes import Child
    from infra.settings import Settings

STOP_S: Final = 2.0  # on the way out a job may use this long to end; then it is handed back
DEAD_S: Final = 8.0
SOON_S: Final = 10.0
AGAIN_MAX_S: Final = 30.0

log = logging.getLogger(__name__)


class Driver:
    """The workers that this process has started; call `follow` often and `stop` at the end, from the main thread."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._children: dict[str, list[Child]] = defaultdict(list)
        self._leaving: list[Child] = []
        self._started: dict[int, float] = {}
        self._failures: dict[str, int] = defaultdict(int)  # workers of a queue in a row that ended soon after start
        self._not_before: dict[str, float] = {}
        rule = rule_of(settings)
        self._controllers = {queue: Controller(rule) for queue in QUEUES}

    @property
    def pids(self) -> dict[str, list[int]]:
        """The process ids of the workers by queue."""
        return {queue: [child.pid for child in children] for queue, children in self._children.items() if children}

    def follow(self, loads: Mapping[str, Load] | None, busy: Callable[[], set[str]]) -> None:
        """Bring the workers to what the loads need; None means that the loads could not be had.

        `busy` is asked, for the names of the workers that run something, before one is let go.
        """
        self._reap()
        now = self._clock()
        wanted = {
            queue: controller.desired(now, None if loads is None else loads.get(queue, Load()), self._count(queue))
            for queue, controller in self._controllers.items()
        }
        for queue, count in share(wanted, self._settings.max_workers).items():
            if now >= self._not_before.get(queue, now):
                for _ in range(count - self._count(queue)):
                    self._start(queue)
            if self._count(queue) > count:
                self._let_go(queue, busy())

    def stop(self) -> None:
        """Stop every worker: at first kindly, then with its jobs handed back, at last by force."""
        leaving = [child for children in self._children.values() for child in children] + self._leaving
        for child in leaving:
            _signal(child, signal.SIGTERM)
        _wait(leaving, STOP_S)
        for child in leaving:
            _signal(child, signal.SIGUSR2)  # worker.heartbeat.HAND_BACK, without loading Celery here
        _wait(leaving, DEAD_S)
        processes.stop_all(leaving, grace_s=0.1)
        self._children.clear()
        self._leaving.clear()

    def _start(self, queue: str) -> None:
        log.info("starting a worker for %s", queue)
        child = processes.start(
            f"worker {queue}",
            [sys.executable, "-m", "worker.node", queue],
            log=self._settings.data_dir / "logs" / f"worker-{queue}.log",
            env=os.environ,
        )
        self._children[queue].append(child)
        self._started[child.pid] = self._clock()

    def _let_go(self, queue: str, busy: set[str]) -> None:
        """Ask the youngest idle worker of a queue to end."""
        idle = [child for child in self._children[queue] if worker_name(child.pid) not in busy]
        if not idle:
            return
        child = idle[-1]
        self._children[queue].remove(child)
        log.info("stopping a worker of %s", queue)
        _signal(child, signal.SIGTERM)
        self._leaving.append(child)

    def _reap(self) -> None:
        for queue, children in self._children.items():
            for child in [child for child in children if not child.alive()]:
                log.warning("a worker of %s ended with code %s", queue, child.process.returncode)
                children.remove(child)
                self._note_end(queue, child)
        self._leaving = [child for child in self._leaving if child.alive()]

    def _note_end(self, queue: str, child: Child) -> None:
        """Start the next one later and later where workers end as soon as they are started."""
        now = self._clock()
        soon = now - self._started.pop(child.pid) < SOON_S
        self._failures[queue] = self._failures[queue] + 1 if soon else 0
        self._not_before[queue] = now + (min(AGAIN_MAX_S, 0.5 * 2.0 ** self._failures[queue]) if soon else 0.0)

    def _count(self, queue: str) -> int:
        return len(self._children[queue])


def _signal(child: Child, number: signal.Signals) -> None:
    if child.alive():
        child.process.send_signal(number)


def _wait(children: list[Child], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(child.alive() for child in children) and time.monotonic() < deadline:
        time.sleep(processes.PROBE_EVERY_S)
