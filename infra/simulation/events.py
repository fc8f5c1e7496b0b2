"""One queue on a virtual clock: jobs arrive, a policy is asked at every poll, workers start cold and leave idle."""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

from infra.scaling import GUESS_S, Load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infra.scaling import Rule
    from infra.simulation.policies import Policy
    from infra.simulation.workload import Arrival, Workload

NO_CAP: Final = math.inf
GRACE_S: Final = 4 * 3600.0  # after the last arrival; what is not over by then is reported as it stands


@dataclass(frozen=True)
class Sample:
    """What a poll saw and what it led to."""

    at_s: float
    queued: int
    running: int
    workers: int


@dataclass
class Trace:
    """All that happened: the wait of every job that started and had no cap to wait for, and a sample a poll."""

    waits_s: list[float] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    worker_s: float = 0.0
    busy_s: float = 0.0
    unstarted: int = 0
    ended_s: float = 0.0


@dataclass
class Worker:
    """A started worker; it takes jobs from `ready_s` on."""

    started_s: float
    ready_s: float
    running: int = 0


@dataclass
class Lane:
    """One organisation's part of the queue, with its cap."""

    cap: float
    waiting: deque[tuple[Arrival, float | None]] = field(default_factory=deque)
    known_s: float = 0.0
    known: int = 0
    running: int = 0

    def may_run(self) -> int:
        """Return how many of the waiting jobs the cap leaves room for."""
        return int(min(len(self.waiting), max(0, self.cap - self.running)))

    def work_s(self) -> float:
        """Return the seconds expected of those, by the mean over all, as production counts."""
        guessed_s = GUESS_S * (len(self.waiting) - self.known)
        return self.may_run() * (self.known_s + guessed_s) / max(1, len(self.waiting))

    def add(self, arrival: Arrival, estimate_s: float | None) -> None:
        """Put a job at the end."""
        self.waiting.append((arrival, estimate_s))
        self.known, self.known_s = self.known + (estimate_s is not None), self.known_s + (estimate_s or 0.0)

    def take(self) -> Arrival:
        """Start the first job."""
        arrival, estimate_s = self.waiting.popleft()
        self.known, self.known_s = self.known - (estimate_s is not None), self.known_s - (estimate_s or 0.0)
        self.running += 1
        return arrival


class Simulation:
    """One workload under one policy; `run` it once."""

    def __init__(
        self,
        workload: Workload,
        policy: Policy,
        rule: Rule,
        *,
        seed: int = 0,
        lost: Sequence[tuple[float, float]] = (),
    ) -> None:
        self._workload, self._rule, self._lost = workload, rule, lost
        self._scaler, self._estimate = policy.scaler(rule), policy.estimates(seed)
        self._lanes: dict[str, Lane] = {}
        self._workers: list[Worker] = []
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = count()
        self._to_come, self._until_s = len(workload.arrivals), workload.horizon_s + GRACE_S
        self._trace = Trace()

    def run(self) -> Trace:
        """Return what happened until everything was over and every worker that may leave had left."""
        for arrival in self._workload.arrivals:
            self._at(arrival.at_s, lambda now, arrival=arrival: self._arrive(now, arrival))  # type: ignore[misc]
        self._at(0.0, self._poll)
        while self._events and self._events[0][0] <= self._until_s:
            now, _, happen = heapq.heappop(self._events)
            happen(now)
            self._start_jobs(now)
            self._trace.ended_s = now
        for worker in self._workers:
            self._trace.worker_s += self._trace.ended_s - worker.started_s
        self._trace.unstarted = self._queued()
        return self._trace

    def _at(self, when_s: float, happen: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (when_s, next(self._order), happen))

    def _arrive(self, _now: float, arrival: Arrival) -> None:
        self._to_come -= 1
        if arrival.org not in self._lanes:
            self._lanes[arrival.org] = Lane(self._workload.caps.get(arrival.org, NO_CAP))
        self._lanes[arrival.org].add(arrival, self._estimate(arrival))

    def _poll(self, now: float) -> None:
        load = self._load(now)
        seen = None if any(since <= now < until for since, until in self._lost) else load
        before = len(self._workers)
        wanted = self._scaler.desired(now, seen, before)
        for _ in range(wanted - before):
            self._start_worker(now)
        for _ in range(before - wanted):
            self._let_go(now)
        self._trace.samples.append(Sample(now, self._queued(), load.running, len(self._workers)))
        busy = self._to_come or self._queued() or load.running or len(self._workers) > self._rule.minimum
        if busy:
            self._at(now + self._rule.poll_s, self._poll)

    def _load(self, now: float) -> Load:
        """Count what production's `infra.dispatching.demand` counts: work that a cap forbids to run is left out."""
        lanes = [lane for lane in self._lanes.values() if lane.waiting]
        return Load(
            running=sum(lane.running for lane in self._lanes.values()),
            queued=sum(lane.may_run() for lane in lanes),
            work_s=sum(lane.work_s() for lane in lanes) if any(lane.known for lane in lanes) else None,
            oldest_s=max((now - lane.waiting[0][0].at_s for lane in lanes), default=0.0),
        )

    def _queued(self) -> int:
        return sum(len(lane.waiting) for lane in self._lanes.values())

    def _start_worker(self, now: float) -> None:
        ready_s = now + self._rule.cold_start_s
        self._workers.append(Worker(now, ready_s))
        self._at(ready_s, lambda _now: None)

    def _let_go(self, now: float) -> None:
        """End the youngest idle worker, as the driver does; where all are busy, none."""
        for place in reversed(range(len(self._workers))):
            if not self._workers[place].running:
                self._trace.worker_s += now - self._workers.pop(place).started_s
                return

    def _start_jobs(self, now: float) -> None:
        """Give waiting jobs to workers with room, the oldest worker first, among the lanes the oldest job first."""
        for worker in self._workers:
            if worker.ready_s > now:
                continue
            while worker.running < self._rule.slots:
                free = [lane for lane in self._lanes.values() if lane.may_run()]
                if not free:
                    return
                self._start(now, min(free, key=lambda lane: lane.waiting[0][0].at_s), worker)

    def _start(self, now: float, lane: Lane, worker: Worker) -> None:
        arrival = lane.take()
        worker.running += 1
        if lane.cap == NO_CAP:
            self._trace.waits_s.append(now - arrival.at_s)
        self._trace.busy_s += min(arrival.run_s, self._until_s - now)

        def finish(_now: float) -> None:
            worker.running -= 1
            lane.running -= 1

        self._at(now + arrival.run_s, finish)
