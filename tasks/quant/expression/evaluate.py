"""Works a checked expression out over T dates and N symbols, one operator of whole panels at a time.

Absent values (NaN) make absent answers; what is not finite counts as absent. Conditions are 1, 0 or NaN for unknown,
and `and`, `or`, `not` follow Kleene's three values. Operators over windows see every price there is; operators across
names see only the members of each date, and answer for no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.quant.decay import exponential_decay
from tasks.quant.expression import across, rolling
from tasks.quant.expression.check import canonical
from tasks.quant.expression.operators import OPERATORS
from tasks.quant.expression.tree import Call, Name, Number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tasks.quant.expression.check import Expression
    from tasks.quant.expression.tree import Node


@dataclass(frozen=True)
class Given:
    """What an expression is worked out on: its columns by name (T, N), who counts on each date, the groups' codes.

    `min_coverage` is the share of a window's values that must exist.
    """

    columns: Mapping[str, np.ndarray]
    members: np.ndarray
    groups: Mapping[str, np.ndarray]
    min_coverage: float = 0.9


def evaluate(expression: Expression, given: Given) -> np.ndarray:
    """Return (T, N) an expression's numbers; raises KeyError for a column or group that was not given."""
    with np.errstate(all="ignore"):
        return np.array(_value(expression.root, given), dtype=np.float64)


def _value(node: Node, given: Given) -> Any:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        return given.groups[node.text] if node.text in given.groups else given.columns[node.text]
    return _finite(_applied(canonical(node.operator), _arguments(node, given), given))


def _applied(name: str, arguments: list[Any], given: Given) -> Any:
    """Return an operator's answer to arguments already worked out."""
    if name in ELEMENTS:
        return ELEMENTS[name](*arguments)
    if name in PAST:
        return PAST[name](*arguments)
    if name in WINDOWS:
        *series, window = arguments
        return WINDOWS[name](*series, int(window), given.min_coverage * window)
    members = np.where(given.members, arguments[0], np.nan)
    if name == "winsorize":
        return across.by_rows(across.winsorized(*arguments[1:]), members)
    return across.by_rows(ACROSS[name], members, *arguments[1:])


def _arguments(call: Call, given: Given) -> list[Any]:
    """Return the values of the arguments, defaults filled in; the deepest first, so that few panels live at once."""
    found: list[Any] = [None] * len(call.arguments)
    for i in sorted(range(len(found)), key=lambda i: -call.arguments[i].depth):
        found[i] = _value(call.arguments[i], given)
    operator = OPERATORS[canonical(call.operator)]
    left_out = len(operator.takes) - len(found)
    return found + list(operator.defaults[len(operator.defaults) - left_out :])


def _finite(values: Any) -> Any:
    """Return the numbers with NaN for what is not finite."""
    if not isinstance(values, np.ndarray):
        return values if np.isfinite(values) else np.nan
    values[~np.isfinite(values)] = np.nan
    return values


def _compared(compare: np.ufunc) -> Callable[[Any, Any], np.ndarray]:
    def work(a: Any, b: Any) -> np.ndarray:
        return np.where(np.isnan(a) | np.isnan(b), np.nan, compare(a, b).astype(np.float64))

    return work


def _both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where((a == 0.0) | (b == 0.0), 0.0, a * b)


def _either(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.where((a == 1.0) | (b == 1.0), 1.0, np.maximum(a, b))


def _where(condition: np.ndarray, a: Any, b: Any) -> np.ndarray:
    return np.where(np.isnan(condition), np.nan, np.where(condition == 1.0, a, b))


ELEMENTS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "-x": np.negative,
    "<": _compared(np.less),
    "<=": _compared(np.less_equal),
    ">": _compared(np.greater),
    ">=": _compared(np.greater_equal),
    "==": _compared(np.equal),
    "!=": _compared(np.not_equal),
    "and": _both,
    "or": _either,
    "not": lambda a: 1.0 - a,
    "where": _where,
    "coalesce": lambda a, b: np.where(np.isnan(a), b, a),
    "abs": np.abs,
    "sign": np.sign,
    "log": np.log,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "clip": lambda a, low, high: np.minimum(np.maximum(a, low), high),
}
PAST: dict[str, Callable[..., np.ndarray]] = {
    "delay": lambda x, window: rolling.delayed(x, int(window)),
    "delta": lambda x, window: x - rolling.delayed(x, int(window)),
    "ema": exponential_decay,
}
WINDOWS: dict[str, Callable[..., np.ndarray]] = {
    "mean": rolling.mean,
    "sum": rolling.total,
    "std": rolling.deviation,
    "min": lambda x, window, least: rolling.extreme(x, window, least, np.minimum),
    "max": lambda x, window, least: rolling.extreme(x, window, least, np.maximum),
    "ts_rank": rolling.rank_in_window,
    "corr": rolling.correlation,
    "cov": rolling.covariance,
    "beta": rolling.slope,
}
ACROSS: dict[str, Callable[..., np.ndarray]] = {
    "rank": across.RANKED,
    "zscore": lambda x: across.ZSCORED(np.asfortranarray(x)),
    "demean": across.demeaned,
    "scale": across.scaled,
    "group_mean": across.group_mean,
    "group_demean": across.group_demeaned,
    "group_zscore": across.group_zscored,
    "group_rank": across.group_ranked,
}
