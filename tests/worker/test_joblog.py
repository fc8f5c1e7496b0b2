import logging

import pytest

from worker import joblog
from worker.joblog import JobLog


@pytest.fixture
def own():
    return logging.getLogger("tasks.some.kind")


def test_only_the_jobs_own_lines_are_kept_and_only_while_it_runs(own):
    own.info("before")
    with JobLog() as log:
        own.info("hello %s", "there")
        own.debug("too fine")
        logging.getLogger("infra.jobs").warning("not the owner's affair")
        lines = log.take()
    own.info("after")
    assert [(level, message) for _, level, message in lines] == [("info", "hello there")]
    assert log.take() == []


def test_the_log_is_bounded_and_says_so_once(own, monkeypatch):
    monkeypatch.setattr(joblog, "MAX_LINES", 3)
    with JobLog() as log:
        for number in range(2):
            own.info("line %s", number)
        first = log.take()
        for number in range(2, 9):
            own.info("line %s", number)
        rest = log.take()
    kept = [message for _, _, message in first + rest]
    assert kept == ["line 0", "line 1", "line 2", "The rest of the log is not kept."]


def test_a_line_is_cut_and_holds_no_secret(own):
    with JobLog() as log:
        own.warning("password=hunter2 %s", "x" * 5000)
        ((_, level, message),) = log.take()
    assert level == "warning"
    assert "hunter2" not in message
    assert len(message) == joblog.MAX_LENGTH
