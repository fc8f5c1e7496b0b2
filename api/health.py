"""Whether the process is up, whether its parts answer, and its numbers; no key is asked for, no tenant shown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import TYPE_CHECKING, Any, Final

from flask import Response

from infra import safety
from tasks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from api.services import Services

ANSWER_S: Final = 3.0
TEXT: Final = "text/plain; charset=utf-8"
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


def install(app: Flask, services: Services) -> None:
    """Add the three routes; they are no part of /v1 and answer in plain text."""

    def healthz() -> Response:
        return Response("ok\n", content_type=TEXT)

    def readyz() -> Response:
        problems = ready(services)
        lines = [f"{name}: {problems.get(name, 'ok')}\n" for name in ("database", "broker", "object store")]
        return Response("".join(lines), 503 if problems else 200, content_type=TEXT)

    def metrics() -> Response:
        return Response(services.metrics.page(services.database), content_type=PROMETHEUS)

    for view in (healthz, readyz, metrics):
        app.add_url_rule(f"/{view.__name__}", view.__name__, view, methods=["GET"], provide_automatic_options=False)


def ready(services: Services) -> dict[str, str]:
    """Ask every part at once; return those that failed, with what is wrong."""
    parts: dict[str, Callable[[], Any]] = {
        "database": services.database.ping,
        "broker": lambda: _ping_broker(services.settings.redis_url),
        "object store": services.files.ping,
    }
    pool = ThreadPoolExecutor(len(parts), thread_name_prefix="floor-ready")
    try:
        asked = {name: pool.submit(part) for name, part in parts.items()}
        return {name: problem for name, answer in asked.items() if (problem := _problem(answer)) is not None}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ping_broker(url: str) -> None:
    """Answer, or raise Unavailable; on a connection of its own, for Celery's would load all of Celery here."""
    import redis  # noqa: PLC0415 - a third of a second, paid by the first who asks

    url = url.replace("redis+socket://", "unix://", 1)
    with redis.Redis.from_url(url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S) as connection:
        try:
            memory = connection.info("memory")
        except (redis.RedisError, OSError) as error:
            raise Unavailable("Redis does not answer just now.") from error
    if (problem := safety.eviction(memory)) is not None:
        raise Unavailable(problem)


def _problem(answer: Any) -> str | None:
    try:
        answer.result(ANSWER_S)
    except TooLate:
        return f"no answer within {ANSWER_S:g} s"
    except Unavailable as error:
        return error.detail
    return None
