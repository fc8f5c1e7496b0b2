"""What Floor refuses to start with: settings under which it could lose a job, or show one tenant another's rows.

A part that is away just now is no reason to refuse: the processes wait for it, and /readyz says so.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import psycopg

from infra import database
from infra.settings import SettingsError, read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.settings import Settings

REDIS_S: Final = 2.0


class UnsafeToStart(Exception):
    """Floor does not run like this; the message lists every problem."""


def checked(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings if Floor may run with them; raises UnsafeToStart with all that is wrong in one message."""
    given = dict(os.environ if environ is None else environ)
    problems: list[str] = []
    settings = None
    try:
        settings = read(given)
    except SettingsError as error:
        problems += [line.strip() for line in str(error).splitlines()[1:]]
    problems += of_database(given.get("FLOOR_DATABASE_URL", ""))
    problems += of_redis(given.get("FLOOR_REDIS_URL", ""))
    if problems or settings is None:
        raise UnsafeToStart("Floor does not start like this:\n" + "\n".join(f"  {problem}" for problem in problems))
    return settings


def of_database(url: str) -> list[str]:
    """Return what must not be run with about a database and its login; nothing while it is away."""
    if not url:
        return []
    try:
        return database.unsafe_settings(url)
    except psycopg.Error:
        return []


def of_redis(url: str) -> list[str]:
    """Return what must not be run with about a Redis; nothing while it is away."""
    import redis  # noqa: PLC0415 - a third of a second, paid where it is asked

    if not url:
        return []
    url = url.replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(url, socket_timeout=REDIS_S, socket_connect_timeout=REDIS_S) as connection:
            policy = eviction(connection.info("memory"))
    except (redis.RedisError, OSError, ValueError):
        return []
    return [policy] if policy else []


def eviction(memory: Mapping[str, object]) -> str | None:
    """Return what is wrong with Redis's way of making room, from its INFO memory; None if it evicts nothing."""
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        return None
    return f"Redis's maxmemory-policy is {policy}: a queue could be evicted; set it to noeviction"
