import dataclasses
import uuid

import pytest
import redis

from infra.queues import Queues, broker_url, ping
from tasks.errors import Unavailable
from tasks.kind import QUEUES


@pytest.fixture
def queues(settings):
    queues = Queues(settings)
    redis.Redis.from_url(settings.redis_url).delete(*QUEUES)
    yield queues
    queues.close()


def test_a_message_lies_in_its_queue_and_carries_nothing_of_the_job(queues, settings):
    token = str(uuid.uuid4())
    queues.ring("io", "export", "job_1", token)
    assert queues.depths() == {queue: int(queue == "io") for queue in QUEUES}
    (message,) = redis.Redis.from_url(settings.redis_url).lrange("io", 0, -1)
    assert b"floor.export" in message
    assert b"job_1" not in message  # the body is base64; headers, which Celery logs, show nothing
    queues.ping()


def test_redis_away_is_said_and_not_waited_for(settings):
    away = dataclasses.replace(settings, redis_url="redis://127.0.0.1:1/0")
    queues = Queues(away)
    for asked in (queues.ping, queues.depths, lambda: queues.ring("io", "export", "j", str(uuid.uuid4()))):
        with pytest.raises(Unavailable):
            asked()
    with pytest.raises(Unavailable):
        ping(away)
    queues.close()


def test_a_sockets_address_is_written_as_celery_writes_it():
    assert broker_url("unix:///run/redis.sock") == "redis+socket:///run/redis.sock"
    assert broker_url("redis://h:1/0") == "redis://h:1/0"
