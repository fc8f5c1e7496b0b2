import heapq
import random

import pytest

from infra.scaling import Controller, Load, Need, Rule, need, share

RULE = Rule(target_wait_s=30, cold_start_s=2.5, poll_s=1.0, maximum=100)


def test_nothing_to_do_needs_nobody():
    assert need(Load(), RULE) == Need(0, "nothing to do")


def test_the_formula_of_the_contract():
    # 530 s of work in the 26.5 s that are left of the target after cold start and poll: 20 beside the 3 that run.
    assert need(Load(running=3, queued=100, work_s=530.0), RULE).workers == 23
    # Never more than there are jobs, and one at least where anything waits and nothing runs.
    assert need(Load(queued=2, work_s=10_000.0), RULE).workers == 2
    assert need(Load(queued=5, work_s=0.1), RULE).workers == 1
    # Work that takes no time at all needs a worker too, beside those that are busy.
    assert need(Load(running=1, queued=50, work_s=0.0), RULE).workers == 2


def test_without_estimates_plain_depth_decides():
    assert need(Load(queued=10), RULE) == Need(4, "jobs, for want of estimates")


def test_slots_and_bounds():
    assert need(Load(running=3, queued=100, work_s=530.0), Rule(slots=4, maximum=100)).workers == 6
    assert need(Load(queued=100, work_s=1e6), Rule(maximum=5)).workers == 5
    assert need(Load(), Rule(minimum=1)).workers == 1


def test_out_at_once_and_in_slowly_and_never_below_what_runs():
    controller = Controller(Rule(maximum=100, stable_for_s=20))
    assert controller.desired(0, Load(queued=40, work_s=4000.0), 0) == 40
    assert controller.desired(1, Load(running=8), 40) == 40  # lower, but not for long enough
    assert controller.desired(22, Load(running=8), 40) == 30  # a quarter at a time
    assert controller.desired(23, Load(running=8), 9) == 8
    assert controller.desired(44, Load(running=2), 2) == 2
    assert controller.desired(66, Load(), 2) == 1
    assert controller.desired(67, Load(), 1) == 0


def test_a_lost_signal_holds_what_there_is():
    assert Controller(RULE).desired(0, None, 7) == 7


def test_a_queue_with_work_always_has_a_worker_whatever_the_maximum():
    assert share({"compute": 9, "io": 1, "interactive": 1}, 2) == {"compute": 1, "io": 1, "interactive": 1}
    assert share({"compute": 9, "io": 1, "bulk": 0}, 4) == {"compute": 3, "io": 1, "bulk": 0}
    assert share({"compute": 9, "bulk": 9}, 5) == {"compute": 2, "bulk": 3}


def simulate(arrivals, rule, horizon_s):
    """Run one queue on a virtual clock; returns the waits, the worker-seconds and how often the direction turned."""
    controller, workers, waits = Controller(rule), [], []
    queue, running, spent, turns, last = [], [], 0.0, 0, 0
    arrivals = sorted(arrivals)
    for now in range(horizon_s):
        while arrivals and arrivals[0][0] <= now:
            queue.append(arrivals.pop(0))
        while running and running[0] <= now:
            heapq.heappop(running)
        load = Load(len(running), len(queue), sum(seconds for _, seconds in queue))
        desired = controller.desired(now, load, len(workers))
        assert desired >= min(len(running), rule.maximum)
        step = (desired > len(workers)) - (desired < len(workers))
        turns, last = turns + (step * last < 0), step or last
        workers = sorted(workers)[:desired] + [now + rule.cold_start_s] * (desired - len(workers))
        free = sum(ready <= now for ready in workers) - len(running)
        for _ in range(max(0, min(free, len(queue)))):
            came, seconds = queue.pop(0)
            waits.append(now - came)
            heapq.heappush(running, now + seconds)
        spent += len(workers)
    assert not queue
    return sorted(waits), spent, turns, len(workers)


@pytest.mark.parametrize("seed", range(3))
def test_a_simulated_day_neither_starves_nor_flaps(seed):
    chance = random.Random(seed)
    arrivals, now = [], 0.0
    while now < 6000:
        now += chance.expovariate(1 / 20)
        arrivals.append((now, 4.0 if chance.random() < 0.9 else 300.0))
    arrivals += [(burst + chance.random(), 4.0) for burst in (1000, 3000, 5000) for _ in range(200)]
    rule = Rule(target_wait_s=120, cold_start_s=45, poll_s=10, maximum=60, stable_for_s=120)
    waits, spent, turns, left = simulate(arrivals, rule, 9000)
    work = sum(seconds for _, seconds in arrivals)
    assert waits[int(len(waits) * 0.95)] <= rule.target_wait_s
    assert spent < 3.5 * work
    assert turns < 60
    assert left == 0
