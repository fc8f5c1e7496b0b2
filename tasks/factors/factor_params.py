"""What each factor may be asked: its own parameters, as the catalogue shows and the recipe checks them."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import ValidationError, validate, validates, validates_schema

from tasks.params import Choice, Number, Params, Text, Whole, fields
from tasks.quant.expression.check import expression
from tasks.quant.expression.fault import ExpressionFault
from tasks.quant.expression.grammar import LENGTH_MAX

LONGEST: Final = 2520

# What a composite is made of: part to the columns of the fundamentals that it needs beside the company's size.
VALUE_PARTS: Final[dict[str, tuple[str, ...]]] = {
    "earnings": ("net_income",),
    "book": ("book_equity",),
    "sales": ("revenue",),
    "cash_flow": ("operating_cash_flow",),
    "dividend": ("dividends",),
}
QUALITY_PARTS: Final[dict[str, tuple[str, ...]]] = {
    "return_on_equity": ("net_income", "book_equity"),
    "gross_profitability": ("gross_profit", "total_assets"),
    "accruals": ("net_income", "operating_cash_flow", "total_assets"),
    "leverage": ("total_debt", "total_assets"),
}
GROWTH_PARTS: Final[dict[str, tuple[str, ...]]] = {"sales": ("revenue",), "earnings": ("net_income",)}


def _lookback(default: int, what: str) -> Whole:
    return Whole(minimum=2, maximum=LONGEST, load_default=default, metadata={"description": what})


def _coverage(default: float, what: str) -> Number:
    return Number(minimum=0.0, maximum=1.0, load_default=default, metadata={"description": f"share of {what}"})


class MomentumParams(Params):
    """`P[t-skip] / P[t-lookback] - 1` on total-return prices."""

    lookback = _lookback(252, "sessions back to the start")
    skip = Whole(
        minimum=0, maximum=LONGEST - 1, load_default=21, metadata={"description": "sessions left out at the end"}
    )
    min_coverage = _coverage(0.9, "the window's prices that must exist")

    @validates_schema
    def _skip_is_inside(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if data["skip"] >= data["lookback"]:
            raise ValidationError(
                {"skip": [f"{data['skip']} leaves nothing of lookback {data['lookback']}; give less."]}
            )


class ReversalParams(Params):
    """Minus the log return of the last sessions."""

    lookback = _lookback(21, "sessions")
    min_coverage = _coverage(0.9, "the window's prices that must exist")


class VolatilityParams(Params):
    """Minus the standard deviation of daily returns: calm names score high."""

    lookback = _lookback(252, "returns in the window")
    min_coverage = _coverage(0.9, "the window's returns that must exist")


class BetaParams(Params):
    """Beta to the equal-weighted mean of all names; `direction` -1 prefers low beta."""

    lookback = _lookback(252, "returns in the window")
    min_coverage = _coverage(0.9, "the window's returns that must exist")


class LiquidityParams(Params):
    """How liquid a name is; `direction` -1 seeks the premium of illiquid ones."""

    measure = Choice(
        ("dollar_volume", "amihud"),
        load_default="dollar_volume",
        metadata={"description": "log mean traded value, or minus log mean of |return| per traded value"},
    )
    lookback = _lookback(63, "sessions in the window")
    min_coverage = _coverage(0.9, "the window's days that must have traded")


class SizeParams(Params):
    """Minus the log of market capitalisation: small companies score high."""


class EsgParams(Params):
    """A score column as it is, higher being better; a vendor's scale that runs the other way wants `direction` -1."""

    column = Text(min_length=1, max_length=64, load_default="esg_score")
    missing = Choice(
        ("neutral", "null"),
        load_default="neutral",
        metadata={"description": "a name without a score counts as average, or has no value of this factor"},
    )


class _Composite(Params):
    """The mean of z-scored parts."""

    min_coverage = _coverage(0.5, "the parts that a name must have")


def _parts(of: dict[str, tuple[str, ...]]) -> Any:
    return fields.List(
        Choice(of),
        load_default=None,
        allow_none=True,
        validate=validate.Length(min=1),
        metadata={"description": "by default every part that the fundamentals have columns for"},
    )


class ValueParams(_Composite):
    """Yields on market capitalisation, trailing twelve months; negative book equity counts as missing."""

    parts = _parts(VALUE_PARTS)


class QualityParams(_Composite):
    """Profitable, cash-backed, little indebted."""

    parts = _parts(QUALITY_PARTS)


class GrowthParams(_Composite):
    """Growth of sales, and of earnings over market capitalisation, since the figures known `lookback` sessions ago."""

    parts = _parts(GROWTH_PARTS)
    lookback = _lookback(252, "sessions back to the base")


class ExpressionParams(Params):
    """Arithmetic over columns, windows of days and cross-sections, as docs/expressions.md describes it."""

    expression = Text(
        min_length=1, max_length=LENGTH_MAX, required=True, metadata={"description": "e.g. rank(-delta(close, 5))"}
    )
    min_coverage = _coverage(0.9, "each window's values that must exist")

    @validates("expression")
    def _can_be_worked_out(self, value: str, **_kwargs: Any) -> None:
        try:
            expression(value)
        except ExpressionFault as fault:
            raise ValidationError(str(fault)) from None


FACTOR_PARAMS: Final[dict[str, type[Params]]] = {
    "momentum": MomentumParams,
    "short_term_reversal": ReversalParams,
    "value": ValueParams,
    "quality": QualityParams,
    "growth": GrowthParams,
    "low_volatility": VolatilityParams,
    "beta": BetaParams,
    "size": SizeParams,
    "liquidity": LiquidityParams,
    "esg": EsgParams,
    "expression": ExpressionParams,
}
NEEDS_FUNDAMENTALS: Final = frozenset({"value", "quality", "growth", "size", "esg"})
