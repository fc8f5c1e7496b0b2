"""Celery's queues on Redis, a doorbell: a message says which job to look at and carries nothing of the job itself."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import redis

from tasks.errors import Unavailable
from tasks.kind import QUEUES

if TYPE_CHECKING:
    from celery import Celery

    from infra.settings import Settings

LANES: Final = ("", "\x06\x163", "\x06\x166", "\x06\x169")  # kombu keeps one list per priority step
PING_S: Final = 2.0


def task_name(kind: str) -> str:
    """Return the name of a kind's Celery task."""
    return f"floor.{kind}"


def celery() -> Celery:
    """Return a Celery application with every queue declared; its Redis is not known yet, no task registered."""
    from celery import Celery  # noqa: PLC0415 - the API asks for depths only, and need not carry Celery

    app = Celery("floor", set_as_current=False)
    app.config_from_object("celeryconfig")
    app.conf.task_queues = {name: {"exchange": name, "routing_key": name} for name in QUEUES}
    return app


def broker_url(redis_url: str) -> str:
    """Return a Redis URL as Celery writes it: a socket's scheme is `redis+socket` there."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def ping(settings: Settings) -> None:
    """Answer, or raise Unavailable: for whoever keeps no connection to Redis."""
    queues = Queues(settings)
    try:
        queues.ping()
    finally:
        queues.close()


class Queues:
    """The sending side of the queues; every method raises Unavailable while Redis is away."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.redis_url.replace("redis+socket://", "unix://", 1)
        self._settings = settings

    def ring(self, queue: str, kind: str, job_id: str, token: str) -> None:
        """Tell the workers of a queue that a job is theirs to claim with this token."""
        from kombu.exceptions import OperationalError  # noqa: PLC0415 - comes with Celery

        try:
            self._celery.send_task(
                task_name(kind),
                kwargs={"job_id": job_id, "token": token},
                task_id=token,
                queue=queue,
                producer=self._producer,
                retry=False,
                argsrepr="",
                kwargsrepr="",
            )
        except (OperationalError, redis.RedisError, OSError) as error:
            raise Unavailable("Redis does not answer just now; the job is safe and will be sent again.") from error

    def depths(self) -> dict[str, int]:
        """Return how many messages lie in each queue, all its lanes together."""
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for queue in QUEUES:
                    for lane in LANES:
                        pipeline.llen(queue + lane)
                counts = pipeline.execute()
        except (redis.RedisError, OSError) as error:
            raise Unavailable("Redis does not answer just now.") from error
        return {queue: sum(counts[i * len(LANES) : (i + 1) * len(LANES)]) for i, queue in enumerate(QUEUES)}

    def ping(self) -> None:
        """Answer, or raise Unavailable."""
        try:
            self._redis.ping()
        except (redis.RedisError, OSError) as error:
            raise Unavailable("Redis does not answer just now.") from error

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()
        if "_producer" in self.__dict__:
            self._producer.connection.release()

    @cached_property
    def _redis(self) -> Any:
        return redis.Redis.from_url(
            self._url, socket_timeout=PING_S, socket_connect_timeout=PING_S, health_check_interval=25
        )

    @cached_property
    def _celery(self) -> Celery:
        app = celery()
        app.conf.broker_url = broker_url(self._settings.redis_url)
        return app

    @cached_property
    def _producer(self) -> Any:
        """One connection for all sends: the dispatcher rings from one thread."""
        return self._celery.amqp.Producer(self._celery.connection_for_write())
