"""Turns a signal or weights into a plan: which sessions decide, what each decides, and when it is traded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.errors import DataUnusable, Violation
from tasks.quant.construction import Rule, target_weights
from tasks.quant.costs import liquidity, trailing_std
from tasks.quant.ledger import Plan
from tasks.quant.rebalance import schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.backtest.gather import Material
    from tasks.backtest.reading import Dated

MINIMUM_VOLATILITY_SESSIONS = 5


@dataclass(frozen=True)
class Decisions:
    """Sessions that decide, (K,) rows of the market, and the row of the source each of them sees.

    `blind`: rows of scheduled sessions that see nothing recent enough, and so decide nothing.
    """

    rows: np.ndarray
    sources: np.ndarray
    blind: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def kept(self, keep: np.ndarray) -> Decisions:
        """Return those that a mask keeps."""
        return Decisions(self.rows[keep], self.sources[keep], self.blind)


def decisions(params: Mapping[str, Any], sessions: np.ndarray, source: Dated) -> Decisions:
    """Return the deciding sessions: each sees the source's latest date, if that is not after it and not too old.

    With rebalance `table` each of the source's dates decides, at the last session up to it (plus the offset): what is
    dated on a weekend is traded after it.
    """
    offset, lag = params["rebalance_offset_days"], params["execution_lag_days"]
    if params["rebalance"] == "table":
        rows = np.searchsorted(sessions, source.dates, side="right") - 1 + offset
        last_of_row = np.append(rows[1:] != rows[:-1], True)
        found = Decisions(rows, np.arange(len(rows))).kept(last_of_row & (rows >= offset))
    else:
        rows = schedule(sessions, params["rebalance"], offset)
        found = Decisions(rows, np.searchsorted(source.dates, sessions[rows], side="right") - 1)
        found = found.kept(found.sources >= 0)
        recent = (sessions[found.rows] - source.dates[found.sources]).astype(np.int64) <= params["signal_max_age_days"]
        found = Decisions(found.rows[recent], found.sources[recent], found.rows[~recent])
    return found.kept(found.rows + lag < len(sessions))


def window(params: Mapping[str, Any], sessions: np.ndarray, found: Decisions) -> tuple[int, int, Decisions]:
    """Return the first and last row of the run, and the decisions whose trades fall inside."""
    last = len(sessions) - 1
    if params["end"] is not None:
        last = int(np.searchsorted(sessions, np.datetime64(params["end"]), side="right")) - 1
    first = int(found.rows[0]) if len(found.rows) else 0
    if params["start"] is not None:
        first = int(np.searchsorted(sessions, np.datetime64(params["start"]), side="left"))
    inside = found.kept((found.rows >= first) & (found.rows + params["execution_lag_days"] <= last))
    if not len(inside.rows):
        detail = (
            f"No rebalance can be traded between {sessions[0]} and {sessions[max(last, 0)]}: no signal or weights are "
            "known early enough. Check the dates of the tables, start, end and signal_max_age_days."
        )
        raise DataUnusable(detail, Violation("/params", detail))
    return first, last, inside


def plan(params: Mapping[str, Any], found: Decisions, material: Material) -> Plan:
    """Return the decisions as trades `execution_lag_days` sessions later, with what liquidity was known before each.

    Decisions with too few scored and priced names to hold are left out.
    """
    weights = _weights(params["construction"], found, material)
    decided = ~np.isnan(weights).any(axis=1)
    rows = found.rows[decided] + params["execution_lag_days"]
    known = None
    if material.traded is not None and material.returns is not None:
        known = liquidity(material.returns, material.traded, rows, params["adv_window"])
    return Plan(rows, np.ascontiguousarray(weights[decided]), known, params["max_adv_participation"])


def _weights(construction: Mapping[str, Any], found: Decisions, material: Material) -> np.ndarray:
    """Return what each decision wants to hold, (K, N); a row of NaN where there is nothing to decide on."""
    values = material.source.values[found.sources]
    member = _members(material.members, material.market.dates[found.rows], values.shape)
    if construction["type"] == "weights":
        return np.where(member, np.nan_to_num(values), 0.0)
    priced = material.market.absent[found.rows] == 0
    volatility = None
    if construction["weighting"] == "inverse_volatility":
        assert material.returns is not None
        size = construction["volatility_window"]
        volatility = trailing_std(material.returns, found.rows + 1, size, MINIMUM_VOLATILITY_SESSIONS)
    return target_weights(np.where(member & priced, values, np.nan), _rule(construction), volatility)


def _members(members: Dated | None, days: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return who may be held on each of the days: the latest membership up to it; before the first, nobody."""
    if members is None:
        return np.ones(shape, dtype=bool)
    place = np.searchsorted(members.dates, days, side="right") - 1
    return np.asarray(np.isfinite(members.values[np.maximum(place, 0)]) & (place >= 0)[:, None])


def _rule(construction: Mapping[str, Any]) -> Rule:
    return Rule(
        type=construction["type"],
        quantile=construction["quantile"],
        top_n=construction["top_n"],
        weighting=construction["weighting"],
        gross=construction["gross"],
        net=construction["net"],
        max_weight=construction["max_weight"],
    )
