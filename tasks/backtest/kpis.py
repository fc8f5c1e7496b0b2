"""Every statistic of a run with the convention it follows: the one list behind result, kpis.json and tear sheet."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.quant import sharpe_ratios
from tasks.quant import statistics as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.backtest.tables import Run


@dataclass(frozen=True)
class Statistic:
    """One number and how to read it; `value` is None where it has none."""

    name: str
    label: str
    value: float | None
    format: str
    group: str
    convention: str
    ddof: int | None = None
    periods_per_year: float | None = None
    n: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def statistics(run: Run, params: Mapping[str, Any]) -> list[Statistic]:
    """Return all statistics of a run, in reading order."""
    r, periods = run.returns, params["periods_per_year"]
    risk_free = (1.0 + params["risk_free"]) ** (1.0 / periods) - 1.0
    found = [*_returns(r, periods), *_ratios(r, periods, risk_free), *_shape(r), *_exposure(run)]
    found += [*_trading(run, periods), *_belief(r, periods, risk_free, params["trials"])]
    level = run.benchmark_level
    if level is not None:
        b = level[1:] / level[:-1] - 1.0
        both = np.isfinite(b)
        found += _against(r[both], b[both], periods, risk_free)
    return found


def _returns(r: np.ndarray, periods: float) -> list[Statistic]:
    n = len(r)
    return [
        Statistic("total_return", "Total return", known(st.total_return(r)), "percent", "return", "∏(1+r) - 1", n=n),
        Statistic(
            "annual_return",
            "Annual return",
            known(st.annual_return(r, periods)),
            "percent",
            "return",
            "geometric: ∏(1+r)^(periods/n) - 1",
            None,
            periods,
            n,
        ),
        Statistic(
            "annual_volatility",
            "Annual volatility",
            known(st.volatility(r, periods)),
            "percent",
            "risk",
            "standard deviation · √periods",
            1,
            periods,
            n,
        ),
        Statistic(
            "max_drawdown",
            "Maximum drawdown",
            known(st.max_drawdown(r)),
            "percent",
            "risk",
            "equity over its running peak - 1; starting capital is a peak",
            n=n,
        ),
    ]


def _ratios(r: np.ndarray, periods: float, risk_free: float) -> list[Statistic]:
    n = len(r)
    rows = [
        ("sharpe", "Sharpe ratio", st.sharpe(r, periods, risk_free), "mean excess / standard deviation · √periods", 1),
        (
            "sortino",
            "Sortino ratio",
            st.sortino(r, periods, risk_free),
            "mean excess / √(Σ min(r-rf,0)²/n) · √periods",
            0,
        ),
        (
            "calmar",
            "Calmar ratio",
            st.calmar(r, periods),
            "geometric annual return / maximum drawdown, whole run",
            None,
        ),
        ("omega", "Omega ratio", st.omega(r), "Σ max(r,0) / Σ max(-r,0)", None),
        ("martin", "Martin ratio", st.martin_ratio(r, periods), "geometric annual return / ulcer index", None),
    ]
    return [
        Statistic(name, label, known(value), "ratio", "risk", convention, ddof, periods, n)
        for name, label, value, convention, ddof in rows
    ]


def _shape(r: np.ndarray) -> list[Statistic]:
    n = len(r)
    rows = [
        ("hit_rate", "Hit rate", st.hit_rate(r), "percent", "positive sessions / sessions with a return", None),
        ("skew", "Skewness", st.skewness(r), "ratio", "g1, population moments", 0),
        ("kurtosis", "Excess kurtosis", st.excess_kurtosis(r), "ratio", "g2, population moments, normal = 0", 0),
        ("var_95", "VaR 95 %, one session", st.value_at_risk(r), "percent", "historical, type 7; loss positive", None),
        (
            "es_95",
            "ES 95 %, one session",
            st.expected_shortfall(r),
            "percent",
            "historical, Rockafellar-Uryasev; loss positive",
            None,
        ),
        ("ulcer_index", "Ulcer index", st.ulcer_index(r), "percent", "root mean square drawdown", None),
    ]
    return [
        Statistic(name, label, known(value), form, "risk", convention, ddof, None, n)
        for name, label, value, form, convention, ddof in rows
    ]


def _exposure(run: Run) -> list[Statistic]:
    """Return gross and net over equity, from the first trade on."""
    begun = slice(run.ledger.baskets[0].row - run.ledger.first, None)
    equity = run.ledger["equity"][begun]
    gross, net = run.ledger["gross"][begun] / equity, run.ledger["net"][begun] / equity
    rows = [
        ("average_gross", "Average gross", gross.mean(), "mean"),
        ("maximum_gross", "Maximum gross", gross.max(), "maximum"),
        ("average_net", "Average net", net.mean(), "mean"),
        ("maximum_net", "Maximum net", net.max(), "maximum"),
    ]
    return [
        Statistic(
            name,
            label,
            known(float(value)),
            "percent",
            "exposure",
            f"{how} over the closes from the first trade on, of equity",
            n=len(equity),
        )
        for name, label, value, how in rows
    ]


def _trading(run: Run, periods: float) -> list[Statistic]:
    turnover = run.ledger["turnover"]
    build = run.ledger.baskets[0].row - run.ledger.first
    after = float(turnover[build + 1 :].sum())
    sessions = len(turnover) - 1 - build
    annual = after * periods / sessions if sessions else math.nan
    found = [
        Statistic(
            "annual_turnover",
            "Annual turnover, one-way",
            known(annual),
            "percent",
            "trading",
            "½ Σ|trade| / equity before it, a year; the initial build apart",
            None,
            periods,
            sessions,
        ),
        Statistic(
            "initial_turnover",
            "Initial build, one-way",
            known(float(turnover[build])),
            "percent",
            "trading",
            "½ Σ|trade| / equity of the first basket",
            n=1,
        ),
    ]
    for name in ("commission", "spread", "impact", "borrow", "interest", "dividends"):
        label = {"interest": "Interest on cash", "dividends": "Dividends in cash"}.get(name, name.capitalize())
        amount = float(run.ledger[name].sum())
        found.append(
            Statistic(name, label, amount, "money", "trading", "sum over the run, in currency", n=len(turnover))
        )
    return found


def _belief(r: np.ndarray, periods: float, risk_free: float, trials: int) -> list[Statistic]:
    n = len(r)
    ratio = st.sharpe(r, 1.0, risk_free)
    skew, kurtosis = st.skewness(r), st.excess_kurtosis(r) + 3.0
    variance = 1.0 / (n - 1) if n > 1 else math.nan
    hurdle = sharpe_ratios.expected_best(trials, variance)
    return [
        Statistic(
            "probabilistic_sharpe",
            "Probabilistic Sharpe",
            known(sharpe_ratios.probabilistic_sharpe(ratio, 0.0, skew, kurtosis, n)),
            "percent",
            "return",
            "P(true Sharpe > 0), Bailey and López de Prado 2012",
            1,
            periods,
            n,
        ),
        Statistic(
            "deflated_sharpe",
            "Deflated Sharpe",
            known(sharpe_ratios.probabilistic_sharpe(ratio, hurdle, skew, kurtosis, n)),
            "percent",
            "return",
            f"P(true Sharpe > the best of {trials} worthless trials), trials' variance 1/(n-1)",
            1,
            periods,
            n,
        ),
    ]


def _against(r: np.ndarray, b: np.ndarray, periods: float, risk_free: float) -> list[Statistic]:
    n = len(r)
    rows = [
        ("benchmark_return", "Benchmark, annual", st.annual_return(b, periods), "percent", "geometric", None),
        ("alpha", "Alpha", st.alpha(r, b, periods, risk_free), "percent", "Jensen, arithmetic: mean · periods", None),
        ("beta", "Beta", st.beta(r, b), "ratio", "cov(r, b) / var(b)", 1),
        ("tracking_error", "Tracking error", st.tracking_error(r, b, periods), "percent", "of r - b, · √periods", 1),
        (
            "information_ratio",
            "Information ratio",
            st.information_ratio(r, b, periods),
            "ratio",
            "arithmetic mean active return, annual / tracking error",
            1,
        ),
        ("up_capture", "Up capture", st.capture(r, b, periods, up=True), "percent", "geometric annual, b > 0", None),
        (
            "down_capture",
            "Down capture",
            st.capture(r, b, periods, up=False),
            "percent",
            "geometric annual, b < 0",
            None,
        ),
    ]
    return [
        Statistic(name, label, known(value), form, "benchmark", convention, ddof, periods, n)
        for name, label, value, form, convention, ddof in rows
    ]


def known(value: float) -> float | None:
    """Return a number as JSON can hold it: None for what is not finite."""
    return value if math.isfinite(value) else None
