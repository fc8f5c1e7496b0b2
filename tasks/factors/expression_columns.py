"""Which columns expressions read, and which table each comes from. Light: submission asks the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tasks.quant.expression.check import expression
from tasks.quant.expression.fault import ExpressionFault
from tasks.quant.expression.operators import PRICE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

READS: Final = {"dollar_volume": "volume", "traded_volume": "volume"}  # where a column's name is not the table's
FROM_PRICES: Final = ("open", "high", "low", "volume")


def price_columns(factors: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the columns of the price table, beside the close, that a recipe's expressions read."""
    asked = [expression(factor["params"]["expression"]) for factor in factors if factor["name"] == "expression"]
    return {READS.get(name, name) for one in asked for name in one.columns} & set(FROM_PRICES)


def fault_of(text: str, *, fundamentals: bool, classifications: bool) -> str | None:
    """Return what an expression asks of tables that are not there, pointing at it, or None where it asks nothing."""
    asked = expression(text)
    elsewhere = [(at, name) for name, at in asked.columns.items() if name not in PRICE_COLUMNS]
    if elsewhere and not fundamentals:
        at, name = min(elsewhere)
        detail = (
            f"{name!r} is none of {', '.join(PRICE_COLUMNS)}; other columns come from fundamentals, not given here."
        )
        return str(ExpressionFault(text, at, detail))
    if asked.groups and not classifications:
        name, at = next(iter(asked.groups.items()))
        return str(ExpressionFault(text, at, f"{name!r} comes from classifications, which are not given here."))
    return None
