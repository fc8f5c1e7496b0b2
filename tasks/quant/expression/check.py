"""Checks what every part of an expression is, so that what is submitted can be worked out."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.quant.expression.fault import ExpressionFault
from tasks.quant.expression.grammar import read
from tasks.quant.expression.operators import ALIASES, GROUPS, NAMED, OPERATORS, Kind, Literal
from tasks.quant.expression.tree import Call, Name, Node, Number, nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.quant.expression.operators import Takes


@dataclass(frozen=True)
class Expression:
    """An expression that makes sense; `columns` are the names it reads and the character each first stands at."""

    text: str
    root: Node
    columns: dict[str, int]
    groups: dict[str, int]


def expression(text: str) -> Expression:
    """Return a text read and checked; raises ExpressionFault where it can't be read or makes no sense.

    Whether a table has the columns is not known here.
    """
    root = read(text)
    found = _kind(text, root)
    if found is not Kind.PANEL:
        mend = "use where(condition, 1, 0)" if found is Kind.TRUTH else "a factor needs a column"
        raise ExpressionFault(text, root.at, f"the whole is {found.value}, not {Kind.PANEL.value}; {mend}.")
    names = [node for node in nodes(root) if isinstance(node, Name)]
    first = {node.text: node.at for node in reversed(names)}
    return Expression(
        text,
        root,
        {name: at for name, at in sorted(first.items()) if name not in GROUPS},
        {name: at for name, at in sorted(first.items()) if name in GROUPS},
    )


def canonical(operator: str) -> str:
    """Return an operator's first name."""
    return ALIASES.get(operator, operator)


def _kind(text: str, node: Node) -> Kind:
    if isinstance(node, Number):
        return Kind.SCALAR
    if isinstance(node, Name):
        return _named(text, node)
    operator = OPERATORS.get(canonical(node.operator))
    if operator is None:
        raise ExpressionFault(text, node.at, f"{node.operator!r} is no operator{_nearest(node.operator)}")
    _count(text, node)
    takes = operator.takes[: len(node.arguments)]
    kinds = [_argument(text, node, wanted, one) for wanted, one in zip(takes, node.arguments, strict=True)]
    if operator.gives is Kind.TRUTH and Kind.TRUTH not in kinds and Kind.PANEL not in kinds:
        raise ExpressionFault(text, node.at, "compares two fixed numbers, which is the same for every name.")
    return operator.gives or (Kind.PANEL if Kind.PANEL in kinds else Kind.SCALAR)


def _named(text: str, node: Name) -> Kind:
    if node.text in NAMED or node.text in ALIASES:
        raise ExpressionFault(
            text, node.at, f"{node.text!r} is an operator; call it with arguments: {_usage(node.text)}."
        )
    return Kind.GROUP if node.text in GROUPS else Kind.PANEL


def _count(text: str, node: Call) -> None:
    operator, given = OPERATORS[canonical(node.operator)], len(node.arguments)
    most = len(operator.takes)
    if given not in {most, most - len(operator.defaults)}:
        raise ExpressionFault(text, node.at, f"{node.operator!r} was given {given}: {_usage(node.operator)}.")


def _argument(text: str, call: Call, wanted: Takes, node: Node) -> Kind:
    """Check one argument and return what it is."""
    if isinstance(wanted, Literal):
        _literal(text, call, wanted, node)
        return Kind.SCALAR
    found = _kind(text, node)
    if found is wanted or (wanted is Kind.SCALAR and found is Kind.PANEL):
        return found
    mend = ""
    if found is Kind.TRUTH:
        mend = "; turn it into numbers with where(condition, 1, 0)"
    if wanted is Kind.TRUTH:
        mend = "; compare it with something, as in a > 0"
    if wanted is Kind.GROUP:
        mend = f"; name one of: {', '.join(GROUPS)}"
    needs = "numbers" if wanted is Kind.SCALAR else wanted.value
    raise ExpressionFault(text, node.at, f"{call.operator!r} takes {needs} here, not {found.value}{mend}.")


def _literal(text: str, call: Call, wanted: Literal, node: Node) -> None:
    what = "a whole number" if wanted.whole else "a number"
    bounds = f"{what} from {wanted.lowest:g} to {wanted.highest:g}"
    if not isinstance(node, Number):
        raise ExpressionFault(text, node.at, f"the {wanted.name} of {call.operator!r} must be written out as {bounds}.")
    if not wanted.lowest <= node.value <= wanted.highest or (wanted.whole and node.value != int(node.value)):
        raise ExpressionFault(text, node.at, f"{node.value:g} is no {wanted.name} of {call.operator!r}; give {bounds}.")


def _usage(name: str) -> str:
    operator = OPERATORS[canonical(name)]
    letters = iter("abcdefgh")
    taken = [wanted.name if isinstance(wanted, Literal) else _shown(wanted, letters) for wanted in operator.takes]
    optional = len(taken) - len(operator.defaults)
    return f"{name}({', '.join(taken[:optional])}{''.join(f'[, {one}]' for one in taken[optional:])})"


def _shown(wanted: Kind, letters: Iterator[str]) -> str:
    if wanted is Kind.TRUTH:
        return "condition"
    return "group" if wanted is Kind.GROUP else next(letters)


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, [*NAMED, *ALIASES], n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(NAMED)}."
