from __future__ import annotations

import dataclasses
import time

import psycopg
import pytest

from api.waiting import LOOK_DEAF_S, LOOK_S, Bell, Streams


@pytest.fixture
def bell(settings):
    bell = Bell(settings)
    yield bell
    bell.close()


def heard(bell, job_id, within=10.0):
    """Ring for a job until its follower hears it, for the listener needs a moment to start."""
    with bell.follow(job_id) as changed:
        until = time.monotonic() + within
        while not bell._listening.is_set():
            assert time.monotonic() < until
            time.sleep(0.01)
        changed.clear()
        with psycopg.connect(bell._url, autocommit=True) as connection:
            connection.execute("SELECT pg_notify('floor_jobs', %s)", [job_id])
        return changed.wait(within)


def test_a_follower_hears_of_its_job_and_of_no_other(bell):
    with bell.follow("job_other") as other:
        assert heard(bell, "job_mine")
        other.clear()
        assert heard(bell, "job_mine")
        assert not other.is_set()


def test_who_waits_for_the_end_is_not_woken_before(bell):
    assert heard(bell, "job_y")
    with bell.follow("job_y", to_its_end=True) as ended:
        assert heard(bell, "job_y")  # and with it whoever follows every change
        assert not ended.is_set()
        with psycopg.connect(bell._url, autocommit=True) as connection:
            connection.execute("SELECT pg_notify('floor_jobs', 'job_y over')")
        assert ended.wait(10)
    assert not bell._patient


def test_many_followers_share_one_connection(bell):
    assert heard(bell, "job_x")
    thread = bell._thread
    for number in range(20):
        with bell.follow(f"job_{number}"):
            assert bell._thread is thread
    assert bell._followers == {}


def test_the_listener_comes_back_after_it_was_cut_off(bell, servers):
    assert heard(bell, "job_x")
    with psycopg.connect(servers.admin_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'floor-listen'"
        )
    assert heard(bell, "job_y")


def test_without_a_listener_a_follower_looks_each_second_and_with_one_seldom(settings):
    deaf = Bell(dataclasses.replace(settings, database_url="postgresql:///x?host=/nowhere"))
    started = time.monotonic()
    with deaf.follow("job_x") as changed:
        deaf.wait(changed, 60)
    deaf.close()
    assert 0.9 * LOOK_DEAF_S <= time.monotonic() - started < LOOK_S


def test_places_are_counted_per_organisation_and_half_the_threads_stay_free(settings):
    streams = Streams(dataclasses.replace(settings, api_threads=16))
    assert [streams.take("a") for _ in range(5)] == [True] * 4 + [False]
    assert [streams.take("b") for _ in range(5)] == [True] * 4 + [False]
    assert not streams.take("c")
    streams.give_back("a")
    assert streams.take("c")
