"""Every statistic of a run with the convention it follows: the one list behind result, kpis.json and tear sheet."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.quant import sharpe_ratios
from tasks.quant import statistics as st

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
    ddof: int | None
    periods_per_year: float | None
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Sample:
    """What statistics are computed from: returns, one a session, and the exposure and trading from the first trade on.

    `b` are the benchmark's returns, or None; where it has none yet, both series leave the session out.
    """

    r: np.ndarray
    b: np.ndarray | None
    periods: float
    risk_free: float  # a session
    trials: int
    gross: np.ndarray
    net: np.ndarray
    turnover: np.ndarray  # the first is the initial build
    totals: Mapping[str, float]

    @property
    def active(self) -> tuple[np.ndarray, np.ndarray]:
        """The portfolio's and the benchmark's returns on the sessions that both have."""
        assert self.b is not None
        both = np.isfinite(self.b)
        return self.r[both], self.b[both]


@dataclass(frozen=True)
class Definition:
    """How one statistic is computed, shown and explained; `of` names what its n counts."""

    name: str
    label: str
    format: str
    group: str
    convention: str
    compute: Callable[[Sample], float]
    ddof: int | None = None
    annual: bool = False
    of: str = "r"

    def on(self, sample: Sample) -> Statistic:
        """Return the statistic of a sample."""
        value = float(self.compute(sample))
        n = len(sample.active[0]) if self.of == "b" else len(getattr(sample, self.of))
        periods = sample.periods if self.annual else None
        shown = value if math.isfinite(value) else None
        return Statistic(self.name, self.label, shown, self.format, self.group, self.convention, self.ddof, periods, n)


def statistics(run: Run, params: Mapping[str, Any]) -> list[Statistic]:
    """Return all statistics of a run, in reading order."""
    sample = sampled(run, params)
    against = AGAINST if sample.b is not None else ()
    return [definition.on(sample) for definition in (*DEFINITIONS, *against)]


def sampled(run: Run, params: Mapping[str, Any]) -> Sample:
    """Return what a run's statistics are computed from."""
    begun = slice(run.ledger.baskets[0].row - run.ledger.first, None)
    level, periods = run.benchmark_level, params["periods_per_year"]
    equity = run.ledger["equity"][begun]
    alive = equity > 0.0  # on a bankrupt's last session exposure is no share of anything
    return Sample(
        r=run.returns,
        b=None if level is None else level[1:] / level[:-1] - 1.0,
        periods=periods,
        risk_free=(1.0 + params["risk_free"]) ** (1.0 / periods) - 1.0,
        trials=params["trials"],
        gross=run.ledger["gross"][begun][alive] / equity[alive],
        net=run.ledger["net"][begun][alive] / equity[alive],
        turnover=run.ledger["turnover"][begun],
        totals={name: float(run.ledger[name].sum()) for name in AMOUNTS},
    )


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else math.nan


def _total(name: str) -> Callable[[Sample], float]:
    return lambda s: s.totals[name]


def _turnover(s: Sample) -> float:
    after = s.turnover[1:]
    return float(after.sum()) * s.periods / len(after) if len(after) else math.nan


def _believed(s: Sample, trials: int) -> float:
    """Return the probability that the true Sharpe ratio beats the best of so many worthless trials."""
    n = len(s.r)
    if n < 2:  # noqa: PLR2004 - one return has no deviation
        return math.nan
    hurdle = sharpe_ratios.expected_best(trials, 1.0 / (n - 1))
    kurtosis = st.excess_kurtosis(s.r) + 3.0
    return sharpe_ratios.probabilistic_sharpe(st.sharpe(s.r, 1.0, s.risk_free), hurdle, st.skewness(s.r), kurtosis, n)


AMOUNTS: Final = {
    "commission": "Commission",
    "spread": "Spread",
    "impact": "Impact",
    "borrow": "Borrow",
    "interest": "Interest on cash",
    "dividends": "Dividends in cash",
}
_EXPOSED: Final = "over the closes from the first trade on, of equity"

DEFINITIONS: Final = (
    Definition("total_return", "Total return", "percent", "return", "∏(1+r) - 1", lambda s: st.total_return(s.r)),
    Definition(
        "annual_return", "Annual return", "percent", "return", "geometric: ∏(1+r)^(periods/n) - 1",
        lambda s: st.annual_return(s.r, s.periods), annual=True,
    ),
    Definition(
        "annual_volatility", "Annual volatility", "percent", "risk", "standard deviation · √periods",
        lambda s: st.volatility(s.r, s.periods), ddof=1, annual=True,
    ),
    Definition(
        "max_drawdown", "Maximum drawdown", "percent", "risk",
        "equity over its running peak - 1; starting capital is a peak", lambda s: st.max_drawdown(s.r),
    ),
    Definition(
        "sharpe", "Sharpe ratio", "ratio", "risk", "mean excess / standard deviation · √periods",
        lambda s: st.sharpe(s.r, s.periods, s.risk_free), ddof=1, annual=True,
    ),
    Definition(
        "sortino", "Sortino ratio", "ratio", "risk", "mean excess / √(Σ min(r - rf, 0)²/n) · √periods",
        lambda s: st.sortino(s.r, s.periods, s.risk_free), ddof=0, annual=True,
    ),
    Definition(
        "calmar", "Calmar ratio", "ratio", "risk", "geometric annual return / maximum drawdown, whole run",
        lambda s: st.calmar(s.r, s.periods), annual=True,
    ),
    Definition("omega", "Omega ratio", "ratio", "risk", "Σ max(r, 0) / Σ max(-r, 0)", lambda s: st.omega(s.r)),
    Definition(
        "martin", "Martin ratio", "ratio", "risk", "geometric annual return / ulcer index",
        lambda s: st.martin_ratio(s.r, s.periods), annual=True,
    ),
    Definition(
        "ulcer_index", "Ulcer index", "percent", "risk", "root mean square drawdown", lambda s: st.ulcer_index(s.r)
    ),
    Definition(
        "hit_rate", "Hit rate", "percent", "risk", "positive sessions / sessions with a return",
        lambda s: st.hit_rate(s.r),
    ),
    Definition("skew", "Skewness", "ratio", "risk", "g1, population moments", lambda s: st.skewness(s.r), ddof=0),
    Definition(
        "kurtosis", "Excess kurtosis", "ratio", "risk", "g2, population moments; normal = 0",
        lambda s: st.excess_kurtosis(s.r), ddof=0,
    ),
    Definition(
        "var_95", "VaR 95 %, one session", "percent", "risk", "historical, quantile of type 7; a loss is positive",
        lambda s: st.value_at_risk(s.r),
    ),
    Definition(
        "es_95", "ES 95 %, one session", "percent", "risk", "historical, Rockafellar-Uryasev; a loss is positive",
        lambda s: st.expected_shortfall(s.r),
    ),
    Definition(
        "probabilistic_sharpe", "Probabilistic Sharpe", "percent", "return",
        "P(true Sharpe > 0), Bailey and López de Prado 2012", lambda s: _believed(s, 1), ddof=1,
    ),
    Definition(
        "deflated_sharpe", "Deflated Sharpe", "percent", "return",
        "P(true Sharpe > the best of so many worthless trials), their variance taken as 1/(n-1)",
        lambda s: _believed(s, s.trials), ddof=1,
    ),
    Definition(
        "average_gross", "Average gross", "percent", "exposure", f"mean {_EXPOSED}", lambda s: _mean(s.gross),
        of="gross",
    ),
    Definition(
        "maximum_gross", "Maximum gross", "percent", "exposure", f"maximum {_EXPOSED}",
        lambda s: s.gross.max(initial=-math.inf), of="gross",
    ),
    Definition(
        "average_net", "Average net", "percent", "exposure", f"mean {_EXPOSED}", lambda s: _mean(s.net),
        of="net",
    ),
    Definition(
        "maximum_net", "Maximum net", "percent", "exposure", f"maximum {_EXPOSED}",
        lambda s: s.net.max(initial=-math.inf), of="net",
    ),
    Definition(
        "annual_turnover", "Annual turnover, one-way", "percent", "trading",
        "½ Σ|trade| / equity before it, a year; the initial build apart", _turnover, annual=True, of="turnover",
    ),
    Definition(
        "initial_turnover", "Initial build, one-way", "percent", "trading",
        "½ Σ|trade| / equity of the first basket", lambda s: s.turnover[0], of="turnover",
    ),
    *(
        Definition(name, label, "money", "trading", "sum over the run, in currency", _total(name))
        for name, label in AMOUNTS.items()
    ),
)  # fmt: skip

AGAINST: Final = (
    Definition(
        "benchmark_return", "Benchmark, annual return", "percent", "benchmark", "geometric: ∏(1+b)^(periods/n) - 1",
        lambda s: st.annual_return(s.active[1], s.periods), annual=True, of="b",
    ),
    Definition(
        "alpha", "Alpha", "percent", "benchmark", "Jensen, arithmetic: mean of (r - rf) - β (b - rf), · periods",
        lambda s: st.alpha(*s.active, s.periods, s.risk_free), annual=True, of="b",
    ),
    Definition(
        "beta", "Beta", "ratio", "benchmark", "cov(r, b) / var(b)", lambda s: st.beta(*s.active), ddof=1, of="b"
    ),
    Definition(
        "tracking_error", "Tracking error", "percent", "benchmark", "standard deviation of r - b, · √periods",
        lambda s: st.tracking_error(*s.active, s.periods), ddof=1, annual=True, of="b",
    ),
    Definition(
        "information_ratio", "Information ratio", "ratio", "benchmark",
        "arithmetic: mean of r - b, · periods / tracking error",
        lambda s: st.information_ratio(*s.active, s.periods), ddof=1, annual=True, of="b",
    ),
    Definition(
        "up_capture", "Up capture", "percent", "benchmark", "geometric annual returns' ratio where b > 0",
        lambda s: st.capture(*s.active, s.periods, up=True), annual=True, of="b",
    ),
    Definition(
        "down_capture", "Down capture", "percent", "benchmark", "geometric annual returns' ratio where b < 0",
        lambda s: st.capture(*s.active, s.periods, up=False), annual=True, of="b",
    ),
)  # fmt: skip
