import subprocess
import sys
from pathlib import Path

import pytest

from tasks.quant.expression.check import expression
from tasks.quant.expression.evaluate import ACROSS, ELEMENTS, PAST, WINDOWS
from tasks.quant.expression.fault import ExpressionFault
from tasks.quant.expression.operators import ALIASES, GROUPS, NAMED, OPERATORS, PRICE_COLUMNS

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    "text",
    [
        "close",
        "rank(-delta(close, 5))",
        "where(close > mean(close, 20) and not volume < 1000, 1, -1)",
        "group_zscore(log(market_cap), sector)",
        "winsorize(net_income / book_equity)",
        "winsorize(close, 0.05, 0.95)",
        "clip(returns, -0.1, 0.1) * 2 ^ 0.5",
        "lag(close, 1) + ts_mean(close, 5)",
        "ema(returns, 2.5)",
        "beta(returns, delay(returns, 1), 60)",
    ],
)
def test_sensible_expressions_pass(text):
    assert expression(text).text == text


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("1 + 2", 3, "a factor needs a column"),
        ("close > 1", 7, "where(condition, 1, 0)"),
        ("sector", 1, "a group"),
        ("1 < 2", 3, "two fixed numbers"),
        ("abs(close > 1)", 11, "where(condition, 1, 0)"),
        ("close and returns > 0", 1, "compare it"),
        ("where(close, 1, 2)", 7, "compare it"),
        ("group_mean(close, volume)", 19, "name one of: sector"),
        ("close + sector", 9, "not a group"),
        ("mean(close)", 1, "mean(a, window)"),
        ("mean(close, 5, 6)", 1, "was given 3"),
        ("mean(close, 0)", 13, "from 1 to 2520"),
        ("mean(close, -5)", 13, "written out"),
        ("mean(close, 2.5)", 13, "whole number"),
        ("mean(close, 5 + 5)", 15, "written out"),
        ("mean(close, volume)", 13, "written out"),
        ("mean(close, 99999)", 13, "from 1 to 2520"),
        ("std(close, 1)", 12, "from 2"),
        ("corr(close, volume, 2)", 21, "from 3"),
        ("ts_rank(close, 2520)", 16, "504"),
        ("ema(close, 0)", 12, "0.01"),
        ("winsorize(close, 0.1)", 1, "was given 2"),
        ("winsorize(close, 1, 99)", 21, "share"),
        ("mean(5, 20)", 6, "one number"),
        ("meen(close, 5)", 1, "did you mean 'mean'"),
        ("eval(close)", 1, "no operator"),
        ("rank", 1, "call it"),
        ("lag + 1", 1, "call it"),
    ],
)
def test_nonsense_is_refused_where_it_stands(text, column, says):
    with pytest.raises(ExpressionFault) as found:
        expression(text)
    assert says in found.value.detail
    assert found.value.at == column - 1


def test_columns_and_groups_are_told_with_the_place_they_first_stand():
    found = expression("close + group_mean(volume * close, sector)")
    assert found.columns == {"close": 0, "volume": 19}
    assert found.groups == {"sector": 35}


def test_every_operator_can_be_worked_out_and_no_other():
    assert set(ELEMENTS) | set(PAST) | set(WINDOWS) | set(ACROSS) | {"winsorize"} == set(OPERATORS)


def test_no_name_means_two_things():
    named = [*NAMED, *ALIASES, *GROUPS, *PRICE_COLUMNS]
    assert len(named) == len(set(named))
    assert set(ALIASES.values()) <= set(NAMED)


def test_the_manual_names_every_operator_and_column():
    manual = (ROOT / "docs" / "expressions.md").read_text()
    for name, operator in NAMED.items():
        line = next((line for line in manual.splitlines() if line.startswith(f"| `{name}(")), "")
        assert operator.about in line, name
    for name in [*ALIASES, *PRICE_COLUMNS, *GROUPS]:
        assert f"`{name}`" in manual, name


def test_checking_needs_no_numerical_library():
    code = (
        "import sys, tasks.quant.expression.check, tasks.factors.kind\n"
        "assert not {'numpy', 'pandas', 'duckdb'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
