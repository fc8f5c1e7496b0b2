"""The Celery application: one task per job kind, made by a loop. A message rings; everything else is in Postgres."""

from __future__ import annotations

from typing import Any

from celery import signals
from kombu.transport import TRANSPORT_ALIASES

from infra.queues import broker_url, celery, task_name
from infra.settings import read
from tasks.registry import names
from worker.heartbeat import Heartbeat

for _scheme in ("redis", "rediss"):
    TRANSPORT_ALIASES[_scheme] = "worker.doorbell:PatientTransport"

app = celery()
app.steps["worker"].add(Heartbeat)


def ring(job_id: str, token: str) -> None:
    """Take the job if it is still to be had, and see it through."""
    from worker import process  # noqa: PLC0415 - what a job needs is loaded by the child that runs it
    from worker.execute import execute  # noqa: PLC0415

    execute(process.tools(), job_id, token)


for _kind in names():
    app.task(name=task_name(_kind))(ring)


@signals.celeryd_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _find_redis(conf: Any, **_kwargs: object) -> None:
    """Take Redis's address from the settings when a worker starts: the application itself needs none."""
    conf.broker_url = broker_url(read().redis_url)


@signals.setup_logging.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _own_logging(**_kwargs: object) -> None:
    """Log as every process of Floor does, not as Celery would."""
    from infra import logs  # noqa: PLC0415 - read when the worker starts, not when the application is imported

    logs.configure(read().log_level)


@signals.worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _make_ready(**_kwargs: object) -> None:
    """Load what every job needs while the first message is still on its way."""
    from worker import process  # noqa: PLC0415 - in the child only

    process.make_ready()
