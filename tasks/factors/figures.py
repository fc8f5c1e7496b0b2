"""Composite factors: which company figures make up value, quality and growth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.factors.columns import unusable
from tasks.factors.factor_params import GROWTH_PARTS, QUALITY_PARTS, VALUE_PARTS
from tasks.quant.composite import composite, growth, lagged, ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.factors.fundamentals import Fundamentals
    from tasks.factors.market import Market

PARTS = {"value": VALUE_PARTS, "quality": QUALITY_PARTS, "growth": GROWTH_PARTS}


def published(market: Market) -> Fundamentals:
    """Return the fundamentals, which the declaration saw to it were asked for."""
    assert market.fundamentals is not None
    return market.fundamentals


def composite_values(
    market: Market, name: str, params: Mapping[str, Any], rows: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a composite on the given rows (D, N), NaN for non-members, and the parts it is made of."""
    known = published(market)
    parts = tuple(params["parts"] or _offered(known, name))
    made = []
    for part in parts:
        panel = _part(known, name, part, params)[rows]
        panel[~market.members[rows]] = np.nan
        made.append(panel)
    return composite(made, params["min_coverage"]), parts


def _offered(known: Fundamentals, name: str) -> list[str]:
    parts = [part for part, columns in PARTS[name].items() if all(known.has(column) for column in columns)]
    if not parts:
        wanted = "; ".join(f"{part}: {', '.join(columns)}" for part, columns in PARTS[name].items())
        raise unusable(known.file, f"{known.file.ref} has the columns of no part of {name!r} ({wanted}).")
    return parts


def _part(known: Fundamentals, name: str, part: str, params: Mapping[str, Any]) -> np.ndarray:
    figures = [known.figure(column) for column in PARTS[name][part]]
    if name == "quality":
        return _quality(part, figures)
    if name == "growth":
        before = lagged(figures[0], params["lookback"])
        return growth(figures[0], before) if part == "sales" else ratio(figures[0] - before, known.caps())
    amount = np.where(figures[0] > 0.0, figures[0], np.nan) if part == "book" else figures[0]
    return ratio(amount, known.caps())


def _quality(part: str, figures: list[np.ndarray]) -> np.ndarray:
    """Return one part of quality; accruals and leverage are turned round, so that less of them is better."""
    if part == "accruals":
        net_income, cash_flow, assets = figures
        return ratio(cash_flow - net_income, assets)
    found = ratio(*figures)
    return -found if part == "leverage" else found
