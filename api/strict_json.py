"""Reads a request's JSON strictly: what two readers could understand differently is refused, never guessed at."""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

from tasks.errors import Invalid, Malformed, Violation

DEPTH_MAX: Final = 32
DIGITS_MAX: Final = 400
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def parse(raw: bytes) -> Any:
    """Return the one JSON value in `raw`.

    Raises Malformed for what is not JSON in UTF-8, and Invalid for what is but can't be accepted: a key given twice,
    NaN or Infinity (also as an overflowing number), nesting deeper than 32, NUL or half a surrogate pair in a text.
    """
    try:
        value = json.loads(
            _text(raw),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except json.JSONDecodeError as error:
        raise Malformed(f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    if b"\\u" in raw:  # only an escape can bring in what UTF-8 itself can't hold
        _check_texts(value, "")
    return value


def _text(raw: bytes) -> str:
    if not raw.strip():
        raise Malformed("The body is empty; send one JSON object.")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"The body is not UTF-8: byte {error.start} can't be read.") from None
    if text.startswith("\ufeff"):
        raise Malformed("The body starts with a byte order mark; send UTF-8 without one.")
    if "\x00" in text:
        raise Malformed("The body holds a NUL byte; JSON in UTF-8 has none.")
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(None, Violation("", f"The key {twice[:80]!r} is given twice in one object; give it once."))
    return found


def _constant(name: str) -> Any:
    raise Invalid(None, Violation("", f"{name} is not a JSON number; give a finite number, or null for a missing one."))


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise Invalid(None, Violation("", f"The number {text[:40]} is too large for any field; give a finite number."))
    return number


def _int(text: str) -> int:
    if len(text) > DIGITS_MAX:
        raise Malformed(f"The body holds a whole number of {len(text)} digits; {DIGITS_MAX} is the most.")
    return int(text)


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, list | dict) else []
    for _ in range(DEPTH_MAX):
        if not level:
            return
        level = [
            child
            for container in level
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, list | dict)
        ]
    if level:
        raise _too_deep()


def _too_deep() -> Invalid:
    return Invalid(None, Violation("", f"The JSON is nested deeper than {DEPTH_MAX} levels."))


def _check_texts(value: Any, pointer: str) -> None:
    if isinstance(value, str) and _UNSTORABLE.search(value):
        raise Invalid(None, Violation(pointer, "The text holds a NUL or half of a surrogate pair; take it out."))
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_texts(name, pointer)
            _check_texts(inner, f"{pointer}/{name}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            _check_texts(inner, f"{pointer}/{place}")
