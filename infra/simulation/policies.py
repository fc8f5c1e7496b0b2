"""The policies that are compared: ours is the controller that production runs, `infra.scaling.Controller` itself.

Every other one is a signal with the same patience when scaling in: it keeps the most that it wanted during the last
`stable_for_s`. None of them ends a worker that runs something; the simulation lets none do that.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from infra.scaling import Controller
from infra.simulation.workload import chances

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.scaling import Load, Rule
    from infra.simulation.workload import Arrival

DEPTH_A_WORKER: Final = 5
GROWTH: Final = 1.5
OFF: Final = 0.7  # the standard deviation of the logarithm of an estimate's error


class Scaler(Protocol):
    """Whatever decides on workers, asked at every poll."""

    def desired(self, now: float, load: Load | None, current: int) -> int:
        """Return how many workers there should be."""


@dataclass(frozen=True)
class Policy:
    """A scaler by name, and what it is told of a job's run time beforehand."""

    name: str
    title: str
    scaler: Callable[[Rule], Scaler]
    estimates: Callable[[int], Callable[[Arrival], float | None]]


class Signal:
    """Wants what a formula says of the load and keeps the most of the last while."""

    def __init__(self, rule: Rule, formula: Callable[[Load], int]) -> None:
        self._rule, self._formula = rule, formula
        self._past: deque[tuple[float, int]] = deque()

    def desired(self, now: float, load: Load | None, current: int) -> int:
        """Return the most that was wanted lately, within bounds; without a signal what there is."""
        if load is None:
            return current
        wanted = min(max(self._formula(load), self._rule.minimum), self._rule.maximum)
        self._past.append((now, wanted))
        while self._past[0][0] < now - self._rule.stable_for_s:
            self._past.popleft()
        return max(workers for _, workers in self._past)


class LatencyStep:
    """Half as many again while the oldest job waits longer than half the target; one fewer while nothing waits."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def desired(self, _now: float, load: Load | None, current: int) -> int:
        """Return the next step from what there is."""
        if load is None:
            return current
        if load.oldest_s > self._rule.target_wait_s / 2 or (load.queued and not current):
            current = max(current + 1, math.ceil(current * GROWTH))
        elif not load.queued:
            current -= 1
        return min(max(current, self._rule.minimum), self._rule.maximum)


def known(_seed: int) -> Callable[[Arrival], float | None]:
    """Tell what the load says was expected."""
    return lambda arrival: arrival.estimate_s


def wrong(seed: int) -> Callable[[Arrival], float | None]:
    """Tell the run time times a lognormal error of median one."""
    chance = chances(seed)
    return lambda arrival: arrival.run_s * chance.lognormvariate(0.0, OFF)


def unknown(_seed: int) -> Callable[[Arrival], float | None]:
    """Tell nothing."""
    return lambda _arrival: None


def _depth(rule: Rule) -> Scaler:
    return Signal(rule, lambda load: math.ceil(load.queued / DEPTH_A_WORKER))


def _depth_and_running(rule: Rule) -> Scaler:
    return Signal(rule, lambda load: math.ceil((load.queued / DEPTH_A_WORKER + load.running) / rule.slots))


def _work_and_running(rule: Rule) -> Scaler:
    """Return our signal as it would be if workers were there at once."""
    return Signal(
        rule, lambda load: load.running + min(load.queued, math.ceil((load.work_s or 0) / rule.target_wait_s))
    )


def _one_each(rule: Rule) -> Scaler:
    return Signal(rule, lambda load: math.ceil((load.queued + load.running) / rule.slots))


OURS: Final = Policy("ours", "ours: running + seconds of work", Controller, known)
POLICIES: Final = (
    OURS,
    Policy("ours-off", "ours, estimates off by lognormal(0, 0.7)", Controller, wrong),
    Policy("ours-blind", "ours, without estimates", Controller, unknown),
    Policy("work", "running + work, blind to the cold start", _work_and_running, known),
    Policy("depth", "depth: queued / 5", _depth, unknown),
    Policy("depth-running", "running + queued / 5", _depth_and_running, unknown),
    Policy("each", "one worker a job: running + queued", _one_each, unknown),
    Policy("latency", "oldest job's age: +50 % / -1", LatencyStep, unknown),
)
