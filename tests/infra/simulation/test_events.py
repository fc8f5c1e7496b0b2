"""The simulated queue against sums done by hand, and what must hold under every policy and load."""

import pytest

from infra.scaling import Rule
from infra.simulation.events import Simulation
from infra.simulation.policies import OURS, POLICIES, Policy, known
from infra.simulation.workload import SYNTHETIC, Arrival, Workload

RULE = Rule(target_wait_s=120, cold_start_s=45, poll_s=10, maximum=60, stable_for_s=120)


class Fixed:
    """As many workers as there are jobs to do, at most so many, and none otherwise."""

    def __init__(self, rule):
        self.maximum = rule.maximum

    def desired(self, now, load, current):
        return current if load is None else min(self.maximum, load.queued + load.running)


FIXED = Policy("fixed", "fixed", Fixed, known)


def load(*jobs, caps=None):
    arrivals = tuple(Arrival(*job) for job in jobs)
    return Workload("by hand", arrivals, arrivals[-1].at_s, caps or {})


def test_a_job_waits_for_the_next_poll_and_the_cold_start():
    trace = Simulation(load((3.0, 7.0)), FIXED, Rule(cold_start_s=5, poll_s=2)).run()
    assert trace.waits_s == [6.0]  # seen at 4, ready at 9
    assert trace.worker_s == 12.0  # started at 4; the job ends at 16, which the poll at 16 sees
    assert trace.busy_s == 7.0
    assert [sample.workers for sample in trace.samples] == [0, 0, 1, 1, 1, 1, 1, 1, 0]


def test_jobs_start_in_order_on_the_slots_there_are():
    jobs = [(0.0, 10.0), (0.0, 20.0), (1.0, 5.0)]
    rule = Rule(cold_start_s=0, poll_s=1, maximum=1, slots=2)
    assert Simulation(load(*jobs), FIXED, rule).run().waits_s == [0.0, 0.0, 9.0]
    assert Simulation(load(*jobs), FIXED, Rule(cold_start_s=0, poll_s=1, maximum=1)).run().waits_s == [0, 10, 29]


def test_a_cap_holds_an_organisations_jobs_back_and_nobody_elses():
    jobs = [(0.0, 50.0, "capped"), (0.0, 50.0, "capped"), (1.0, 5.0, "free")]
    trace = Simulation(load(*jobs, caps={"capped": 1}), FIXED, Rule(cold_start_s=0, poll_s=1, maximum=9)).run()
    assert trace.waits_s == [0.0]
    assert max(sample.workers for sample in trace.samples) == 2
    assert trace.busy_s == 105.0


def test_work_that_a_cap_holds_back_buys_no_workers():
    capped = SYNTHETIC["capped"](1)
    others = tuple(arrival for arrival in capped.arrivals if arrival.org != "capped")
    alone = Simulation(Workload("alone", others, capped.horizon_s), OURS, RULE).run()
    both = Simulation(capped, OURS, RULE).run()
    most = max(sample.workers for sample in both.samples)
    assert most <= max(sample.workers for sample in alone.samples) + capped.caps["capped"]
    assert both.unstarted == 0


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@pytest.mark.parametrize("name", SYNTHETIC)
def test_every_job_runs_and_nothing_running_loses_its_worker(name, policy):
    workload = SYNTHETIC[name](7)
    trace = Simulation(workload, policy, RULE, seed=7).run()
    assert trace.unstarted == 0
    assert trace.busy_s == pytest.approx(workload.work_s)
    assert all(sample.running <= sample.workers <= RULE.maximum for sample in trace.samples)
    assert trace.samples[-1].workers == 0


def test_while_the_signal_is_lost_the_workers_stay_and_afterwards_all_is_made_up():
    workload = SYNTHETIC["reference"](1)
    lost = (1700.0, 2400.0)  # over the burst at 1800
    trace = Simulation(workload, OURS, RULE, lost=[lost]).run()
    blind = {sample.workers for sample in trace.samples if lost[0] - RULE.poll_s <= sample.at_s < lost[1]}
    assert len(blind) == 1
    assert blind != {0}
    assert trace.unstarted == 0
    assert max(trace.waits_s) < lost[1] - 1800 + 2 * RULE.target_wait_s


def test_a_seed_gives_the_same_again_and_another_gives_another():
    noisy = POLICIES[1]

    def waits(seed):
        return Simulation(SYNTHETIC["reference"](seed), noisy, RULE, seed=seed).run().waits_s

    assert waits(3) == waits(3)
    assert waits(3) != waits(4)
