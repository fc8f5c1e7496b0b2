import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from infra.scaling import SHRINK_STEP, Controller, Load, Need, Rule, need, share

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


@st.composite
def rules(draw):
    minimum = draw(st.integers(0, 5))
    return Rule(
        target_wait_s=draw(st.floats(1, 600)),
        cold_start_s=draw(st.floats(0, 300)),
        poll_s=draw(st.floats(0.05, 60)),
        slots=draw(st.integers(1, 8)),
        minimum=minimum,
        maximum=draw(st.integers(max(1, minimum), 200)),
        stable_for_s=draw(st.floats(0, 300)),
    )


COUNTS = st.integers(0, 500)
LOADS = st.builds(Load, running=COUNTS, queued=COUNTS, work_s=st.none() | st.floats(0, 1e6), oldest_s=st.floats(0, 1e4))


@given(LOADS, rules())
def test_a_need_keeps_its_bounds_and_covers_what_runs_and_waits(load, rule):
    workers = need(load, rule).workers
    assert rule.minimum <= workers <= rule.maximum
    assert workers >= min(rule.maximum, math.ceil((load.running + (load.queued > 0)) / rule.slots))
    assert workers <= max(rule.minimum, math.ceil((load.running + load.queued) / rule.slots))


@given(LOADS, rules(), COUNTS, COUNTS, st.floats(0, 1e6))
def test_more_jobs_or_more_work_never_need_fewer_workers(load, rule, running, queued, work_s):
    more_work_s = None if load.work_s is None else load.work_s + work_s
    more = Load(load.running + running, load.queued + queued, more_work_s)
    assert need(more, rule).workers >= need(load, rule).workers


@given(rules(), COUNTS, st.lists(st.tuples(st.none() | LOADS, st.floats(0, 120)), max_size=30))
def test_whatever_comes_the_controller_holds_without_a_signal_and_never_goes_below_what_runs(rule, current, history):
    controller, now = Controller(rule), 0.0  # of the workers there may be more than the rule allows: it was changed
    for load, later_s in history:
        now += later_s
        if load is None:
            assert controller.desired(now, None, current) == current
            continue
        running = min(load.running, current * rule.slots)
        desired = controller.desired(now, replace(load, running=running), current)
        assert math.ceil(running / rule.slots) <= desired <= max(current, rule.maximum)
        assert desired >= current - max(1, current * SHRINK_STEP)
        current = desired


@given(rules(), LOADS, st.integers(0, 200))
def test_under_a_constant_load_the_workers_settle_without_turning(rule, load, current):
    load = replace(load, running=min(load.running, current * rule.slots))
    controller, now, seen = Controller(rule), 0.0, [current]
    for _ in range(60):
        seen.append(controller.desired(now, load, seen[-1]))
        now += rule.stable_for_s + 1
    assert seen[1:] == sorted(seen[1:], reverse=seen[-1] < seen[1])
    assert seen[-1] == seen[-2]


@given(rules(), st.integers(1, 200))
def test_with_nothing_to_do_it_goes_to_the_minimum(rule, current):
    controller, now = Controller(rule), 0.0
    for _ in range(300):
        current, now = controller.desired(now, Load(), current), now + rule.stable_for_s + 1
    assert current == rule.minimum
