"""How many workers a queue needs: the autoscaling controller as pure functions of what is counted and of the time."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings import Settings

GUESS_S: Final = 10.0  # a job of which nothing is known counts for this much work
SHRINK_STEP: Final = 0.25  # of the workers there are, at most this share goes at once
IGNORED: Final = 0.10  # a need lower by less than this changes nothing


@dataclass(frozen=True)
class Load:
    """What is known of one queue now: only jobs that no cap forbids to run are in it."""

    running: int = 0
    queued: int = 0
    work_s: float | None = None  # the queued jobs' expected seconds together; None when nothing is known
    oldest_s: float = 0.0


@dataclass(frozen=True)
class Rule:
    """What a queue is promised and what it may use."""

    target_wait_s: float = 30.0
    cold_start_s: float = 2.5
    poll_s: float = 1.0
    slots: int = 1
    minimum: int = 0
    maximum: int = 2
    stable_for_s: float = 20.0  # scale in only after the need stayed lower for this long


@dataclass(frozen=True)
class Need:
    """How many workers are wanted, and why."""

    workers: int
    reason: str


def load_of(row: Mapping[str, Any]) -> Load:
    """Return one queue's load from what `dispatching.demand` counted."""
    return Load(row["running"], row["ready"] + row["dispatched"], row["work_s"], row["oldest_s"] or 0.0)


def rule_of(settings: Settings) -> Rule:
    """Return the rule that the settings make for every queue."""
    return Rule(
        poll_s=settings.poll_s,
        slots=settings.worker_slots,
        maximum=settings.max_workers,
        stable_for_s=settings.worker_idle_s,
    )


def advice(load: Load, rule: Rule) -> dict[str, Any]:
    """Return what an outside actuator is told of one queue: workers wanted, and what that follows from."""
    wanted = need(load, rule)
    return {
        "desired": wanted.workers,
        "queued": load.queued,
        "running": load.running,
        "work_seconds": round(load.work_s if load.work_s is not None else load.queued * GUESS_S, 3),
        "oldest_seconds": round(load.oldest_s, 3),
        "reason": wanted.reason,
    }


def need(load: Load, rule: Rule) -> Need:
    """Return the workers a load needs now: what runs, and enough beside it to start what waits within the target."""
    if load.running + load.queued == 0:
        return Need(rule.minimum, "nothing to do")
    usable_s = max(rule.target_wait_s - rule.cold_start_s - rule.poll_s, rule.poll_s)
    work_s = load.work_s if load.work_s is not None else load.queued * GUESS_S
    reason = "seconds of work" if load.work_s is not None else "jobs, for want of estimates"
    beside = min(load.queued, max(1, math.ceil(work_s / usable_s)))
    workers = math.ceil((load.running + beside) / rule.slots)
    return Need(min(max(workers, rule.minimum), rule.maximum), reason)


@dataclass
class Controller:
    """Scales out at once and in slowly: it remembers what was needed during the last while and keeps the most of it."""

    rule: Rule
    _past: deque[tuple[float, int]] = field(default_factory=deque)

    def desired(self, now: float, load: Load | None, current: int) -> int:
        """Return how many workers there should be; without a signal (None), as many as there are."""
        if load is None:
            return current
        wanted = need(load, self.rule).workers
        self._past.append((now, wanted))
        while self._past[0][0] < now - self.rule.stable_for_s:
            self._past.popleft()
        if wanted >= current:
            return wanted
        held = max(workers for _, workers in self._past)
        if held >= current or current - held < IGNORED * current:
            return current
        running = math.ceil(load.running / self.rule.slots)
        slowly = current - max(1, math.floor(current * SHRINK_STEP))
        return max(held, running, slowly, self.rule.minimum)


def share(wanted: Mapping[str, int], maximum: int) -> dict[str, int]:
    """Divide a machine's workers among its queues.

    The first worker of every queue comes beyond any maximum: a queue with work is never shut out by another's. What
    is left goes round by turns to the queues that want more.
    """
    given = {queue: min(1, count) for queue, count in wanted.items()}
    while sum(given.values()) < maximum:
        short = [queue for queue, count in wanted.items() if given[queue] < count]
        if not short:
            break
        least = min(short, key=lambda queue: (given[queue], queue))
        given[least] += 1
    return given
