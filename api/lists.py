"""How every list looks: its rows, and where it goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.shapes import Shape


@dataclass(frozen=True)
class ListOf:
    """The schema of a list of resources."""

    of: type[Shape]


def list_of(shape: type[Shape]) -> ListOf:
    """Declare `{"data": [...], "next_cursor": …}` of a resource."""
    return ListOf(shape)
