"""Field types that only requests have: numbers and times written in a query, tags, addresses."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any, Final
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

from tasks.params import Text, Whole, shown

_MOMENT: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-](0\d|1[0-3]):[0-5]\d|[+-]14:00)", re.ASCII
)
_DIGITS: Final = re.compile(r"-?\d{1,18}", re.ASCII)


class Count(Whole):
    """A whole number written in a query."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> int:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise ValidationError(f"{shown(value)} is not a whole number.")
        return super()._deserialize(int(value), *args, **kwargs)


class Moment(fields.String):
    """A time in RFC 3339 with its zone; loaded as an aware datetime."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"format": "date-time", **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            try:
                found = dt.datetime.fromisoformat(value.upper())
                found.astimezone(dt.UTC)
            except (ValueError, OverflowError):
                raise ValidationError(f"{shown(value)} is not a time of the calendar.") from None
            if 1900 <= found.year < 2200:  # noqa: PLR2004 - the same limits as Day's
                return found
        raise ValidationError(f"{shown(value)} is not a time with its zone; write 2026-01-31T09:30:00Z.")


class Address(Text):
    """An http or https address without a user name or password in it; whether it may be called is asked later."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, *args, **kwargs)
        try:
            parts = urlsplit(text)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
            _ = parts.port
        except ValueError:
            good = False
        if not good or not text.isascii() or " " in text:
            raise ValidationError(f"{shown(value)} is not an address such as https://example.com/hook.")
        return text
