import os
import subprocess
import sys

from tasks.errors import JobCancelled, JobTimedOut, OutOfMemory
from worker.limits import overdue, resident_mb

RUNNING = {"cancelling_s": None, "running_s": 5.0, "timeout_s": 10, "late_s": None, "memory_mb": 100}


def test_a_job_within_its_limits_is_left_alone():
    assert overdue(RUNNING, 99.0) is None
    assert overdue(RUNNING | {"late_s": -30.0}, 99.0) is None


def test_a_run_may_stop_by_itself_before_its_process_is_ended():
    assert overdue(RUNNING | {"cancelling_s": 1.9, "running_s": 11.9, "late_s": 1.9}, 99.0) is None
    assert isinstance(overdue(RUNNING | {"cancelling_s": 2.1}, 99.0), JobCancelled)
    assert isinstance(overdue(RUNNING | {"running_s": 12.1}, 99.0), JobTimedOut)
    assert isinstance(overdue(RUNNING | {"late_s": 2.1}, 99.0), JobTimedOut)


def test_memory_over_the_limit_ends_it_at_once():
    assert isinstance(overdue(RUNNING, 100.1), OutOfMemory)


def test_resident_memory_is_read_for_the_living_only():
    assert resident_mb(os.getpid()) > 5
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert resident_mb(process.pid) is None  # it ended, though nobody has waited for it yet
    process.wait()
    assert resident_mb(process.pid) is None
