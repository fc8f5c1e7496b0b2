"""The dataset types: each one's canonical columns, its key, and the rules that a row must keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

FieldType = Literal["date", "text", "number"]


@dataclass(frozen=True)
class Field:
    """A canonical column, and the header names (compared in lower case, without signs) that are known to mean it."""

    name: str
    type: FieldType
    required: bool = False
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """A reason to set a row aside: `breaks` is SQL over canonical columns, true where the row breaks the rule."""

    reason: str
    column: str
    breaks: str


@dataclass(frozen=True)
class DatasetType:
    """What rows of one type look like.

    With `extras`, columns beyond the canonical ones are kept, as text; with `numbers`, as numbers where they hold them.
    `names` is the column that says whose each row is. `cells` is the column that a wide file, with a column for each
    name, holds in its cells; None where there are no wide files of the type.
    """

    name: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    extras: bool = False
    numbers: bool = False
    names: str = "symbol"
    cells: str | None = None

    def field(self, name: str) -> Field:
        """Return a canonical field by name; KeyError if there is none."""
        return next(field for field in self.fields if field.name == name)


DATE: Final = Field(
    "date", "date", required=True, also=("day", "tradedate", "tradingdate", "session", "timestamp", "time", "asof")
)
SYMBOL: Final = Field(
    "symbol", "text", required=True, also=("ticker", "sym", "instrument", "asset", "security", "secid", "ric")
)

PRICE_FIELDS: Final = ("open", "high", "low", "close")
PRICE_MAX: Final = 1e15  # beyond any price ever quoted; products of such numbers stop being finite
ROUNDING: Final = 1e-6  # vendors round open and close apart from high and low; a relative millionth is no error


def _price_rules() -> tuple[Rule, ...]:
    per_price = [
        rule
        for name in PRICE_FIELDS
        for rule in (
            Rule("not a finite number", name, f"NOT isfinite({name}) OR abs({name}) >= {PRICE_MAX}"),
            Rule("zero price", name, f"{name} = 0"),
            Rule("negative price", name, f"{name} < 0"),
        )
    ]
    return (
        *_present("date", "symbol", "close"),
        _sane_year("date"),
        *per_price,
        Rule("not a finite number", "volume", f"NOT isfinite(volume) OR abs(volume) >= {PRICE_MAX}"),
        Rule("negative volume", "volume", "volume < 0"),
        Rule("high below low", "high", f"high < low * (1 - {ROUNDING})"),
        *(
            Rule(
                f"{name} outside low and high",
                name,
                f"{name} > high * (1 + {ROUNDING}) OR {name} < low * (1 - {ROUNDING})",
            )
            for name in ("open", "close")
        ),
    )


def _present(*names: str) -> tuple[Rule, ...]:
    return tuple(Rule(f"{name} is missing", name, f"{name} IS NULL") for name in names)


def _positive(name: str) -> str:
    return f"coalesce({name} > 0 AND isfinite({name}), false)"


def _sane_year(name: str) -> Rule:
    """Return the rule against a year that a person mistyped or a parser misread."""
    return Rule("year outside 1800 to 2199", name, f"{name} < DATE '1800-01-01' OR {name} > DATE '2199-12-31'")


PRICES: Final = DatasetType(
    "prices",
    (
        DATE,
        SYMBOL,
        Field("open", "number", also=("o", "openprice", "pxopen")),
        Field("high", "number", also=("h", "highprice", "pxhigh")),
        Field("low", "number", also=("l", "lowprice", "pxlow")),
        Field("close", "number", required=True, also=("c", "closeprice", "pxlast", "last", "price", "px")),
        Field("volume", "number", also=("v", "vol", "pxvolume", "shares", "turnovershares")),
        Field("currency", "text", also=("ccy", "cur")),
    ),
    key=("symbol", "date"),
    rules=_price_rules(),
    cells="close",
)

ACTION_TYPES: Final = ("split", "cash_dividend", "stock_dividend", "spin_off", "rename", "merger", "delisting")

CORPORATE_ACTIONS: Final = DatasetType(
    "corporate_actions",
    (
        Field("ex_date", "date", required=True, also=("date", "effectivedate")),
        SYMBOL,
        Field("type", "text", required=True, also=("action", "actiontype", "event")),
        Field("ratio", "number", also=("splitratio", "factor")),
        Field("amount", "number", also=("dividend", "cash", "value")),
        Field("new_symbol", "text", also=("newticker", "tosymbol", "acquirer")),
        Field("final_return", "number", also=("delistingreturn", "dlret")),
        Field("special", "number", also=("isspecial",)),
    ),
    key=("symbol", "ex_date", "type", "ratio", "amount"),  # two dividends on one day are two; the same row twice is one
    rules=(
        *_present("ex_date", "symbol", "type"),
        _sane_year("ex_date"),
        Rule(f"type is not one of {', '.join(ACTION_TYPES)}", "type", f"type NOT IN {ACTION_TYPES}"),
        Rule(
            "a split needs its ratio: 2 for two new shares for each old one",
            "ratio",
            f"type = 'split' AND NOT {_positive('ratio')}",
        ),
        Rule(
            "a stock dividend needs its ratio, above 1: 1.05 for 5 %",
            "ratio",
            f"type = 'stock_dividend' AND NOT ({_positive('ratio')} AND coalesce(ratio > 1, false))",
        ),
        Rule(
            "a cash dividend needs its amount, above 0",
            "amount",
            f"type = 'cash_dividend' AND NOT {_positive('amount')}",
        ),
        Rule(
            "a spin-off needs the amount that its shares were worth per old share, or ratio and new_symbol",
            "amount",
            f"type = 'spin_off' AND NOT ({_positive('amount')} OR ({_positive('ratio')} AND new_symbol IS NOT NULL))",
        ),
        Rule("a rename needs its new_symbol", "new_symbol", "type = 'rename' AND coalesce(new_symbol = symbol, true)"),
        Rule("a final return lies between -1 and 100", "final_return", "NOT (final_return BETWEEN -1 AND 100)"),
        Rule("no money is negative", "amount", "amount < 0 OR NOT isfinite(amount)"),
    ),
    extras=True,
)

CLASSIFICATIONS: Final = DatasetType(
    "classifications",
    (
        SYMBOL,
        Field("date", "date", also=("asof", "validfrom", "effectivedate")),
        Field("sector", "text", also=("gicssector", "sectorname")),
        Field("industry", "text", also=("gicsindustry", "subindustry", "industryname")),
        Field("country", "text", also=("countrycode", "domicile")),
        Field("market_cap", "number", also=("marketcap", "mktcap", "cap")),
    ),
    key=("symbol", "date"),
    rules=(*_present("symbol"), _sane_year("date")),
    extras=True,
)

FUNDAMENTALS: Final = DatasetType(
    "fundamentals",
    (
        SYMBOL,
        Field(
            "available_from",
            "date",
            required=True,
            also=("availableat", "published", "publicationdate", "filed", "filingdate", "reportdate", "datekey"),
        ),
        Field("period_end", "date", also=("periodend", "fiscalperiodend", "reportperiod", "quarterend")),
        Field("currency", "text", also=("ccy", "cur")),
    ),
    key=("symbol", "available_from", "period_end"),
    rules=(
        *_present("symbol"),
        Rule(
            "undated: without available_from nobody can say who knew it when",
            "available_from",
            "available_from IS NULL",
        ),
        _sane_year("available_from"),
        _sane_year("period_end"),
        Rule("published before its period ended", "available_from", "available_from < period_end"),
    ),
    extras=True,
    numbers=True,
)

SYMBOL_MAP: Final = DatasetType(
    "symbol_map",
    (
        SYMBOL,
        Field("valid_from", "date", also=("start", "from", "startdate")),
        Field("valid_to", "date", also=("end", "to", "enddate")),
        Field("permanent_id", "text", required=True, also=("permid", "id", "figi", "permno")),
        Field("venue", "text", also=("exchange", "mic")),
    ),
    key=("symbol", "valid_from"),
    rules=(
        *_present("symbol", "permanent_id"),
        Rule("valid_to lies before valid_from", "valid_to", "valid_to < valid_from"),
    ),
    extras=True,
)

BENCHMARK_WEIGHTS: Final = DatasetType(
    "benchmark_weights",
    (
        DATE,
        SYMBOL,
        Field("weight", "number", required=True, also=("w", "wgt", "weightpct")),
        Field("benchmark", "text", also=("index", "indexname")),
    ),
    key=("benchmark", "symbol", "date"),
    rules=(
        *_present("date", "symbol", "weight"),
        _sane_year("date"),
        Rule("a weight is a fraction: 0.02 for 2 %", "weight", "NOT (abs(weight) <= 1)"),
    ),
)

POSITIONS: Final = DatasetType(
    "positions",
    (
        SYMBOL,
        Field("quantity", "number", required=True, also=("qty", "shares", "units")),
        Field("date", "date", also=("asof", "day")),
        Field("price", "number", also=("px", "lastprice")),
        Field("currency", "text", also=("ccy", "cur")),
        Field("account", "text", also=("portfolio", "book")),
    ),
    key=("account", "symbol", "date"),
    rules=(
        *_present("symbol", "quantity"),
        _sane_year("date"),
        Rule("not a finite number", "quantity", f"NOT isfinite(quantity) OR abs(quantity) >= {PRICE_MAX}"),
        Rule("not a price", "price", f"NOT isfinite(price) OR price <= 0 OR price >= {PRICE_MAX}"),
    ),
    extras=True,
)

FACTOR_RETURNS: Final = DatasetType(
    "factor_returns",
    (
        DATE,
        Field("factor", "text", required=True, also=("factorname", "series", "name")),
        Field("return", "number", required=True, also=("ret", "factorreturn", "value")),
    ),
    key=("factor", "date"),
    rules=(
        *_present("date", "factor", "return"),
        _sane_year("date"),
        Rule("a return is a fraction above -1: 0.02 for 2 %", "return", 'NOT ("return" > -1 AND "return" < 100)'),
    ),
    names="factor",
    cells="return",
)

TEXT: Final = DatasetType(
    "text",
    (
        Field("date", "date", required=True, also=("day", "published", "publicationdate", "asof")),
        SYMBOL,
        Field("text", "text", required=True, also=("body", "content", "headline", "article", "summary")),
        Field("title", "text", also=("subject",)),
        Field("source", "text", also=("publisher", "provider")),
    ),
    key=("symbol", "date", "text"),  # a symbol may have many texts on one day
    rules=(*_present("date", "symbol", "text"), _sane_year("date")),
    extras=True,
)

TYPES: Final = {
    each.name: each
    for each in (
        PRICES,
        FUNDAMENTALS,
        CORPORATE_ACTIONS,
        SYMBOL_MAP,
        CLASSIFICATIONS,
        BENCHMARK_WEIGHTS,
        FACTOR_RETURNS,
        POSITIONS,
        TEXT,
    )
}
OFFERED: Final = tuple(TYPES)
