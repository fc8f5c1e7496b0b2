import csv
import hashlib
from collections import Counter
from itertools import groupby, pairwise

import pytest

from infra.cli import universe

SHA256 = {
    "prices": "ab8163c99451bef677f267f7e8c7d9265e1591f1c9509e9b776548988de7fc95",
    "actions": "99f33010ac9ee44604093f5369673427ffb6ff1cf666ec49242b3a3b89b0b9c7",
    "sectors": "a255ab49768aa73b5d6f044fee8858bdbfd40c915ca3f8ca98e693beca3ab2bf",
    "index": "c5db35fb272230f5ab52cd602a9077e5d5d733cfd60dcf9b51e162eb2d40bb93",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return universe.write(tmp_path_factory.mktemp("universe"))


def rows(path):
    with path.open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_bytes_are_the_same_every_time_and_everywhere(files, tmp_path):
    again = universe.write(tmp_path)
    for name, expected in SHA256.items():
        assert digest(getattr(files, name)) == digest(getattr(again, name)) == expected


def test_it_is_150_stocks_over_five_years(files):
    prices = rows(files.prices)
    by_day = Counter(row["date"] for row in prices)
    assert len(by_day) == 1258
    assert (min(by_day), max(by_day)) == ("2019-01-02", "2023-12-29")
    assert set(by_day.values()) <= {148, 149, 150, 151}
    assert len({row["symbol"] for row in prices}) == 151  # one of them under two tickers


def test_every_symbol_has_a_sector(files):
    sectors = {row["symbol"]: row["sector"] for row in rows(files.sectors)}
    assert set(sectors) == {row["symbol"] for row in rows(files.prices)}
    assert len(set(sectors.values())) == 11


def test_a_split_and_a_dividend_show_in_the_prices(files):
    closes = {(row["symbol"], row["date"]): float(row["close"]) for row in rows(files.prices)}
    days = sorted({date for _, date in closes})
    splits = [row for row in rows(files.actions) if row["type"] == "split"]
    assert len(splits) >= 10
    for split in splits:
        before = closes[split["symbol"], days[days.index(split["ex_date"]) - 1]]
        assert before / closes[split["symbol"], split["ex_date"]] == pytest.approx(float(split["ratio"]), rel=0.15)
    kinds = Counter(row["type"] for row in rows(files.actions))
    assert kinds["cash_dividend"] > 1000
    assert kinds["rename"] == kinds["delisting"] == 1


def test_the_blemishes_are_there(files):
    prices = rows(files.prices)
    assert sum(float(row["close"]) < 0 for row in prices) == 1
    assert sum(float(row["high"]) < float(row["low"]) for row in prices) == 1
    assert max(Counter((row["symbol"], row["date"]) for row in prices).values()) == 2
    flat = [row for row in prices if row["volume"] == "0"]
    assert len({row["close"] for row in flat}) == 1
    assert len(flat) >= 10
    bars = {symbol: list(group) for symbol, group in groupby(sorted(prices, key=_place), key=lambda row: row["symbol"])}
    jumps = [
        (before, after, float(after["close"]) / float(before["close"]))
        for series in bars.values()
        for before, after in pairwise(series)
    ]
    assert any(change > 1.3 for *_, change in jumps)  # the bad tick


def _place(row):
    return row["symbol"], row["date"]
