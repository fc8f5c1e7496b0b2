"""The heartbeat of a worker: a thread of its main process, never of the children, whom a solver may hold for minutes.

It renews the leases of the jobs that live children run, hands back those of dead ones, and ends its own child where a
job was cancelled or ran over its time or memory. Nobody else ends a child.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Final

import redis
from celery import bootsteps, signals
from celery.worker import state

if TYPE_CHECKING:
    from worker.keeper import Keeper

REPLACE_EVERY_S: Final = 0.5
HAND_BACK: Final = signal.SIGUSR2  # stop now: unlike Celery's own SIGQUIT, jobs are handed back before children end


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
    """Celery's step that starts the keeper once the pool is there; it beats until the process ends."""

    requires = {"celery.worker.components:Pool"}  # noqa: RUF012 - the name and type that Celery's blueprint reads

    def __init__(self, parent: Any, **kwargs: Any) -> None:
        super().__init__(parent, **kwargs)
        self._keeper: Keeper | None = None

    def start(self, parent: Any) -> None:
        """Begin to beat: imports the database in the thread, while the pool's children are starting."""
        threading.Thread(target=self._keep, args=(parent,), name="heartbeat", daemon=True).start()
        signal.signal(HAND_BACK, lambda *_: self._stopping("Cold"))
        signals.worker_shutting_down.connect(self._stopping, weak=False)
        signals.worker_shutdown.connect(self._left, weak=False)

    def register_with_event_loop(self, parent: Any, hub: Any) -> None:
        """Have a dead child replaced, and a dead connection noticed, sooner than Celery by itself would."""
        hub.call_repeatedly(REPLACE_EVERY_S, parent.pool.maintain_pool)
        hub.call_repeatedly(REPLACE_EVERY_S, connect_anew_if_deaf, parent.consumer)

    def stop(self, parent: Any) -> None:
        """Do nothing: jobs that finish within the grace period still need their leases."""

    def _keep(self, parent: Any) -> None:
        from worker.keeper import Keeper  # noqa: PLC0415 - see `start`

        self._keeper = Keeper(list(parent.app.amqp.queues.consume_from), parent.concurrency, attended)
        self._keeper.run()

    def _stopping(self, how: str = "", **_kwargs: Any) -> None:
        if self._keeper is not None:
            self._keeper.stop_soon(at_once=how == "Cold")

    def _left(self, **_kwargs: Any) -> None:
        if self._keeper is not None:
            self._keeper.leave()


def connect_anew_if_deaf(consumer: Any) -> None:
    """Raise a lost connection, from Celery's own loop, where Redis went away just as a message was acknowledged.

    Celery logs that and goes on; the message counts as under way for ever, so that the worker never asks for another.
    """
    if consumer.task_consumer is None:
        return
    qos = consumer.task_consumer.channel.qos
    unsettled = len(qos._delivered) - len(qos._dirty)  # noqa: SLF001 - as kombu's own can_consume counts them
    if unsettled > len(state.reserved_requests):
        raise redis.ConnectionError("an acknowledgement was lost")


def attended() -> dict[str, int]:
    """Return the dispatch tokens (Celery's task ids) that children are busy with, each with its child's process id."""
    while True:
        try:
            active = list(state.active_requests)
        except RuntimeError:  # the main thread changed the set meanwhile; look again
            continue
        return {str(request.id): int(request.worker_pid) for request in active if request.worker_pid}
