"""What an expression is once it is read: numbers, names, and calls of operators on other such nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Number:
    """A number as written; `at` is the character where it stands."""

    value: float
    at: int
    depth: int = 1


@dataclass(frozen=True)
class Name:
    """A column or a group by its name."""

    text: str
    at: int
    depth: int = 1


@dataclass(frozen=True)
class Call:
    """An operator applied to arguments; `a + b` is the operator `+` applied to two."""

    operator: str
    arguments: tuple[Node, ...]
    at: int
    depth: int


Node = Number | Name | Call


def nodes(root: Node) -> Iterator[Node]:
    """Yield a node and everything beneath it."""
    yield root
    if isinstance(root, Call):
        for argument in root.arguments:
            yield from nodes(argument)
