"""Fires what schedules are due; any number of dispatchers may, each tick is submitted once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from infra import schedules
from tasks.errors import FloorError

if TYPE_CHECKING:
    import datetime as dt

    from infra.database import Database

log = logging.getLogger(__name__)


def fire_due(database: Database, now: dt.datetime) -> int:
    """Submit every tick that has come by `now` and return how many; one schedule's trouble does not hold up others."""
    with database.system() as connection:
        waiting = schedules.due(connection, now)
    fired = 0
    for row in waiting:
        try:
            fired += schedules.fire(database, row["org_id"], row["id"], now)
        except FloorError as error:
            log.warning("schedule %s is tried again: %s", row["id"], error.detail)
        except Exception:
            log.exception("schedule %s is tried again", row["id"])
    return fired
