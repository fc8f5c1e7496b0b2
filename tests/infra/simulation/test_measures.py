"""What the controller promises, held by simulation: the target at little more than the least cost, and calm."""

import pytest

from infra.scaling import Rule
from infra.simulation.events import Sample, Simulation, Trace
from infra.simulation.measures import best, compare, figures, percentile
from infra.simulation.policies import OURS, POLICIES
from infra.simulation.workload import SYNTHETIC, Arrival, Workload

RULE = Rule(target_wait_s=120, cold_start_s=45, poll_s=10, maximum=60, stable_for_s=120)


def loads(name, *seeds):
    return [SYNTHETIC[name](seed) for seed in seeds]


@pytest.mark.parametrize("first", [1, 20])
def test_on_the_reference_load_ours_meets_the_target_at_no_more_than_a_tenth_above_the_best(first):
    results = compare(loads("reference", *range(first, first + 5)), POLICIES, RULE, first)
    ours = next(result.figures for result in results if result.policy is OURS)
    off = next(result.figures for result in results if result.policy.name == "ours-off")
    assert ours.p95_s <= RULE.target_wait_s
    assert off.p95_s <= RULE.target_wait_s
    assert ours.worker_hours <= 1.1 * best(results, RULE.target_wait_s).figures.worker_hours


@pytest.mark.parametrize("name", ["steady", "step", "bimodal", "drift", "capped"])
def test_on_every_other_load_ours_meets_the_target_and_changes_seldom(name):
    (result,) = compare(loads(name, 1, 2), [OURS], RULE)
    assert result.figures.p95_s <= RULE.target_wait_s
    assert result.figures.changes <= 60
    assert result.figures.turns <= 30


def test_on_an_even_load_the_workers_stay_as_they_are():
    even = Workload("even", tuple(Arrival(3.0 * n, 30.0, estimate_s=30.0) for n in range(2400)), 7200.0)
    trace = Simulation(even, OURS, RULE).run()
    assert len({sample.workers for sample in trace.samples if 600 < sample.at_s < 7200}) == 1
    assert trace.samples[-1].workers == 0


def test_figures_by_hand():
    counts = [0, 2, 2, 1, 3, 3, 0]
    trace = Trace([0.0, 10.0, 200.0], [Sample(600.0 * n, 0, 0, workers) for n, workers in enumerate(counts)])
    trace.worker_s, trace.busy_s, trace.ended_s = 7200.0, 1800.0, 3600.0
    found = figures(trace, 120.0)
    assert (found.p50_s, found.p95_s) == (10.0, 200.0)
    assert found.within == pytest.approx(2 / 3)
    assert (found.worker_hours, found.utilisation, found.changes, found.turns) == (2.0, 0.25, 4.0, 3.0)


def test_percentiles_are_values_that_occurred():
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([7.0], 0.5) == 7.0
    assert percentile([], 0.5) == 0.0
