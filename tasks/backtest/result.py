"""The small JSON answer of a backtest; `kpis.json` says the convention of every number."""

from __future__ import annotations

from tasks.params import Params, fields


def number(text: str) -> fields.Float:
    """Return a described number that may be null."""
    return fields.Float(allow_none=True, metadata={"description": text})


class BacktestResult(Params):
    """The answer of a backtest."""

    start = fields.String(metadata={"description": "The first session: the initial capital in cash."})
    end = fields.String(metadata={"description": "The last session of the run."})
    sessions = fields.Integer(metadata={"description": "Sessions from start to end, both counted."})
    rebalances = fields.Integer(metadata={"description": "Rebalances that were executed."})
    trades = fields.Integer(metadata={"description": "Trades, corporate actions apart."})
    final_equity = number("Equity at the last close.")
    total_return = number("Final equity over initial capital, less one.")
    annual_return = number("Geometric.")
    annual_volatility = number("Standard deviation (ddof 1) of session returns, annualised.")
    sharpe = number("Mean excess return over its standard deviation, annualised.")
    sortino = number("Mean excess return over downside deviation, annualised.")
    calmar = number("Annual return over maximum drawdown.")
    max_drawdown = number("The deepest fall from a peak, as a negative fraction.")
    drawdown_dates = fields.Dict(metadata={"description": "peak, trough and recovery (null: not yet) of that fall."})
    hit_rate = number("The share of sessions with a positive return, among those with any.")
    skew = number("Skewness g1.")
    kurtosis = number("Excess kurtosis g2.")
    var_95 = number("Historical one-session value at risk, a positive loss.")
    es_95 = number("Historical one-session expected shortfall, a positive loss.")
    average_gross = number("Mean gross exposure.")
    maximum_gross = number("Largest gross exposure.")
    average_net = number("Mean net exposure.")
    maximum_net = number("Largest net exposure.")
    annual_turnover = number("One-way, a year, the initial build apart.")
    probabilistic_sharpe = number("Probability that the true Sharpe ratio is above zero.")
    deflated_sharpe = number("The same above the best of `trials` worthless variants.")
    costs = fields.Dict(
        metadata={"description": "commission, spread, impact, borrow, and interest on cash, in currency."}
    )
    benchmark = fields.Dict(
        allow_none=True,
        metadata={
            "description": "alpha, beta, tracking_error, information_ratio, up_capture, down_capture, annual_return."
        },
    )
    bankrupt_on = fields.String(
        allow_none=True, metadata={"description": "The session on which equity was gone and the run stopped, or null."}
    )
    notes = fields.List(
        fields.String(), metadata={"description": "What the reader must know: data lacking, trades cut."}
    )
