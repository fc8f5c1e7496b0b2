"""Each fault, under load, on a whole Floor: nothing lost, nothing twice, nothing that nobody asked for."""

from __future__ import annotations

import pytest

from tests.chaos import faults
from tests.chaos.conftest import JOBS

RECOVERY_S = 30.0
TIMES = 4 if JOBS else 1
QUIET_S = 240.0 if JOBS else 60.0


def clean(found):
    """Hold what every fault must leave: the ledger's sets empty, and recovery within the promise."""
    verdict = found.verdict
    assert verdict.clean, f"{verdict} (the ledger: {found.ledger.path})"
    assert verdict.recovery(0.95) <= RECOVERY_S, verdict.recoveries
    return verdict


@pytest.mark.parametrize(
    ("strike", "strikes", "every_s"),
    [
        pytest.param(strike, strikes, every_s, id=strike.__name__)
        for strike, strikes, every_s in [
            (faults.kill_child, 5 * TIMES, 0.5),
            (faults.kill_node, TIMES, 4.0),
            (faults.kill_api, TIMES, 4.0),
            (faults.kill_dispatcher, TIMES, 5.0),
            (faults.flush_redis, TIMES, 5.0),
            (faults.kill_redis, TIMES, 5.0),
            (faults.kill_postgres, TIMES, 6.0),
            (faults.store_refuses, TIMES, 8.0),
            (faults.store_is_silent, TIMES, 8.0),
        ]
    ],
)
def test_nothing_is_lost_or_doubled(house, trial, strike, strikes, every_s):
    clean(trial(house, strike, strikes=strikes, every_s=every_s, ms=(50, 200), quiet_s=QUIET_S))


def test_every_message_delivered_five_more_times_runs_each_job_once(house, trial):
    assert clean(trial(house, faults.deliver_again, ms=(20, 60), quiet_s=QUIET_S)).reruns == 0


def test_forged_messages_run_nothing_and_stop_nothing(house, trial):
    found = trial(house, faults.forge, strikes=TIMES, quiet_s=QUIET_S)
    assert clean(found).jobs == len(found.found)


def test_answers_that_nobody_read_and_requests_sent_again_make_one_job_each(house, trial):
    jobs = min(JOBS, 300) or None
    clean(trial(house, None, cut=True, ms=(0, 0), quiet_s=QUIET_S, **({"jobs": jobs} if jobs else {})))


def test_a_worker_taken_down_hands_its_job_back_uncharged(house, trial):
    found = trial(house, faults.stop_node, jobs=4, after=4, ms=(4000, 5000))
    clean(found)
    back = [event["data"] for events in found.histories.values() for event in events if event["type"] == "queued"]
    assert {"reason": "worker-stopped", "charged": False} in [
        {name: data.get(name) for name in ("reason", "charged")} for data in back
    ], back


def test_a_worker_frozen_past_its_lease_writes_nothing_when_it_wakes(house, trial):
    seconds = house.lease_s * 3  # it wakes while the second attempt, of another worker, is still at it
    found = trial(
        house, faults.freeze_node, jobs=6, after=6, special={0: {"ms": int(seconds * 1000)}}, quiet_s=60 + 3 * seconds
    )
    assert clean(found).reruns == 1
    assert found.job(0)["result"]["run"] == found.starts()[0][-1], "the result is that of an attempt that had been lost"


def test_poison_is_given_up_after_three_attempts_and_its_neighbours_finish(house, trial):
    poison = {3: {"do": "die"}, 7: {"do": "kill_parent"}}
    found = trial(house, special=poison, may_fail=frozenset(poison), quiet_s=QUIET_S)
    assert found.verdict.clean, found.verdict
    for n in poison:
        assert len(found.starts()[n]) == 3
        assert found.job(n)["error"]["type"] == "/problems/worker-lost"


def test_a_memory_error_ends_its_job_and_no_worker(house, trial):
    ended = _ended_workers(house)
    found = trial(house, special={3: {"do": "memory"}}, may_fail=frozenset({3}), quiet_s=QUIET_S)
    assert found.verdict.clean, found.verdict
    assert found.job(3)["error"]["type"] == "/problems/out-of-memory"
    assert len(found.starts()[3]) == 3
    assert _ended_workers(house) == ended


def _ended_workers(house):
    return (house.data / "logs" / "dispatcher.log").read_text().count("ended with code")


def test_jobs_longer_than_the_visibility_timeout_run_once(deaf_house, trial):
    assert clean(trial(deaf_house, None, jobs=3, ms=(7000, 7500))).reruns == 0


def test_an_api_killed_while_no_wake_up_arrives_loses_nothing(deaf_house, trial):
    clean(trial(deaf_house, faults.kill_api, strikes=TIMES, every_s=4.0, ms=(10, 60), quiet_s=QUIET_S))


def test_a_redis_without_persistence_killed_and_restarted_loses_nothing(deaf_house, trial):
    clean(trial(deaf_house, faults.kill_redis, strikes=TIMES, every_s=5.0, ms=(10, 60), quiet_s=QUIET_S))
