"""Who belonged to which sector, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.factors.columns import columns_of, days, unusable
from tasks.quant.as_of import valid_codes
from tasks.tables import read_columns, require_columns

if TYPE_CHECKING:
    from tasks.inputs import TableFile


def sectors(file: TableFile, dates: np.ndarray, symbols: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return (T, N) codes into the sectors' names, -1 for none, from `symbol, sector` with or without days.

    `valid_from` (or `date`) and `valid_to` are inclusive, null leaves that side open. Where no day is given the codes
    are one row, repeated without memory.
    """
    types = require_columns(file, "symbol", "sector")
    since = next((name for name in ("valid_from", "date") if name in types), None)
    until = "valid_to" if "valid_to" in types else None
    table = read_columns(file, [name for name in ("symbol", "sector", since, until) if name])
    column, known = columns_of(table["symbol"], symbols)
    known &= np.array([sector is not None for sector in table["sector"]], dtype=bool)
    if not known.any():
        raise unusable(file, f"{file.ref} gives no symbol of the prices a sector.")
    names, code = np.unique(table["sector"][known].astype(str), return_inverse=True)
    first, last = (_bound(file, name, table, known) for name in (since, until))
    column = column[known]
    if np.isnat(first).all() and np.isnat(last).all():
        row = np.full(len(symbols), -1, dtype=np.int64)
        row[column] = code
        return np.broadcast_to(row, (len(dates), len(symbols))), tuple(names.tolist())
    codes = valid_codes(dates, len(symbols), column=column, code=code, valid_from=first, valid_to=last)
    return codes, tuple(names.tolist())


def _bound(file: TableFile, name: str | None, table: dict[str, np.ndarray], known: np.ndarray) -> np.ndarray:
    if name is None:
        return np.full(np.count_nonzero(known), np.datetime64("NaT"), dtype="datetime64[D]")
    return np.asarray(days(file, name, table[name])[known])
