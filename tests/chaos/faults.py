"""The faults: each does its harm to a house, at the moment it is called, and returns when the harm is over."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pickle
import signal
import time

import redis

from infra import processes
from tests.chaos.house import wait_until
from tests.chaos.ledger import at_work

BACK_S = 45.0
QUEUE = "compute"


def kill_child(house, rng):
    """End one process of a worker's pool at once, in the middle of a job."""
    _kill_one(
        sorted(wait_until(lambda: at_work(house.witness) & set(house.children()), BACK_S, "a child at work")), rng
    )


def kill_node(house, rng):
    """End one worker's main process at once, while its child works."""
    _kill_one(wait_until(lambda: _working(house), BACK_S, "a worker at work"), rng)


def kill_api(house, rng):
    """End one of the API's processes at once, its master or one that serves; it is over when the API is ready again."""
    master = house.pid("api")
    _kill_one([master, *processes.children_of(master)], rng)
    wait_until(house.ready, BACK_S, "the API")


def kill_dispatcher(house, rng):
    """End the dispatcher at once; over when `floor up` has started another."""
    before = house.pid("dispatcher")
    _kill(before)
    wait_until(lambda: house.pid("dispatcher") != before, BACK_S, "a new dispatcher")


def flush_redis(house, rng):
    """Empty Redis while messages lie in it: the queues, what was not acknowledged, the rates."""
    _wait_for_work(house, waiting=True)
    house.redis.flushall()


def kill_redis(house, rng):
    """End Redis at once; over when it answers again, with whatever it had kept."""
    _wait_for_work(house, waiting=True)
    before = house.pid("redis")
    _kill(before)
    wait_until(lambda: house.pid("redis") != before and _pings(house), BACK_S, "Redis")


def kill_postgres(house, rng):
    """End every process of PostgreSQL at once; over when the API is ready again."""
    before = house.pid("postgres")
    for pid in [before, *processes.children_of(before)]:
        _kill(pid)
    wait_until(lambda: house.pid("postgres") != before and house.ready(), BACK_S, "PostgreSQL")


def store_refuses(house, rng):
    """The object store answers 503 for a while."""
    _store(house, "refuse")


def store_is_silent(house, rng):
    """The object store takes every request and answers none for a while."""
    _store(house, "silent")


def stop_node(house, rng):
    """Take one worker down as a machine's owner does."""
    _signal(rng.choice(wait_until(lambda: _working(house), BACK_S, "a worker at work")), signal.SIGTERM)


def freeze_node(house, rng):
    """Stop a whole worker, parent and children, for longer than its leases last, and let it go on."""
    node = rng.choice(wait_until(lambda: _working(house), BACK_S, "a worker at work"))
    frozen = [node, *processes.children_of(node)]
    for pid in frozen:
        _signal(pid, signal.SIGSTOP)
    time.sleep(house.lease_s + 3)  # the fault itself: it has to last
    for pid in frozen:
        _signal(pid, signal.SIGCONT)


def deliver_again(house, rng, seconds=3.0, copies=5):
    """Put every message that lies in the queue there again, several times over."""
    seen, until = set(), time.monotonic() + seconds
    while time.monotonic() < until:
        for message in house.redis.lrange(QUEUE, 0, -1):
            if message not in seen:
                seen.add(message)
                house.redis.lpush(QUEUE, *[message] * copies)
        time.sleep(0.002)
    assert seen, "no message was ever seen in the queue"


def forge(house, rng):
    """Put into the queues what no dispatcher of ours would: bytes, pickles, strangers, lies."""
    for message in _forgeries():
        house.redis.lpush(QUEUE, message)
        time.sleep(0.05)


def _forgeries():
    """From the merely strange to what is known to end a Celery worker."""
    pickled = pickle.dumps({"job_id": "job_0", "token": "x"})
    calls = [
        ("floor.ordeal", {"job_id": "job_0", "token": "not a token"}),
        ("floor.ordeal", {"job_id": "job_0", "token": "00000000-0000-0000-0000-000000000000"}),
        ("floor.ordeal", {"job_id": ["job_0"], "token": {"a": 1}}),
        ("floor.ordeal", {"job_id": "'; DROP TABLE jobs; --", "token": "00000000-0000-0000-0000-000000000000"}),
        ("floor.ordeal", {"job_id": "job_0", "token": "x", "version": 99}),
        ("floor.ordeal", {}),
        ("floor.no_such_kind", {"job_id": "job_0", "token": "x"}),
        ("os.system", {"command": "true"}),
    ]
    yield from (_message(task, kwargs) for task, kwargs in calls)
    yield _message("floor.ordeal", {}, body=base64.b64encode(pickled).decode(), kind="application/x-python-serialize")
    yield _message("floor.ordeal", {}, body="!", kind="application/json")
    yield json.dumps({"body": "e30="})
    yield json.dumps([1, 2, 3])
    yield pickled
    yield b"\x80\x04garbage\xff"


def _message(task, kwargs, *, body=None, kind="application/json"):
    text = body or base64.b64encode(json.dumps([[], kwargs, {}]).encode()).decode()
    return json.dumps(
        {
            "body": text,
            "content-encoding": "utf-8" if body is None else "binary",
            "content-type": kind,
            "headers": {"lang": "py", "task": task, "id": os.urandom(8).hex(), "root_id": None, "parent_id": None},
            "properties": {
                "correlation_id": "x",
                "delivery_mode": 2,
                "delivery_info": {"exchange": QUEUE, "routing_key": QUEUE},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": os.urandom(8).hex(),
            },
        }
    )


def _store(house, mode):
    _wait_for_work(house)
    house.proxy.turn(mode)
    try:
        time.sleep(max(4.0, house.lease_s * 0.75))  # the fault itself: it has to last
    finally:
        house.proxy.turn("pass")


def _wait_for_work(house, *, waiting=False, within_s=10.0):
    """Wait until there is something to harm: a job at work, and messages in the queue if they are what is to be lost.

    Where all jobs are done by now, the fault hits an idle house.
    """
    until = time.monotonic() + within_s
    while time.monotonic() < until and not (at_work(house.witness) and (not waiting or house.redis.llen(QUEUE))):
        time.sleep(0.005)


def _pings(house):
    with contextlib.suppress(redis.RedisError):
        return house.redis.ping()
    return False


def _working(house):
    busy = at_work(house.witness)
    return [node for node in house.nodes() if busy & set(processes.children_of(node))]


def _kill_one(pids, rng):
    _kill(rng.choice(pids))


def _kill(pid):
    _signal(pid, signal.SIGKILL)


def _signal(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
