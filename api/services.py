"""What every endpoint may reach: one bundle per process, nothing opened before it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.limits import Limits
    from api.metrics import Metrics
    from api.waiting import Bell, Streams
    from infra.database import Database
    from infra.files import Files
    from infra.settings import Settings


@dataclass(frozen=True)
class Services:
    """The outside world as the front door knows it."""

    settings: Settings
    database: Database
    files: Files
    bell: Bell
    streams: Streams
    limits: Limits
    metrics: Metrics
