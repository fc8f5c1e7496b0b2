"""Loads to try a policy on: jobs with arrival and run time, made from a seed. Times are seconds from the start."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HOUR_S: Final = 3600.0
SHORT_S: Final = 4.0
LONG_S: Final = 300.0
LONG_SHARE: Final = 0.1
BURST_SHORT: Final = 300
BURST_LONG: Final = 40


@dataclass(frozen=True)
class Arrival:
    """One job: when it comes, how long it runs, how long it was expected to run, if that was known, and whose it is."""

    at_s: float
    run_s: float
    org: str = "one"
    estimate_s: float | None = None


@dataclass(frozen=True)
class Workload:
    """Jobs by arrival, for how long they come, and how many of an organisation may run at once."""

    name: str
    arrivals: tuple[Arrival, ...]
    horizon_s: float
    caps: Mapping[str, int] = field(default_factory=dict)

    @property
    def work_s(self) -> float:
        """Return how long one worker would be busy with it all."""
        return sum(arrival.run_s for arrival in self.arrivals)


def reference(seed: int) -> Workload:
    """Six hours: every 20 s a job, one in ten long; on the half hours by turns 300 short or 40 long ones at once."""
    chance = chances(seed)
    arrivals = list(_poisson(chance, 6 * HOUR_S, lambda _: 20.0))
    for hour in range(6):
        at_s, short = (hour + 0.5) * HOUR_S, hour % 2 == 0
        arrivals += [_job(at_s, not short) for _ in range(BURST_SHORT if short else BURST_LONG)]
    return _made("reference", arrivals, 6 * HOUR_S)


def steady(seed: int) -> Workload:
    """Four hours of jobs of 30 s, one every 3 s."""
    chance = chances(seed)
    return _made("steady", [Arrival(at_s, 30.0) for at_s in _times(chance, 4 * HOUR_S, lambda _: 3.0)], 4 * HOUR_S)


def step(seed: int) -> Workload:
    """Three hours of jobs of 30 s: one a minute; in the second hour one every 2 s."""
    chance = chances(seed)
    times = _times(chance, 3 * HOUR_S, lambda at_s: 2.0 if HOUR_S <= at_s < 2 * HOUR_S else 60.0)
    return _made("step", [Arrival(at_s, 30.0) for at_s in times], 3 * HOUR_S)


def bimodal(seed: int) -> Workload:
    """Four hours, one job every 10 s: an equal number of short and long ones."""
    chance = chances(seed)
    times = _times(chance, 4 * HOUR_S, lambda _: 10.0)
    return _made("bimodal", [_job(at_s, chance.random() < 1 / 2) for at_s in times], 4 * HOUR_S)


def drift(seed: int) -> Workload:
    """Eight hours of jobs of 60 s: slowly more, from one in two minutes to one in three seconds, and back."""
    chance = chances(seed)
    horizon_s = 8 * HOUR_S

    def gap_s(at_s: float) -> float:
        return 120.0 * math.exp(-math.log(40.0) * math.sin(math.pi * at_s / horizon_s))

    return _made("drift", [Arrival(at_s, 60.0) for at_s in _times(chance, horizon_s, gap_s)], horizon_s)


def capped(seed: int) -> Workload:
    """Two hours: one organisation, that may run two jobs at once sends 500 of 60 s; another sends one a minute."""
    chance = chances(seed)
    flood = [Arrival(60.0, 60.0, org="capped") for _ in range(500)]
    others = [Arrival(at_s, 10.0, org="other") for at_s in _times(chance, 2 * HOUR_S, lambda _: 60.0)]
    return _made("capped", flood + others, 2 * HOUR_S, {"capped": 2})


SYNTHETIC: Final[dict[str, Callable[[int], Workload]]] = {
    made.__name__: made for made in (reference, steady, step, bimodal, drift, capped)
}


def chances(seed: int) -> random.Random:
    """Return a source of chance that gives the same for the same seed."""
    return random.Random(seed)  # noqa: S311 - repeatable on purpose, and nothing to guess


def _poisson(chance: random.Random, until_s: float, gap_s: Callable[[float], float]) -> Iterator[Arrival]:
    for at_s in _times(chance, until_s, gap_s):
        yield _job(at_s, chance.random() < LONG_SHARE)


def _times(chance: random.Random, until_s: float, gap_s: Callable[[float], float]) -> list[float]:
    """Return Poisson arrival times with a mean gap that may change with time."""
    times, at_s = [], 0.0
    while (at_s := at_s + chance.expovariate(1.0) * gap_s(at_s)) < until_s:
        times.append(at_s)
    return times


def _job(at_s: float, is_long: bool) -> Arrival:
    return Arrival(at_s, LONG_S if is_long else SHORT_S)


def _made(name: str, arrivals: list[Arrival], horizon_s: float, caps: Mapping[str, int] | None = None) -> Workload:
    known = (replace(arrival, estimate_s=arrival.run_s) for arrival in arrivals)
    return Workload(name, tuple(sorted(known, key=lambda arrival: arrival.at_s)), horizon_s, caps or {})
