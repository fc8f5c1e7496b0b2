"""What may be asked of a backtest. Plain JSON values in and out; nothing numerical is imported here."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from tasks.params import (
    Choice,
    Day,
    Money,
    Number,
    Params,
    TableRef,
    TextOrTable,
    Whole,
    bad,
    fields,
    section,
)


def described(text: str) -> dict[str, str]:
    """Return field metadata with a description, as JSON Schema and the catalogue show it."""
    return {"description": text}


class Construction(Params):
    """How scores become target weights."""

    type = Choice(
        ("quantile_long_only", "quantile_long_short", "score_weighted", "top_n", "weights"),
        not_yet=("optimize",),
        load_default=None,
        allow_none=True,
        metadata=described("How scores become weights; `weights` (the default with a weights table) takes them as is."),
    )
    quantile = Number(
        above=0,
        maximum=0.5,
        load_default=0.2,
        metadata=described(
            "The share of the names held on each side, for the quantile types; rounded down, never none."
        ),
    )
    top_n = Whole(minimum=1, maximum=100_000, load_default=50, metadata=described("How many names `top_n` holds."))
    weighting = Choice(
        ("equal", "score", "inverse_volatility"),
        load_default="equal",
        metadata=described("Weights inside a leg: equal, by distance of the score from the mean, or 1/volatility."),
    )
    gross = Number(
        above=0,
        maximum=20,
        load_default=1.0,
        metadata=described("Long plus short weight at each rebalance."),
    )
    net = Number(
        minimum=-20,
        maximum=20,
        load_default=None,
        allow_none=True,
        metadata=described("Long minus short weight; by default 0 for quantile_long_short and `gross` for the others."),
    )
    max_weight = Number(
        above=0,
        maximum=20,
        load_default=None,
        allow_none=True,
        metadata=described("The largest absolute weight; the excess goes to the leg's other names, then to cash."),
    )
    volatility_window = Whole(
        minimum=5,
        maximum=2520,
        load_default=63,
        metadata=described("Sessions of returns behind inverse_volatility, up to and including the decision."),
    )
    optimize = fields.Raw(
        load_default=None, allow_none=True, metadata=described("The optimiser's parameters; not offered yet.")
    )


class Impact(Params):
    """What large trades cost."""

    model = Choice(
        ("none", "square_root"),
        load_default="none",
        metadata=described("square_root: coefficient · daily volatility · √(notional / ADV) · notional."),
    )
    coefficient = Number(
        minimum=0, maximum=10, load_default=0.1, metadata=described("The square-root model's coefficient.")
    )


class Costs(Params):
    """What trading costs; every cost is debited from cash on the day of the trade."""

    commission_bps = Number(
        minimum=0, maximum=1000, load_default=0.0, metadata=described("Commission on the traded notional.")
    )
    half_spread_bps = Number(
        minimum=0, maximum=1000, load_default=0.0, metadata=described("Half the quoted spread, on the traded notional.")
    )
    min_commission = Number(
        minimum=0, maximum=1e6, load_default=0.0, metadata=described("The least commission of one trade, in currency.")
    )
    impact = section(Impact, metadata=described("The market impact of the trades."))


class Borrow(Params):
    """What short positions cost: accrued daily on the short market value, ACT/360 on calendar days."""

    annual_bps = Number(
        minimum=0, maximum=100_000, load_default=0.0, metadata=described("The annual fee for every borrowed name.")
    )
    by_symbol = TableRef(
        load_default=None,
        allow_none=True,
        metadata=described("`symbol, annual_bps`: fees that replace `annual_bps` for the names listed."),
    )


class BacktestParams(Params):
    """The parameters of a backtest."""

    prices = TableRef(
        required=True,
        metadata=described("Long prices: date, symbol, close; adj_factor, split_factor, open and volume where needed."),
    )
    signal = TableRef(
        load_default=None,
        allow_none=True,
        metadata=described("`date, symbol, score`, known at the close of its date. Give a signal or weights."),
    )
    weights = TableRef(
        load_default=None,
        allow_none=True,
        metadata=described("`date, symbol, weight`: each date is a whole portfolio; a name left out is sold."),
    )
    universe = TableRef(
        load_default=None,
        allow_none=True,
        metadata=described("`date, symbol`: on each rebalance only the latest date's members are held."),
    )
    classifications = TableRef(
        load_default=None,
        allow_none=True,
        metadata=described("`symbol, sector`: the sectors of the attribution."),
    )
    construction = section(Construction, metadata=described("How scores become target weights."))
    rebalance = Choice(
        ("D", "W", "M", "Q", "table"),
        load_default="M",
        metadata=described(
            "Decide on every session, or on the last of each week, month, quarter; or on the table's dates."
        ),
    )
    rebalance_offset_days = Whole(
        minimum=0, maximum=250, load_default=0, metadata=described("Sessions after the period's end to decide instead.")
    )
    execution_lag_days = Whole(
        minimum=1,
        maximum=250,
        load_default=1,
        metadata=described(
            "Sessions from the decision's close to the trade. Zero would trade on a price not yet known."
        ),
    )
    execution_price = Choice(
        ("close", "open"), load_default="close", metadata=described("The price of the trade's session to trade at.")
    )
    start = Day(
        load_default=None, allow_none=True, metadata=described("The first session; by default the first decision.")
    )
    end = Day(load_default=None, allow_none=True, metadata=described("The last session; by default the prices' last."))
    initial_capital = Money(above="0", load_default="1000000", metadata=described("Cash on the first session."))
    costs = section(Costs, metadata=described("What trading costs."))
    borrow = section(Borrow, metadata=described("What short positions cost."))
    cash_rate = Number(
        minimum=-0.5,
        maximum=1,
        load_default=0.0,
        metadata=described("The annual rate that cash earns (and negative cash pays), ACT/360 on calendar days."),
    )
    benchmark = TextOrTable(
        load_default=None,
        allow_none=True,
        metadata=described("A symbol of the prices, or a table of `date` with `close` (or `adj_close`) or `return`."),
    )
    max_adv_participation = Number(
        above=0,
        maximum=1,
        load_default=None,
        allow_none=True,
        metadata=described(
            "The most of its average daily volume a name may trade; what is left waits for the next rebalance."
        ),
    )
    adv_window = Whole(
        minimum=1,
        maximum=2520,
        load_default=21,
        metadata=described("Sessions behind average volume and daily volatility, up to the session before the trade."),
    )
    on_missing_price = Choice(
        ("hold", "close_out"),
        load_default="hold",
        metadata=described(
            "A held name without a price: keep its last one for `stale_sessions`, or close it out at once."
        ),
    )
    stale_sessions = Whole(
        minimum=1,
        maximum=250,
        load_default=10,
        metadata=described("With hold: sessions without a price after which a name is closed out at its last price."),
    )
    dividends = Choice(
        ("reinvest", "cash"),
        load_default="reinvest",
        metadata=described("On the ex-date, reinvest at the ex-price or credit to cash; shorts are debited."),
    )
    signal_max_age_days = Whole(
        minimum=0,
        maximum=3660,
        load_default=45,
        metadata=described("Calendar days after which a signal or weights no longer lead to trades."),
    )
    risk_free = Number(
        minimum=-0.5, maximum=1, load_default=0.0, metadata=described("The annual risk-free rate in the statistics.")
    )
    periods_per_year = Number(
        above=0, maximum=366, load_default=252.0, metadata=described("Sessions a year, for annualising.")
    )
    trials = Whole(
        minimum=1,
        maximum=1_000_000_000,
        load_default=1,
        metadata=described("How many variants were tried before this one: the deflated Sharpe ratio pays for them."),
    )
    seed = Whole(
        minimum=0,
        maximum=2**53 - 1,
        load_default=0,
        metadata=described("Kept in the manifest; nothing here is random."),
    )

    @validates_schema
    def _fits(self, data: dict[str, Any], **_kwargs: Any) -> None:
        """Fill in what follows from other fields, and refuse what cannot hold together."""
        _one_source(data)
        _resolve_type(data)
        _resolve_net(data["construction"])
        if data["start"] and data["end"] and data["start"] >= data["end"]:
            raise bad("end", data["end"], f"is not after start ({data['start']}).")


def _one_source(data: dict[str, Any]) -> None:
    given = [name for name in ("signal", "weights") if data[name] is not None]
    if len(given) != 1:
        what = "both a signal and weights are" if given else "neither a signal nor weights is"
        raise ValidationError({"signal": [f"{what} given; give one of the two."]})


def _resolve_type(data: dict[str, Any]) -> None:
    construction = data["construction"]
    if construction["optimize"] is not None:
        raise _misfit("optimize", construction["optimize"], "is not offered yet; leave it out.")
    if construction["type"] is None:
        construction["type"] = "weights" if data["weights"] is not None else "quantile_long_only"
    if (construction["type"] == "weights") != (data["weights"] is not None):
        raise _misfit(
            "type", construction["type"], "does not fit: type weights goes with a weights table, and only it."
        )
    if construction["type"] == "weights" and construction["max_weight"] is not None:
        raise _misfit("max_weight", construction["max_weight"], "does not apply: given weights are taken as they are.")
    if construction["type"] == "score_weighted" and construction["weighting"] == "inverse_volatility":
        raise _misfit("weighting", construction["weighting"], "does not fit score_weighted, which weights by score.")


def _resolve_net(construction: dict[str, Any]) -> None:
    gross, net, kind = construction["gross"], construction["net"], construction["type"]
    if net is None:
        net = construction["net"] = 0.0 if kind == "quantile_long_short" else gross
    if abs(net) > gross:
        raise _misfit("net", net, f"is out of reach: the absolute net cannot exceed gross ({gross:g}).")
    if kind == "quantile_long_only" and net != gross:
        raise _misfit("net", net, f"does not fit {kind}: without shorts net equals gross ({gross:g}).")


def _misfit(field: str, value: Any, mend: str) -> ValidationError:
    return ValidationError({"construction": bad(field, value, mend).messages})
