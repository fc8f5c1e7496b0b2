"""Each trial must fail on a build with one line broken: what can't see harm proves nothing. Part of `make chaos`."""

from __future__ import annotations

import pytest

from tests.chaos import faults, test_faults
from tests.chaos.conftest import DEAF, JOBS
from tests.chaos.house import Edit

pytestmark = pytest.mark.skipif(not JOBS, reason="a quarter of an hour; run it with `make chaos`")

CLAIM = Edit(
    "infra/leases.py",
    "WHERE id = %(job_id)s AND state = 'queued' AND dispatch_token = %(token)s",
    "WHERE id = %(job_id)s",
)
FENCE = Edit(
    "infra/leases.py",
    'AND lease_token = %(lease_token)s AND state = \'running\'\n        RETURNING id\n        """,\n'
    '        {\n            "result"',
    'AND state = \'running\'\n        RETURNING id\n        """,\n        {\n            "result"',
)
CHARGE = Edit("infra/leases.py", "attempt = attempt + 1, charged = charged + 1,", "attempt = attempt + 1,")
REAPER = Edit("worker/dispatcher.py", "in leases.expired(connection):", "in leases.expired(connection)[:0]:")
RECALL = Edit("worker/dispatcher.py", "        self._recall_lost(rung)\n", "")
POLL = Edit("worker/dispatcher.py", "if swept or queue in woken]", "if queue in woken]")
REPLAY = Edit(
    "infra/idempotency.py",
    'if row is None:\n        return None\n    if row["f',
    'if True:\n        return None\n    if row["f',
)
RETRY = Edit("tasks/errors.py", "    retryable = True\n", "    retryable = False\n")
HURRY = Edit("worker/execute.py", "            if time.monotonic() >= until:\n", "            if until:\n")
ONCE = Edit("infra/files.py", '"total_max_attempts": 4', '"total_max_attempts": 1')
DEAFNESS = Edit(
    "worker/heartbeat.py", "        hub.call_repeatedly(REPLACE_EVERY_S, connect_anew_if_deaf, parent.consumer)\n", ""
)
PATIENCE = Edit(
    "worker/celery_app.py", '    TRANSPORT_ALIASES[_scheme] = "worker.doorbell:PatientTransport"\n', "    pass\n"
)
MEMORY = Edit("worker/execute.py", "except BaseException as error:", "except (OSError, RuntimeError) as error:")
HAND_BACK = Edit(
    "worker/keeper.py",
    'charge=False))\n        return [row["child_pid"]',
    'charge=True))\n        return [row["child_pid"]',
)
COMMIT = (
    Edit("infra/servers/postgres.py", '"synchronous_commit": "on",', '"synchronous_commit": "off",'),
    Edit("infra/servers/postgres.py", '"fsync": "on",', '"fsync": "on", "wal_writer_delay": "1s",'),
    Edit("infra/database.py", '("synchronous_commit", "fsync", "full_page_writes")', '("fsync", "full_page_writes")'),
)


def _strike(strike, **options):
    return lambda house, trial: test_faults.clean(trial(house, strike, **options))


@pytest.mark.parametrize(
    ("edits", "trial_of", "said"),
    [
        pytest.param(
            (CLAIM,), test_faults.test_every_message_delivered_five_more_times_runs_each_job_once, "", id="claim"
        ),
        pytest.param(
            (CLAIM, *DEAF), test_faults.test_jobs_longer_than_the_visibility_timeout_run_once, "", id="claim, long job"
        ),
        pytest.param(
            (FENCE,), test_faults.test_a_worker_frozen_past_its_lease_writes_nothing_when_it_wakes, "", id="fence"
        ),
        pytest.param(
            (CHARGE,),
            test_faults.test_poison_is_given_up_after_three_attempts_and_its_neighbours_finish,
            "lost",
            id="charge",
        ),
        pytest.param((REAPER,), _strike(faults.kill_node, ms=(200, 400)), "lost", id="reaper"),
        pytest.param((RECALL,), _strike(faults.flush_redis, ms=(50, 200)), "lost", id="recall"),
        pytest.param((RECALL, *DEAF), _strike(faults.kill_redis, ms=(50, 200)), "lost", id="recall, no persistence"),
        pytest.param(
            (POLL, *DEAF), test_faults.test_an_api_killed_while_no_wake_up_arrives_loses_nothing, "lost", id="poll"
        ),
        pytest.param(
            (REPLAY,),
            test_faults.test_answers_that_nobody_read_and_requests_sent_again_make_one_job_each,
            "doubled",
            id="replay",
        ),
        pytest.param((RETRY, HURRY, ONCE), _strike(faults.store_refuses, ms=(50, 200)), "failed", id="retry, 503"),
        pytest.param((DEAFNESS,), _strike(faults.kill_redis, strikes=2, ms=(100, 200)), "lost", id="deafness"),
        pytest.param((PATIENCE,), test_faults.test_forged_messages_run_nothing_and_stop_nothing, "lost", id="patience"),
        pytest.param((MEMORY,), test_faults.test_a_memory_error_ends_its_job_and_no_worker, "", id="memory"),
        pytest.param(
            (HAND_BACK,), test_faults.test_a_worker_taken_down_hands_its_job_back_uncharged, "", id="hand back"
        ),
        pytest.param(COMMIT, _strike(faults.kill_postgres, jobs=200, after=100, ms=(0, 0)), "lost", id="commit"),
    ],
)
def test_the_trial_sees_the_broken_line(own_house, few, edits, trial_of, said):
    house = own_house(edits)
    with pytest.raises(AssertionError) as told:
        trial_of(house, few)
    few.said(edits[0], str(told.value))
    if said:
        assert getattr(few.last.verdict, said), few.last.verdict
