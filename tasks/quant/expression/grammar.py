"""Reads an expression into a tree. What binds how tightly stands in `BINDING`, from loose to tight.

    or < and < not < comparisons < + - < * / < unary minus < ^ (to the right) < name(arguments), ( … )

This is Pratt's method ("Top down operator precedence", 1973). Nothing is ever handed to Python's own `eval`.
"""

from __future__ import annotations

from typing import Final

from tasks.quant.expression.fault import ExpressionFault
from tasks.quant.expression.tokens import Token, tokens
from tasks.quant.expression.tree import Call, Name, Node, Number

LENGTH_MAX: Final = 4000
NODES_MAX: Final = 250
DEPTH_MAX: Final = 40
ARGUMENTS_MAX: Final = 8

COMPARISONS: Final = ("<", "<=", ">", ">=", "==", "!=")
BINDING: Final = {
    "or": 1, "and": 2, **dict.fromkeys(COMPARISONS, 4), "+": 5, "-": 5, "*": 6, "/": 6, "^": 8,
}  # fmt: skip
NOT: Final = 3
MINUS: Final = 7


def read(text: str) -> Node:
    """Return the tree of a text; raises ExpressionFault at the first character that does not fit."""
    if len(text) > LENGTH_MAX:
        raise ExpressionFault(text, LENGTH_MAX, f"an expression has at most {LENGTH_MAX} characters.")
    reader = _Reader(text)
    root = reader.expression(0, 1)
    if reader.next.kind != "end":
        raise reader.unexpected("an operator or the end")
    return root


class _Reader:
    """A place in the tokens, moving on as they are read."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.place, self.made = text, tokens(text), 0, 0

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def expression(self, loosest: int, level: int) -> Node:
        """Read as far as operators bind more tightly than `loosest`; `level` is how deep in brackets this is."""
        if level > DEPTH_MAX:
            raise ExpressionFault(self.text, self.next.at, f"is nested more than {DEPTH_MAX} deep; make it flatter.")
        left = self._operand(level)
        while (binding := BINDING.get(self.next.text, 0)) > loosest:
            sign = self._taken()
            right = self.expression(binding - 1 if sign.text == "^" else binding, level + 1)
            left = self._call(sign.text, (left, right), sign.at)
            if sign.text in COMPARISONS and self.next.text in COMPARISONS:
                raise ExpressionFault(self.text, self.next.at, "comparisons don't chain; write a < b and b < c.")
        return left

    def unexpected(self, wanted: str) -> ExpressionFault:
        """Return the fault of a token that does not fit here."""
        found = repr(self.next.text) if self.next.kind != "end" else "the end"
        hint = " For a power write ^." if self.next.text == "*" else ""
        return ExpressionFault(self.text, self.next.at, f"found {found} where {wanted} belongs.{hint}")

    def _operand(self, level: int) -> Node:
        if self.next.text in {"-", "+"}:
            sign = self._taken()
            inner = self.expression(MINUS, level + 1)
            return self._call("-x", (inner,), sign.at) if sign.text == "-" else inner
        if self.next.text == "not":
            at = self._taken().at
            return self._call("not", (self.expression(NOT, level + 1),), at)
        if self.next.text == "(":
            self._taken()
            inner = self.expression(0, level + 1)
            self._closed("')'")
            return inner
        return self._leaf(level)

    def _leaf(self, level: int) -> Node:
        if self.next.kind not in {"number", "name"} or self.next.text in BINDING:
            raise self.unexpected("a number, a column or an operator's name")
        leaf = self._taken()
        if leaf.kind == "number":
            self._count(leaf.at)
            return Number(float(leaf.text), leaf.at)
        if self.next.text == "(":
            return self._call(leaf.text, self._arguments(level), leaf.at)
        self._count(leaf.at)
        return Name(leaf.text, leaf.at)

    def _arguments(self, level: int) -> tuple[Node, ...]:
        self._taken()
        found: list[Node] = []
        while self.next.text != ")" or found:
            found.append(self.expression(0, level + 1))
            if len(found) > ARGUMENTS_MAX:
                raise ExpressionFault(
                    self.text, found[-1].at, f"no operator takes more than {ARGUMENTS_MAX} arguments."
                )
            if self.next.text != ",":
                break
            self._taken()
        self._closed("',' or ')'")
        return tuple(found)

    def _call(self, operator: str, arguments: tuple[Node, ...], at: int) -> Call:
        self._count(at)
        depth = 1 + max((argument.depth for argument in arguments), default=0)
        if depth > DEPTH_MAX:
            raise ExpressionFault(self.text, at, f"is more than {DEPTH_MAX} operators deep; make it flatter.")
        return Call(operator, arguments, at, depth)

    def _count(self, at: int) -> None:
        self.made += 1
        if self.made > NODES_MAX:
            raise ExpressionFault(self.text, at, f"is more than {NODES_MAX} numbers, columns and operators.")

    def _closed(self, wanted: str) -> None:
        if self.next.text != ")":
            raise self.unexpected(wanted)
        self._taken()

    def _taken(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]
