"""Logs: one JSON object a line, carrying request, job and trace ids, and never a secret."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

REMOVED: Final = "[removed]"
# What a secret looks like wherever it turns up: our keys, webhook secrets, logins in addresses, signatures, headers.
SECRETS: Final = (
    (re.compile(r"(floor_[0-9A-Za-z]{6,64}_)[0-9A-Za-z]{16,}"), r"\1" + REMOVED),
    (re.compile(r"(whsec_)[0-9A-Za-z+/=_-]{8,}"), r"\1" + REMOVED),
    (re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)"), r"\1" + REMOVED),
    (
        re.compile(r"(?i)((?:X-Amz-(?:Signature|Credential|Security-Token)|AWSAccessKeyId|Signature)=)[^&\s\"']+"),
        r"\1" + REMOVED,
    ),
    (re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic)?\s*)[^\s\"',}]+"), r"\1" + REMOVED),
    (re.compile(r"(?i)(\bbearer\s+)[0-9A-Za-z._~+/=-]{8,}"), r"\1" + REMOVED),
    (
        re.compile(
            r"(?i)(\b(?:password|passwd|secret|secret_key|access_key|token|api_key)[\"']?\s*[:=]\s*[\"']?)[^\s\"',}&]+"
        ),
        r"\1" + REMOVED,
    ),
)
OWN: Final = frozenset({*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "color_message"})

_context: ContextVar[dict[str, str] | None] = ContextVar("floor_log_context", default=None)


@contextmanager
def bound(**ids: str | None) -> Iterator[None]:
    """Put ids (`request_id`, `job_id`, `trace_id`, …) on every line logged inside."""
    merged = (_context.get() or {}) | {name: value for name, value in ids.items() if value is not None}
    token = _context.set(merged)
    try:
        yield
    finally:
        _context.reset(token)


def redacted(text: str) -> str:
    """Return a text with every secret that it may hold removed."""
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return text


# Foreign loggers of which only warnings are wanted; Celery's two say of every message that it came and that it went.
NOISY: Final = (
    *("botocore", "boto3", "urllib3", "s3transfer", "httpx", "httpcore", "kombu", "amqp"),
    *("celery.app.trace", "celery.worker.strategy"),
)


class Lines(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what was passed as `extra` stands beside the message."""
        line: dict[str, Any] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
        }
        line |= _context.get() or {}
        line |= {name: _plain(value) for name, value in vars(record).items() if name not in OWN}
        if record.exc_info:
            line["exception"] = redacted(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float) or value is None else redacted(str(value))


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every logger of this process to one stream as JSON lines; safe to call again."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.captureWarnings(capture=True)
