"""What a policy did, in figures: how long jobs waited, what it cost, and how restless it was."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

from infra.simulation.events import Simulation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.scaling import Rule
    from infra.simulation.events import Trace
    from infra.simulation.policies import Policy
    from infra.simulation.workload import Workload

HOUR_S = 3600.0


@dataclass(frozen=True)
class Figures:
    """Waits to start in seconds, the share of jobs within the target, worker-hours and the busy share of them.

    `changes` are polls an hour that changed the number of workers, `turns` those of them that undid the direction of
    the one before. Over several seeds, each is a mean.
    """

    p50_s: float
    p95_s: float
    p99_s: float
    within: float
    worker_hours: float
    utilisation: float
    changes: float
    turns: float
    unstarted: float


@dataclass(frozen=True)
class Result:
    """A policy, its figures, and what happened with the first load."""

    policy: Policy
    figures: Figures
    trace: Trace

    def as_object(self) -> dict[str, Any]:
        """Return it for a program to read."""
        return {"policy": self.policy.name, "title": self.policy.title} | {
            name: round(value, 4) for name, value in asdict(self.figures).items()
        }


def compare(workloads: Sequence[Workload], policies: Sequence[Policy], rule: Rule, first_seed: int = 1) -> list[Result]:
    """Run every policy on every load; the errors of estimates are drawn anew for each load."""
    results = []
    for policy in policies:
        traces = [Simulation(load, policy, rule, seed=seed).run() for seed, load in enumerate(workloads, first_seed)]
        results.append(Result(policy, mean([figures(trace, rule.target_wait_s) for trace in traces]), traces[0]))
    return results


def best(results: Sequence[Result], target_s: float) -> Result | None:
    """Return the cheapest of those that meet the target with nineteen jobs in twenty and leave none unstarted."""
    good = [result for result in results if result.figures.p95_s <= target_s and not result.figures.unstarted]
    return min(good, key=lambda result: result.figures.worker_hours, default=None)


def figures(trace: Trace, target_s: float) -> Figures:
    """Return one run's figures."""
    waits, hours = sorted(trace.waits_s), max(trace.ended_s, 1.0) / HOUR_S
    counts = [sample.workers for sample in trace.samples]
    steps = [after > before for before, after in pairwise(counts) if after != before]
    return Figures(
        p50_s=percentile(waits, 0.50),
        p95_s=percentile(waits, 0.95),
        p99_s=percentile(waits, 0.99),
        within=sum(wait <= target_s for wait in waits) / len(waits) if waits else 1.0,
        worker_hours=trace.worker_s / HOUR_S,
        utilisation=trace.busy_s / trace.worker_s if trace.worker_s else 0.0,
        changes=len(steps) / hours,
        turns=sum(before != after for before, after in pairwise(steps)) / hours,
        unstarted=float(trace.unstarted),
    )


def mean(several: Sequence[Figures]) -> Figures:
    """Return the mean of each figure."""
    rows = [asdict(one) for one in several]
    return Figures(**{name: fmean(row[name] for row in rows) for name in rows[0]})


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that no less than a share of the values stay within (nearest rank); 0.0 of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0
