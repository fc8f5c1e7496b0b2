"""Cuts an expression into numbers, names and signs, each with its place."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, Literal

from tasks.quant.expression.fault import ExpressionFault

PIECE: Final = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|==|!=|[-+*/^<>(),])",
    re.ASCII,
)
WRITTEN_ELSEWHERE: Final = {"&": "and", "|": "or", "!": "not", "=": "==", "?": "where(condition, a, b)"}


@dataclass(frozen=True)
class Token:
    """One piece of the text; the last has the kind `end` and no text."""

    kind: Literal["number", "name", "sign", "end"]
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """Return the pieces of a text; raises ExpressionFault at a character that belongs to none."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        piece = PIECE.match(text, at)
        if piece is None:
            mend = WRITTEN_ELSEWHERE.get(text[at])
            raise ExpressionFault(text, at, f"{text[at]!r} is no sign here" + (f"; write {mend}." if mend else "."))
        if piece.lastgroup != "space":
            found.append(_token(text, piece))
        at = piece.end()
    return [*found, Token("end", "", len(text))]


def _token(text: str, piece: re.Match[str]) -> Token:
    written, at = piece.group(), piece.start()
    if piece.lastgroup == "name":
        return Token("name", written, at)
    if piece.lastgroup == "sign":
        return Token("sign", written, at)
    if text[piece.end() : piece.end() + 1].isidentifier():
        raise ExpressionFault(
            text, piece.end(), f"a name can't begin with digits; {written!r} is one number by itself."
        )
    if not math.isfinite(float(written)):
        raise ExpressionFault(text, at, f"{written} is too large for a number.")
    return Token("number", written, at)
