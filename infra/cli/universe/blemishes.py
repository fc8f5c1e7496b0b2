"""What real files suffer from, in fixed places of the demo's: each is found and told of when the file is read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.cli.universe.market import Bar

MISSING: Final = {5: ("2020-03-09", "2020-03-17"), 33: ("2021-05-11", "2021-05-11")}  # stock: first and last day
STALE: Final = {12: ("2021-02-01", "2021-02-17")}
BAD_TICK: Final = {47: "2022-09-14"}
DUPLICATE: Final = {21: "2019-08-20"}
NEGATIVE: Final = {64: "2020-11-10"}
CROSSED: Final = {88: "2023-02-08"}  # the high below the low
TICK: Final = 1.38


def blemished(bars: Iterable[Bar]) -> Iterator[Bar]:
    """Yield the bars as a careless vendor would deliver them."""
    before: Bar | None = None
    for bar in bars:
        if _within(MISSING, bar):
            continue
        written = _spoilt(bar, before)
        yield written
        if _on(DUPLICATE, bar):
            yield written
        before = written


def _spoilt(bar: Bar, before: Bar | None) -> Bar:
    if _within(STALE, bar) and before is not None:
        flat = before.close
        return replace(bar, open=flat, high=flat, low=flat, close=flat, volume=0)
    if _on(BAD_TICK, bar):
        tick = round(bar.close * TICK, 2)
        return replace(bar, close=tick, high=max(bar.high, tick))
    if _on(NEGATIVE, bar):
        return replace(bar, close=-bar.close)
    if _on(CROSSED, bar):
        return replace(bar, high=bar.low, low=bar.high)
    return bar


def _within(places: dict[int, tuple[str, str]], bar: Bar) -> bool:
    first, last = places.get(bar.stock, ("9999-12-31", "0001-01-01"))
    return dt.date.fromisoformat(first) <= bar.date <= dt.date.fromisoformat(last)


def _on(places: dict[int, str], bar: Bar) -> bool:
    return places.get(bar.stock) == bar.date.isoformat()
