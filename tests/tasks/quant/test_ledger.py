"""The ledger against an independent loop in plain Python that counts raw shares, and against what must always hold."""

from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tasks.quant.attribution import attribute
from tasks.quant.costs import Costs, Liquidity
from tasks.quant.ledger import DAILY, Plan, Terms, live
from tasks.quant.market import market
from tasks.quant.rebalance import schedule

DATA = Path(__file__).parents[3].parent / "shared" / "data"
COSTLY = Costs(commission=0.0005, half_spread=0.0007)
FIXED = Costs(commission=0.0005, half_spread=0.0007, min_commission=3.0)


def as_market(world, **how):
    how = {"adj_factor": world.adj_factor, "split_factor": world.split_factor, **how}
    if how.pop("at_open", False):
        how["open_"] = world.open
    return market(world.dates, world.symbols, world.close, **how)


def lived(world, *, costs=COSTLY, fee=0.01, rate=0.02, capital=1e6, last=None, liquidity=None, limit=None, **how):
    plan = Plan(world.rows, world.weights, liquidity, limit)
    terms = Terms(capital, costs, np.full(len(world.symbols), fee), rate)
    place = as_market(world, **how)
    return live(place, plan, terms, 0, len(world.dates) - 1 if last is None else last), place, plan, terms


class PlainLoop:
    """The same account kept independently: shares as traded, name by name, day by day, in plain Python."""

    def __init__(self, world, costs, fee=0.01, rate=0.02, capital=1e6):
        self.world, self.costs, self.fee, self.rate, self.cash = world, costs, fee, rate, capital
        self.names = range(world.close.shape[1])
        self.shares = [0.0 for _ in self.names]
        self.price, self.factor, self.split = ([math.nan for _ in self.names] for _ in range(3))
        self.missing = [0 for _ in self.names]

    def run(self, *, at_open=False, gone_after=10, cash_dividends=False):
        """Return equity, cash and costs by session."""
        plan = dict(zip(self.world.rows.tolist(), self.world.weights, strict=True))
        rows = []
        for t in range(len(self.world.dates)):
            if t:
                self.night(t)
            before = [self.wake(t, n, cash_dividends) for n in self.names]
            paid = self.trade(t, plan.get(t), before if at_open else None, gone_after)
            rows.append((self.cash + self.worth(self.price), self.cash, paid))
        return np.array(rows).T

    def worth(self, prices):
        return sum(self.shares[n] * prices[n] for n in self.names if self.shares[n])

    def night(self, t):
        year = int((self.world.dates[t] - self.world.dates[t - 1]).astype(int)) / 360
        short = sum(-self.shares[n] * self.price[n] for n in self.names if self.shares[n] < 0)
        self.cash += self.cash * self.rate * year - short * self.fee * year

    def wake(self, t, n, cash_dividends):
        """Let the day's corporate actions act; return yesterday's price in today's shares."""
        world = self.world
        close, factor, split = world.close[t, n], world.adj_factor[t, n], world.split_factor[t, n]
        if not close > 0:
            self.missing[n] += 1
            return self.price[n]
        known = not math.isnan(self.price[n])
        grown, ratio = (factor / self.factor[n], split / self.split[n]) if known else (1.0, 1.0)
        if cash_dividends and self.shares[n]:
            self.cash += self.shares[n] * self.price[n] * (1 - ratio / grown)
        step = ratio if cash_dividends else grown
        self.shares[n] *= step
        before = self.price[n] / step
        self.missing[n], self.price[n], self.factor[n], self.split[n] = 0, close, factor, split
        return before

    def trade(self, t, weights, at_open, gone_after):
        can = [self.missing[n] == 0 and (at_open is None or self.world.open[t, n] > 0) for n in self.names]
        prices = list(self.price)
        if at_open is not None:
            prices = [self.world.open[t, n] if can[n] else at_open[n] for n in self.names]
        equity, paid = self.cash + self.worth(prices), 0.0
        for n in self.names:
            target = weights[n] * equity / prices[n] if weights is not None and can[n] else self.shares[n]
            target = 0.0 if self.missing[n] == gone_after else target
            value = abs(target - self.shares[n]) * prices[n] if target != self.shares[n] else 0.0
            cost = max(value * self.costs.commission, self.costs.min_commission) + value * self.costs.half_spread
            if value:
                self.cash -= (target - self.shares[n]) * prices[n] + cost
                paid += cost
                self.shares[n] = target
        return paid


def plain_loop(world, costs=COSTLY, **how):
    return PlainLoop(world, costs).run(**how)


def assert_same(ledger, expected):
    equity, cash, paid = expected
    scale = np.abs(equity).max()
    assert np.abs(ledger["equity"] - equity).max() <= 1e-12 * scale
    assert np.abs(ledger["cash"] - cash).max() <= 1e-12 * scale
    assert np.abs(ledger["commission"] + ledger["spread"] - paid).max() <= 1e-12 * scale


@pytest.mark.parametrize("every", [1, 5, 21])
@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("costs", [Costs(), COSTLY, FIXED])
def test_the_ledger_agrees_with_the_plain_loop(make_world, every, short, costs):
    world = make_world(every, every=every, short=short)
    assert_same(lived(world, costs=costs)[0], plain_loop(world, costs=costs))


@pytest.mark.parametrize("how", [{"at_open": True}, {"gone_after": 1}, {"cash_dividends": True}])
@pytest.mark.parametrize("every", [1, 5])
def test_it_agrees_at_the_open_with_names_closed_out_and_dividends_in_cash(make_world, how, every):
    world = make_world(7, every=every)
    assert_same(lived(world, **how)[0], plain_loop(world, **how))


@pytest.fixture(scope="module")
def real_world(make_world):
    """Twenty-one US tickers as traded, with their splits and dividends, 2015 to 2020."""
    if not (DATA / "us_daily_raw.csv.gz").exists():
        pytest.skip("../shared/data/us_daily_raw.csv.gz is absent")
    with gzip.open(DATA / "us_daily_raw.csv.gz", "rt") as file:
        rows = [row for row in csv.DictReader(file) if "2015-01-01" <= row["Date"] < "2021-01-01"]
    dates, symbols = sorted({row["Date"] for row in rows}), sorted({row["Ticker"] for row in rows})
    at, of = {day: i for i, day in enumerate(dates)}, {name: i for i, name in enumerate(symbols)}
    panels = {name: np.full((len(dates), len(symbols)), np.nan) for name in ("Close", "Open")}
    for row in rows:
        for name, values in panels.items():
            values[at[row["Date"]], of[row["Ticker"]]] = float(row[name])
    adj, split = np.ones(panels["Close"].shape), np.ones(panels["Close"].shape)
    with (DATA / "corporate_actions.csv").open() as file:
        for action in csv.DictReader(file):
            t, n = at.get(action["ex_date"]), of.get(action["symbol"])
            if t is None or n is None or t == 0 or not panels["Close"][t - 1, n] > 0:
                continue
            if action["type"] == "split":
                split[:t, n] /= float(action["ratio"])
                adj[:t, n] /= float(action["ratio"])
            else:
                adj[:t, n] *= 1 - float(action["amount"]) / panels["Close"][t - 1, n]
    base = make_world(0)
    days = np.array(dates, dtype="datetime64[D]")
    return type(base)(days, tuple(symbols), panels["Close"], panels["Open"], adj, split, base.rows, base.weights)


@pytest.mark.market_data
@pytest.mark.parametrize("frequency", ["D", "W", "M"])
@pytest.mark.parametrize("costs", [Costs(), FIXED])
def test_it_agrees_on_real_prices(real_world, frequency, costs):
    rows = schedule(real_world.dates, frequency)
    rows = rows[rows > 21]
    past = real_world.close * real_world.adj_factor
    momentum = np.nan_to_num(past[rows - 1] / past[rows - 21] - 1.0)
    momentum[~(real_world.close[rows] > 0)] = 0.0
    weights = momentum / np.abs(momentum).sum(axis=1, keepdims=True)
    world = type(real_world)(*(getattr(real_world, name) for name in list(vars(real_world))[:6]), rows, weights)
    assert_same(lived(world, costs=costs)[0], plain_loop(world, costs=costs))


parameters = some.fixed_dictionaries(
    {
        "seed": some.integers(0, 10_000),
        "every": some.sampled_from([1, 3, 5, 21]),
        "short": some.booleans(),
        "at_open": some.booleans(),
        "cash_dividends": some.booleans(),
        "gone_after": some.sampled_from([1, 4, 10]),
    }
)
thorough = settings(max_examples=40, deadline=None, derandomize=True)


def split_up(drawn):
    world = {name: drawn[name] for name in ("seed", "every", "short")}
    return world, {name: value for name, value in drawn.items() if name not in world}


@given(drawn=parameters, costs=some.sampled_from([Costs(), COSTLY, FIXED]), rate=some.sampled_from([0.0, 0.03]))
@thorough
def test_every_day_equity_is_cash_plus_positions_and_the_attribution_sums(make_world, drawn, costs, rate):
    shape, how = split_up(drawn)
    ledger, place, plan, terms = lived(make_world(**shape), costs=costs, rate=rate, **how)
    held = np.zeros(len(ledger["equity"]))
    for start, end, units in ledger.holdings():
        shares, price = units * place.factor[start:end], place.unit_close[start:end] / place.factor[start:end]
        held[start:end] = (shares * price).sum(axis=1)
    cent_per_million = 1e-8 * np.abs(ledger["equity"])
    assert (np.abs(ledger["cash"] + held - ledger["equity"]) <= cent_per_million).all()
    parts = attribute(ledger, place, plan, terms)
    assert parts.pnl.sum() + parts.interest == pytest.approx(ledger["equity"][-1] - terms.capital, abs=1e-10 * 1e6)


@given(drawn=parameters, cut=some.integers(5, 80))
@thorough
def test_the_future_changes_no_bit_of_the_past(make_world, drawn, cut):
    shape, how = split_up(drawn)
    world = make_world(**shape)
    whole = lived(world, **how)[0]
    noise = np.random.default_rng(cut).uniform(0.2, 5.0, size=world.close.shape)
    noise[: cut + 1] = 1.0
    poisoned = type(world)(**{**vars(world), "close": world.close * noise, "open": world.open * noise})
    kept = {name: values[: cut + 1] for name, values in vars(world).items() if name in {"dates", "close", "open"}}
    before = world.rows <= cut
    kept |= {name: getattr(world, name)[: cut + 1] for name in ("adj_factor", "split_factor")}
    cut_off = type(world)(**{**vars(world), **kept, "rows": world.rows[before], "weights": world.weights[before]})
    others = [lived(poisoned, **how)[0], lived(world, last=cut, **how)[0], lived(cut_off, **how)[0]]
    for other in others:
        same_history(whole, other, cut)


def same_history(whole, other, cut):
    for name in DAILY:
        assert other[name][: cut + 1].tobytes() == whole[name][: cut + 1].tobytes(), name
    mine, theirs = ([basket for basket in ledger.baskets if basket.row <= cut] for ledger in (whole, other))
    assert [basket.row for basket in mine] == [basket.row for basket in theirs]
    for a, b in zip(mine, theirs, strict=True):
        assert a.units.tobytes() == b.units.tobytes()
        assert a.traded.tobytes() == b.traded.tobytes()


def test_new_corporate_actions_after_the_data_was_cut_change_no_bit_of_the_past(make_world):
    world = make_world(4)
    later = type(world)(
        **{
            **vars(world),
            "adj_factor": world.adj_factor * (0.5 * (1 - 0.31 / 47.3)),
            "split_factor": world.split_factor * 0.5,
        }
    )
    same_history(lived(world)[0], lived(later)[0], len(world.dates))


@given(drawn=parameters, scale=some.sampled_from([1e-3, 0.37, 2.0, 1e4]))
@thorough
def test_without_fixed_fees_the_outcome_does_not_depend_on_the_capital(make_world, drawn, scale):
    shape, how = split_up(drawn)
    world = make_world(**shape)
    small, large = lived(world, **how)[0], lived(world, capital=1e6 * scale, **how)[0]
    assert large["equity"] == pytest.approx(small["equity"] * scale, rel=1e-11)


@given(drawn=parameters, bps=some.floats(0.1, 50.0))
@thorough
def test_costs_never_help(make_world, drawn, bps):
    shape, how = split_up(drawn)
    world = make_world(**shape)
    free = lived(world, costs=Costs(), rate=0.0, **how)[0]
    paid = lived(world, costs=Costs(commission=bps / 1e4), rate=0.0, **how)[0]
    assert (paid["equity"] <= free["equity"] * (1 + 1e-12)).all()


def test_a_name_whose_prices_end_is_closed_at_its_last_price(make_world):
    world = make_world(2, short=False, every=100)
    ledger, place, *_ = lived(world, gone_after=5, costs=Costs(), rate=0.0)
    last = int(np.flatnonzero(world.close[:, 0] > 0)[-1])
    basket = next(basket for basket in ledger.baskets if basket.exits)
    assert basket.row == last + 5
    assert basket.exits[0].reason == "missing_price"
    units = ledger.baskets[0].units[0]
    assert -basket.traded[0] == pytest.approx(units * place.factor[last, 0] * world.close[last, 0])
    assert basket.units[0] == 0.0
    assert np.isfinite(ledger["equity"]).all()


@pytest.mark.parametrize("final", [-1.0, -0.4, 0.25])
def test_a_delisting_return_is_paid_the_session_after(make_world, final):
    world = make_world(2, short=False, every=100, blemished=False)
    gone = 30
    close = world.close.copy()
    close[gone + 1 :, 2] = np.nan
    delisting = np.full(close.shape, np.nan)
    delisting[gone, 2] = final
    world = type(world)(**{**vars(world), "close": close})
    ledger, place, *_ = lived(world, costs=Costs(), rate=0.0, delisting_return=delisting)
    basket = next(basket for basket in ledger.baskets if basket.exits)
    assert (basket.row, basket.exits[0].reason) == (gone + 1, "delisted")
    assert basket.units[2] == 0.0
    others = ledger.baskets[0].units.copy()
    others[2] = 0.0
    change = ledger["equity"][gone + 1] - ledger["equity"][gone]
    rest = (others * (place.unit_close[gone + 1] - place.unit_close[gone])).sum()
    worth = ledger.baskets[0].units[2] * world.close[gone, 2]
    assert change - rest == pytest.approx(worth * final, rel=1e-9)


def test_bankruptcy_stops_the_run(make_world):
    world = make_world(1, blemished=False, every=100, names=2)
    close = world.close.copy()
    close[40:, 0] *= 8.0
    weights = np.array([[-1.0, 1.0]])
    world = type(world)(**{**vars(world), "close": close, "weights": weights})
    ledger, *_ = lived(world, costs=Costs())
    assert ledger.bankrupt
    assert ledger.last == 40
    assert ledger["equity"][-1] <= 0.0 < ledger["equity"][-2]


def test_no_trade_exceeds_its_share_of_the_average_volume(make_world):
    world = make_world(3, blemished=False)
    known = Liquidity(np.full(world.weights.shape, 0.02), np.full(world.weights.shape, 1e5))
    ledger, *_ = lived(world, liquidity=known, limit=0.1)
    assert max(np.abs(basket.traded).max() for basket in ledger.baskets) <= 1e4 * (1 + 1e-12)
    assert ledger.cut.trades > 0
    assert ledger.cut.notional > 0.0
    assert ledger.unpriced.trades == 0


def test_impact_grows_with_the_power_of_one_and_a_half(make_world):
    world = make_world(3, blemished=False, every=100)
    known = Liquidity(np.full(world.weights.shape, 0.02), np.full(world.weights.shape, 1e7))
    impacts = [
        lived(world, costs=Costs(impact=0.1), liquidity=known, capital=capital, rate=0.0)[0]["impact"].sum()
        for capital in (1e6, 4e6)
    ]
    assert impacts[1] == pytest.approx(impacts[0] * 8.0)
    traded = np.abs(world.weights[0]) * 1e6
    assert impacts[0] == pytest.approx((0.1 * 0.02 * np.sqrt(traded / 1e7) * traded).sum())


def test_weights_that_are_no_numbers_are_refused(make_world):
    world = make_world(0)
    world.weights[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        lived(world)
