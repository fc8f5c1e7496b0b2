"""The files of the demo's market, written as a vendor would deliver them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.cli.universe.blemishes import blemished
from infra.cli.universe.market import RENAMED, SECTORS, simulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from infra.cli.universe.market import Bar, Market

INDEX: Final = "INDEX"
INDEX_START: Final = 1000.0
ACTIONS: Final = "ex_date,symbol,type,ratio,amount,new_symbol"


@dataclass(frozen=True)
class Universe:
    """Where the files are."""

    prices: Path
    actions: Path
    sectors: Path
    index: Path


def write(folder: Path) -> Universe:
    """Write the files; the same bytes every time."""
    folder.mkdir(parents=True, exist_ok=True)
    market = simulate()
    return Universe(
        prices=_save(folder / "prices.csv", "date,symbol,open,high,low,close,volume", map(_line, _by_day(market))),
        actions=_save(folder / "corporate_actions.csv", ACTIONS, _actions(market)),
        sectors=_save(folder / "sectors.csv", "symbol,sector", _sectors(market)),
        index=_save(folder / "index.csv", "date,symbol,close", _index(market)),
    )


def _by_day(market: Market) -> list[Bar]:
    """Return the file's bars by day, as vendors send them."""
    return sorted(blemished(market.bars), key=lambda bar: (bar.date, bar.symbol))


def _line(bar: Bar) -> str:
    prices = f"{bar.open:.2f},{bar.high:.2f},{bar.low:.2f},{bar.close:.2f}"
    return f"{bar.date},{bar.symbol},{prices},{bar.volume}"


def _actions(market: Market) -> list[str]:
    every = sorted((act for stock in market.stocks for act in stock.actions), key=lambda act: (act.ex_date, act.symbol))
    return [f"{act.ex_date},{act.symbol},{act.type},{act.ratio},{act.amount},{act.new_symbol}" for act in every]


def _sectors(market: Market) -> list[str]:
    names = [(stock.symbol, stock.sector) for stock in market.stocks]
    names.append((market.stocks[RENAMED].later_symbol, market.stocks[RENAMED].sector))
    return [f"{symbol},{SECTORS[sector]}" for symbol, sector in sorted(names)]


def _index(market: Market) -> Iterator[str]:
    level = INDEX_START
    for day, change in zip(market.days, market.changes, strict=True):
        level *= math.exp(change)
        yield f"{day},{INDEX},{level:.2f}"


def _save(path: Path, header: str, lines: Iterable[str]) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="ascii", newline="\n")
    return path
