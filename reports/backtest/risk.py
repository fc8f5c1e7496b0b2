"""The tear sheet's charts of risk and exposure over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from reports.charts import Look, Series, bars_over_time, lines_over_time
from reports.flow import Block, Section
from reports.palette import BLUE, GREEN, ORANGE
from reports.scales import nice_digits
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.sheet import Sheet

WINDOWS: Final = (126, 63, 21)  # sessions: half a year, or what the run is long enough for
YEAR: Final = 252
SPANS: Final = ((1, "month"), (3, "quarter"), (12, "year"))
BARS_MOST: Final = 96


def over_time(content: Mapping[str, Any]) -> Section:
    """Return rolling Sharpe ratio and volatility."""
    equity = content["equity"]
    returns, periods = equity["return"], _periods(content)
    window = next((w for w in WINDOWS if len(returns) > 2 * w), WINDOWS[-1])
    mean, deviation = rolling(returns, window)
    with np.errstate(divide="ignore", invalid="ignore"):
        sharpe = np.where(deviation > 0, mean / deviation * np.sqrt(periods), np.nan)
    span = f"{window} sessions, annualised"
    upper = Look("Rolling Sharpe ratio", span, labels=nice_digits, mark=0.0, dates=False, ticks=5)
    lower = Look("Rolling volatility", f"%, {span}", ticks=5, floor=0.0)

    def draw(sheet: Sheet, box: Box) -> None:
        half = box.height / 2
        above = Box(box.left, box.bottom + half + 4, box.width, half - 4)
        lines_over_time(sheet, above, equity["date"], [Series("Sharpe", sharpe, colour=BLUE)], upper)
        below = Box(box.left, box.bottom, box.width, half)
        volatility = [Series("Volatility", deviation * np.sqrt(periods), colour=ORANGE)]
        lines_over_time(sheet, below, equity["date"], volatility, lower)

    return Section("Risk over time", [Block(236.0, draw)])


def exposure(content: Mapping[str, Any]) -> Section:
    """Return gross and net exposure, and turnover by month, quarter or year."""
    equity = content["equity"]
    middles, turnover, span = by_period(equity["date"], equity["turnover"])
    lines = [Series("Gross", equity["gross"], colour=BLUE), Series("Net", equity["net"], colour=GREEN)]
    upper = Look("Exposure", "% of equity at the close", floor=0.0, mark=0.0, dates=False, ticks=5)
    lower = Look("Turnover", f"% of equity traded each {span}, one-way", ticks=5)

    def draw(sheet: Sheet, box: Box) -> None:
        half = box.height / 2
        above = Box(box.left, box.bottom + half + 4, box.width, half - 4)
        lines_over_time(sheet, above, equity["date"], lines, upper)
        bars_over_time(sheet, Box(box.left, box.bottom, box.width, half), middles, turnover, lower)

    return Section("Exposure and turnover", [Block(236.0, draw)])


def rolling(returns: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and sample deviation (ddof 1) of each stretch of `window` returns, NaN until it is full.

    A stretch that holds a NaN has none: the first return of a run is one.
    """
    mean, deviation = np.full(len(returns), np.nan), np.full(len(returns), np.nan)
    if len(returns) >= window:
        stretches = np.lib.stride_tricks.sliding_window_view(returns, window)
        mean[window - 1 :] = stretches.mean(axis=1)
        deviation[window - 1 :] = stretches.std(axis=1, ddof=1)
    return mean, deviation


def by_period(dates: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Return the middle of each month, quarter or year, the sum of its values, and which of the three it is.

    The period is the shortest that makes at most `BARS_MOST` bars. NaN counts as nothing.
    """
    month = dates.astype("datetime64[M]").astype(np.int64)
    months, span = next((m, s) for m, s in SPANS if m == SPANS[-1][0] or np.ptp(month) // m < BARS_MOST)
    period = month // months
    starts = np.flatnonzero(np.r_[True, period[1:] != period[:-1]])
    first = (period[starts] * months).astype("datetime64[M]").astype("datetime64[D]")
    return first + np.timedelta64(15 * months, "D"), np.add.reduceat(np.nan_to_num(values), starts), span


def _periods(content: Mapping[str, Any]) -> float:
    """Return the sessions in a year that the statistics were annualised with."""
    return next((float(kpi["periods_per_year"]) for kpi in content["kpis"] if kpi.get("periods_per_year")), float(YEAR))
