"""Every operator of the language: what it takes, what it gives, in one line each. Light: it is read at submission."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

WINDOW_MAX: Final = 2520


class Kind(Enum):
    """What a part of an expression is."""

    PANEL = "numbers by date and symbol"
    SCALAR = "one number"
    TRUTH = "a condition"
    GROUP = "a group"


@dataclass(frozen=True)
class Literal:
    """An argument that must be written as a number, within bounds."""

    name: str
    lowest: float
    highest: float
    whole: bool = False


Takes = Kind | Literal
PANEL, SCALAR, TRUTH, GROUP = Kind
VALUE: Final = SCALAR  # a scalar serves wherever a panel does, save where a panel is asked for
WINDOW: Final = Literal("window", 1, WINDOW_MAX, whole=True)
TWO_OR_MORE: Final = Literal("window", 2, WINDOW_MAX, whole=True)
THREE_OR_MORE: Final = Literal("window", 3, WINDOW_MAX, whole=True)
SHORT: Final = Literal("window", 2, 504, whole=True)  # each row of the window costs one pass
HALF_LIFE: Final = Literal("half-life", 0.01, 10_000)
SHARE: Final = Literal("share", 0.0, 1.0)


@dataclass(frozen=True)
class Operator:
    """How an operator is called; `gives` None is a panel, unless every argument is one number."""

    takes: tuple[Takes, ...]
    gives: Kind | None
    about: str
    defaults: tuple[float, ...] = ()


def _numbers(count: int, about: str) -> Operator:
    return Operator((VALUE,) * count, None, about)


def _compared(about: str) -> Operator:
    return Operator((VALUE, VALUE), TRUTH, about)


def _rolling(about: str, window: Literal = WINDOW, series: int = 1) -> Operator:
    return Operator((*(PANEL,) * series, window), PANEL, about)


def _across(about: str) -> Operator:
    return Operator((PANEL,), PANEL, about)


def _grouped(about: str) -> Operator:
    return Operator((PANEL, GROUP), PANEL, about)


INFIX: Final = {
    "+": _numbers(2, "sum"),
    "-": _numbers(2, "difference"),
    "*": _numbers(2, "product"),
    "/": _numbers(2, "quotient; nothing where the divisor is 0"),
    "^": _numbers(2, "power"),
    "-x": _numbers(1, "the other sign"),
    "<": _compared("less"),
    "<=": _compared("less or equal"),
    ">": _compared("greater"),
    ">=": _compared("greater or equal"),
    "==": _compared("equal"),
    "!=": _compared("not equal"),
    "and": Operator((TRUTH, TRUTH), TRUTH, "both; unknown only where that decides"),
    "or": Operator((TRUTH, TRUTH), TRUTH, "either; unknown only where that decides"),
    "not": Operator((TRUTH,), TRUTH, "the opposite"),
}
NAMED: Final = {
    "where": Operator((TRUTH, VALUE, VALUE), PANEL, "`a` where the condition holds, `b` where not, nothing if unknown"),
    "coalesce": _numbers(2, "`a` where it is known, else `b`"),
    "abs": _numbers(1, "size without sign"),
    "sign": _numbers(1, "-1, 0 or 1"),
    "log": _numbers(1, "natural logarithm; nothing at or below 0"),
    "exp": _numbers(1, "e to the power"),
    "sqrt": _numbers(1, "square root; nothing below 0"),
    "minimum": _numbers(2, "the smaller of two"),
    "maximum": _numbers(2, "the larger of two"),
    "clip": _numbers(3, "`a` held between `b` and `c`"),
    "delay": _rolling("the value `window` sessions ago"),
    "delta": _rolling("the change since `window` sessions ago"),
    "mean": _rolling("mean of the last `window` sessions"),
    "sum": _rolling("sum over the last `window` sessions"),
    "std": _rolling("standard deviation (ddof 1) of the last `window` sessions", TWO_OR_MORE),
    "min": _rolling("smallest of the last `window` sessions"),
    "max": _rolling("largest of the last `window` sessions"),
    "ts_rank": _rolling("where today stands among the last `window` sessions, 0 to 1", SHORT),
    "ema": Operator((PANEL, HALF_LIFE), PANEL, "exponentially weighted mean of the past, half-life in sessions"),
    "corr": _rolling("correlation of two over the last `window` sessions", THREE_OR_MORE, 2),
    "cov": _rolling("covariance (ddof 1) of two over the last `window` sessions", TWO_OR_MORE, 2),
    "beta": _rolling("slope of the first on the second over the last `window` sessions", THREE_OR_MORE, 2),
    "rank": _across("where a name stands among all on that date, 0 to 1"),
    "zscore": _across("less the date's mean, over its standard deviation"),
    "demean": _across("less the date's mean"),
    "scale": _across("over the date's sum of sizes"),
    "winsorize": Operator((PANEL, SHARE, SHARE), PANEL, "clipped at the date's quantiles", (0.01, 0.99)),
    "group_mean": _grouped("mean of the name's group on that date"),
    "group_demean": _grouped("less the mean of the name's group"),
    "group_zscore": _grouped("less the group's mean, over its standard deviation"),
    "group_rank": _grouped("where a name stands within its group, 0 to 1"),
}
ALIASES: Final = {
    "lag": "delay", "ts_mean": "mean", "ts_sum": "sum", "ts_std": "std", "ts_min": "min", "ts_max": "max",
}  # fmt: skip
OPERATORS: Final[dict[str, Operator]] = {**INFIX, **NAMED}
GROUPS: Final = ("sector",)
PRICE_COLUMNS: Final[dict[str, str]] = {
    "close": "adjusted for splits and dividends, from the first session forward",
    "open": "adjusted as `close` is",
    "high": "adjusted as `close` is",
    "low": "adjusted as `close` is",
    "volume": "shares, adjusted for splits from the first session forward",
    "returns": "simple total return since the session before",
    "traded_close": "as traded, unadjusted",
    "traded_volume": "shares as traded, unadjusted",
    "dollar_volume": "traded_close times traded_volume",
}
