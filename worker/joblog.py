"""What a job logs, kept for its owner: bounded in lines and length, secrets removed, written with its progress."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from typing import TYPE_CHECKING, Final, Self

from infra.logs import redacted

if TYPE_CHECKING:
    from types import TracebackType

MAX_LINES: Final = 2000
MAX_LENGTH: Final = 2000

_LOGGERS: Final = tuple(logging.getLogger(name) for name in ("tasks", "reports", "worker.job"))

Line = tuple[dt.datetime, str, str]


class JobLog(logging.Handler):
    """Collects what the job's own code logs while it is entered; the platform's own lines are not its owner's."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: list[Line] = []
        self._taken = 0
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line; after the last that is kept, say once that the rest is not."""
        with self._guard:
            count = self._taken + len(self._lines)
            if count > MAX_LINES:
                return
            text = (
                redacted(record.getMessage())[:MAX_LENGTH] if count < MAX_LINES else "The rest of the log is not kept."
            )
            self._lines.append((dt.datetime.fromtimestamp(record.created, dt.UTC), record.levelname.lower(), text))

    def take(self) -> list[Line]:
        """Return the lines since the last call."""
        with self._guard:
            lines, self._lines = self._lines, []
            self._taken += len(lines)
            return lines

    def __enter__(self) -> Self:
        for logger in _LOGGERS:
            logger.addHandler(self)
            logger.setLevel(logging.INFO)  # what an owner may read does not hang on the operator's log level
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for logger in _LOGGERS:
            logger.removeHandler(self)
            logger.setLevel(logging.NOTSET)
