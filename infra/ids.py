"""Identifiers: a type's prefix and a time-ordered UUIDv7 in lower case."""

from __future__ import annotations

import os
import re
import time
import uuid
from typing import Final

PREFIXES: Final = frozenset(
    {
        "job",
        "ds",
        "upl",
        "key",
        "whk",
        "del",
        "pipe",
        "ord",
        "org",
        "usr",
        "exc",
        "sch",
        "rs",
        "fil",
        "rl",
    }
)
PATTERN: Final = re.compile(r"([a-z]{2,4})_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def uuid7(milliseconds: int, randomness: bytes) -> uuid.UUID:
    """Build a UUIDv7 (RFC 9562) from Unix milliseconds and ten random bytes."""
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(randomness[:10], "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def new_id(prefix: str) -> str:
    """Return a fresh identifier such as `job_0197…`."""
    if prefix not in PREFIXES:
        raise ValueError(f"{prefix!r} is not a known identifier prefix")
    return f"{prefix}_{uuid7(time.time_ns() // 1_000_000, os.urandom(10))}"


def is_id(text: str, prefix: str) -> bool:
    """Say whether a text is an identifier of the given type."""
    found = PATTERN.fullmatch(text)
    return found is not None and found.group(1) == prefix
