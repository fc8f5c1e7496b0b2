"""Celery's connection to Redis, made to survive whatever lies in a queue: what no one can read is logged and dropped.

Left to itself kombu lets one entry that is not JSON, or not a message, end the whole worker, and the next entry the
next one. A message is a hint only: the job it should have rung for is rung for again.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import redis
from kombu.transport.redis import Channel, Transport

UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError, redis.DataError)

log = logging.getLogger(__name__)


class PatientChannel(Channel):
    """A channel that drops an entry it can't read."""

    def _brpop_read(self, **options: Any) -> Any:
        before = set(self.qos._delivered)  # noqa: SLF001 - what is under way, as kombu keeps it
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]  # kombu has no types
        except UNREADABLE as error:
            log.warning("an entry of a queue is no message and was dropped: %r", error)
            for tag in set(self.qos._delivered) - before:  # noqa: SLF001 - else it would come again and again
                self.qos.ack(tag)
            return True


class PatientTransport(Transport):
    """Redis, with patient channels."""

    Channel = PatientChannel
