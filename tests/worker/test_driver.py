import time

import pytest

from infra.scaling import Load
from worker.driver import Driver


@pytest.fixture
def driver(toys, monkeypatch):
    for name in toys.environment:
        monkeypatch.delenv(name, raising=False)  # so that a worker ends as soon as it looks for its settings
    driver = Driver(toys.settings)
    yield driver
    driver.stop()


def test_workers_that_end_as_soon_as_they_start_are_not_started_without_end(driver):
    seen, until = set(), time.monotonic() + 3
    while time.monotonic() < until:
        driver.follow({"compute": Load(queued=1)}, set)
        seen |= {pid for pids in driver.pids.values() for pid in pids}
        time.sleep(0.01)
    assert 1 <= len(seen) <= 2


def test_without_a_signal_nothing_is_started_or_stopped(driver):
    driver.follow(None, set)
    assert driver.pids == {}
