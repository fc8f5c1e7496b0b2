"""How the demo's prices come about: a market factor, sector factors, and slowly moving drifts of the stocks' own.

The drifts make momentum mean something; splits and dividends fall on the prices as they would on real ones.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from infra.cli.universe.calendar import sessions

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED: Final = 20240102
STOCKS: Final = 150
SECTORS: Final = (
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
)
LETTERS: Final = "ABCDEFGHIKLMNOPRSTUVW"
MARKET_DRIFT: Final = 0.00028  # a day, as all of these
MARKET_VOL: Final = 0.0095
SECTOR_VOL: Final = 0.0045
DRIFT_VOL: Final = 0.00055
DRIFT_MEMORY: Final = 0.996  # kept from one day to the next: half is forgotten in eight months
SPLIT_ABOVE: Final = 260.0
PAYERS: Final = 0.6
QUARTER: Final = 63
DIVIDEND: Final = 0.005  # of the price, a quarter
RENAMED, RENAMED_ON = 110, dt.date(2021, 10, 1)
DELISTED, DELISTED_AFTER = 70, dt.date(2022, 6, 30)


@dataclass(frozen=True)
class Bar:
    """One day of one stock, as traded; `stock` is its number, whatever it is called that day."""

    stock: int
    date: dt.date
    symbol: str
    open: float
    high: float
    low: float
    close: float
    volume: int


@dataclass(frozen=True)
class Action:
    """A corporate action, on the day from which the price shows it."""

    ex_date: dt.date
    symbol: str
    type: str
    ratio: str = ""
    amount: str = ""
    new_symbol: str = ""


@dataclass
class Stock:
    """A stock on its way through time: what it is like, and where it stands."""

    number: int
    symbol: str
    beta: float
    vol: float
    close: float
    pays: bool
    volume: float
    drift: float
    actions: list[Action] = field(default_factory=list)

    @property
    def sector(self) -> int:
        """The number of its sector."""
        return self.number % len(SECTORS)

    @property
    def later_symbol(self) -> str:
        """What the renamed stock is called in the end."""
        return f"{self.symbol[:3]}X"

    def symbol_on(self, day: dt.date) -> str:
        """Return what it is called on a day."""
        return self.later_symbol if self.number == RENAMED and day >= RENAMED_ON else self.symbol

    def lists(self, day: dt.date) -> bool:
        """Say whether it still trades."""
        return self.number != DELISTED or day <= DELISTED_AFTER


@dataclass(frozen=True)
class Market:
    """Everything that happened: the days, the market's own daily changes, the stocks with their actions, the bars."""

    days: list[dt.date]
    changes: list[float]
    stocks: list[Stock]
    bars: list[Bar]


def simulate() -> Market:
    """Let the market run; the same every time."""
    chance = random.Random(SEED)  # noqa: S311 - a simulation, not a secret
    stocks, days = _founded(chance), sessions()
    changes = [chance.gauss(MARKET_DRIFT, MARKET_VOL) for _ in days]
    sectors = [[chance.gauss(0.0, SECTOR_VOL) for _ in days] for _ in SECTORS]
    bars = [bar for stock in stocks for bar in _life(stock, days, changes, sectors[stock.sector], chance)]
    return Market(days, changes, stocks, bars)


def _founded(chance: random.Random) -> list[Stock]:
    """Return the stocks under invented tickers; the last letter keeps them apart from most companies' real ones."""
    names: set[str] = set()
    while len(names) < STOCKS:
        names.add("".join(chance.choice(LETTERS) for _ in range(3)) + chance.choice("QZ"))
    return [
        Stock(
            number,
            symbol,
            beta=chance.uniform(0.6, 1.5),
            vol=chance.uniform(0.009, 0.026),
            close=round(math.exp(chance.uniform(math.log(12), math.log(180))), 2),
            pays=chance.random() < PAYERS,
            volume=math.exp(chance.uniform(math.log(2e5), math.log(4e6))),
            drift=chance.gauss(0.0, DRIFT_VOL),
        )
        for number, symbol in enumerate(sorted(names))
    ]


def _life(
    stock: Stock, days: list[dt.date], market: list[float], sector: list[float], chance: random.Random
) -> Iterator[Bar]:
    renewal = math.sqrt(1 - DRIFT_MEMORY**2)
    for number, day in enumerate(days):
        if not stock.lists(day):
            stock.actions.append(Action(day, stock.symbol, "delisting"))
            return
        stock.drift = DRIFT_MEMORY * stock.drift + renewal * chance.gauss(0.0, DRIFT_VOL)
        change = stock.beta * market[number] + sector[number] + stock.drift + chance.gauss(0.0, stock.vol)
        before = _after_actions(stock, day, number)
        stock.close = max(1.0, round(before * math.exp(change - stock.vol**2 / 2), 2))
        yield _bar(stock, day, before, chance)


def _after_actions(stock: Stock, day: dt.date, number: int) -> float:
    """Return yesterday's close as today's actions leave it, and note them."""
    close, symbol = stock.close, stock.symbol_on(day)
    if stock.number == RENAMED and day == RENAMED_ON:
        stock.actions.append(Action(day, stock.symbol, "rename", new_symbol=stock.later_symbol))
    if number == 0 or (stock.number == RENAMED and day == RENAMED_ON):
        return close
    if close > SPLIT_ABOVE:
        ratio = 4 if close > 2 * SPLIT_ABOVE else 2
        stock.actions.append(Action(day, symbol, "split", ratio=str(ratio)))
        stock.volume *= ratio
        return close / ratio
    if stock.pays and number % QUARTER == (stock.sector * 5 + 20) % QUARTER:
        amount = round(close * DIVIDEND, 2)
        stock.actions.append(Action(day, symbol, "cash_dividend", amount=f"{amount:.2f}"))
        return close - amount
    return close


def _bar(stock: Stock, day: dt.date, before: float, chance: random.Random) -> Bar:
    close, opened = stock.close, round(before * math.exp(chance.gauss(0.0, stock.vol / 3)), 2)
    reach = stock.vol * (0.3 + abs(chance.gauss(0.0, 0.4)))
    volume = stock.volume * math.exp(chance.gauss(0.0, 0.35)) * (1 + 20 * abs(close / before - 1))
    return Bar(
        stock.number,
        day,
        stock.symbol_on(day),
        open=opened,
        high=round(max(opened, close) * (1 + reach), 2),
        low=round(min(opened, close) * (1 - reach), 2),
        close=close,
        volume=int(volume),
    )
