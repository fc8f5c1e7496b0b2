"""Reads the columns of tables that stand beside the prices, matched to the prices' symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.errors import DataUnusable, Violation

if TYPE_CHECKING:
    from tasks.inputs import TableFile


def columns_of(names: np.ndarray, symbols: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return each name's column among the symbols, -1 for none, and whether it has one."""
    place = {symbol: j for j, symbol in enumerate(symbols)}
    column = np.array([place.get(name, -1) for name in names.tolist()], dtype=np.int64)
    return column, column >= 0


def days(file: TableFile, name: str, values: np.ndarray) -> np.ndarray:
    """Return a column as days; an inline table's come as text."""
    try:
        return values.astype("datetime64[D]")
    except ValueError as error:
        raise unusable(file, f"column {name!r} of {file.ref} holds what is no date: {error}.") from None


def numbers(file: TableFile, name: str, values: np.ndarray) -> np.ndarray:
    """Return a column as float64, NaN for null."""
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise unusable(file, f"column {name!r} of {file.ref} holds what is no number: {error}.") from None


def unusable(file: TableFile, detail: str) -> DataUnusable:
    """Return the error to raise: the table's content is at fault, and the violation points at the table."""
    return DataUnusable(detail, Violation(file.pointer or "/params", detail))
