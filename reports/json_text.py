"""Writes structured content as JSON that strict parsers read: sorted keys, finite numbers or null."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


def write_json(content: Any, path: Path) -> None:
    """Write content to a file as `json_text` gives it."""
    path.write_text(json_text(content), encoding="utf-8", newline="\n")


def json_text(content: Any) -> str:
    """Return content as indented JSON with sorted keys and a line end; the same content gives the same text.

    numpy values are taken as Python's, dates become ISO 8601, decimals strings, NaN and the infinities null.
    Raises TypeError for what JSON has no word for.
    """
    return json.dumps(plain(content), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Return a value in JSON's own types; see `json_text`."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray):
        value = list(value) if value.dtype.kind == "M" else value.tolist()
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value.astype("datetime64[D]"))
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dt.date | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a JSON document: {value!r:.80}")
