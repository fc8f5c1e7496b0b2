import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.quant.expression.check import expression
from tasks.quant.expression.evaluate import Given, evaluate
from tasks.quant.expression.operators import GROUP, NAMED, OPERATORS, SCALAR, TRUTH, Literal

T, N = 90, 14


def market():
    rng = np.random.default_rng(31)
    close = 40 * np.exp(np.cumsum(rng.normal(0, 0.03, (T, N)), axis=0))
    close[rng.random(close.shape) < 0.05] = np.nan
    close[:30, -1] = np.nan
    close[50:, -2] = np.nan
    volume = rng.integers(0, 4, (T, N)) * 1000.0  # with zeros and ties
    returns = np.full((T, N), np.nan)
    returns[1:] = close[1:] / close[:-1] - 1.0
    sector = np.broadcast_to(rng.integers(-1, 3, N), (T, N))
    members = np.isfinite(close)
    members[:, 3] &= np.arange(T) % 20 < 12
    return Given({"close": close, "volume": volume, "returns": returns}, members, {"sector": sector}, 0.5)


MARKET = market()


def value(text, given=MARKET):
    return evaluate(expression(text), given)


def changed(given, rows=slice(None), columns=slice(None)):
    cut = lambda panel: np.array(panel[rows][:, columns])
    panels = {name: cut(panel) for name, panel in given.columns.items()}
    groups = {name: cut(panel) for name, panel in given.groups.items()}
    return Given(panels, cut(given.members), groups, given.min_coverage)


# --- random expressions, made from the operators' own declarations ---


def numbers(depth):
    leaf = st.sampled_from(["close", "volume", "returns"])
    return leaf if depth == 0 else st.one_of(leaf, calls(depth, wanted="numbers"))


def conditions(depth):
    return calls(max(depth, 1), wanted="conditions")


@st.composite
def calls(draw, depth, wanted):
    names = [name for name, operator in OPERATORS.items() if (operator.gives is TRUTH) == (wanted == "conditions")]
    simple = [name for name in names if depth > 1 or TRUTH not in OPERATORS[name].takes]
    name = draw(st.sampled_from(simple))
    arguments = [draw(argument(taken, depth - 1)) for taken in OPERATORS[name].takes]
    if name in NAMED:
        return f"{name}({', '.join(arguments)})"
    return f"({name.removesuffix('x')} {arguments[0]})" if len(arguments) == 1 else f"({f' {name} '.join(arguments)})"


def argument(taken, depth):
    if isinstance(taken, Literal):
        if taken.whole:
            return st.integers(int(taken.lowest), 40).map(str)
        return (
            st.floats(taken.lowest, min(taken.highest, 30.0))
            .map(lambda v: f"{v:.3f}")
            .filter(lambda v: float(v) > 0.01)
        )
    if taken is GROUP:
        return st.just("sector")
    if taken is TRUTH:
        return conditions(depth)
    if taken is SCALAR:
        return st.one_of(numbers(depth), numbers(depth), st.sampled_from(["2", "0.5", "0", "1.7"]))
    return numbers(depth)


def sensible(text):
    try:
        expression(text)
    except ValueError:
        return False
    return True


RANDOM = calls(3, wanted="numbers").filter(sensible)
SLOWLY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@given(RANDOM, st.integers(1, T - 1))
@SLOWLY
def test_nothing_after_a_date_changes_a_bit_up_to_it(text, stop):
    whole = value(text)
    np.testing.assert_array_equal(value(text, changed(MARKET, slice(stop))), whole[:stop])
    poisoned = changed(MARKET)
    rng = np.random.default_rng(stop)
    for panel in poisoned.columns.values():
        panel[stop:] = rng.normal(0, 1e6, panel[stop:].shape)
    poisoned.members[stop:] = rng.random(poisoned.members[stop:].shape) < 0.5
    np.testing.assert_array_equal(value(text, poisoned)[:stop], whole[:stop])


@given(RANDOM)
@SLOWLY
def test_names_not_listed_yet_change_no_bit_of_the_others(text):
    at = [0, 3, 3, 9, N]
    wide = Given(
        {name: np.insert(panel, at, np.nan, axis=1) for name, panel in MARKET.columns.items()},
        np.insert(MARKET.members, at, False, axis=1),
        {"sector": np.insert(MARKET.groups["sector"], at, 2, axis=1)},
        MARKET.min_coverage,
    )
    kept = np.isfinite(np.insert(np.zeros(N), at, np.nan))
    np.testing.assert_array_equal(value(text, wide)[:, kept], value(text))


@given(RANDOM)
@SLOWLY
def test_answers_are_finite_or_absent_and_inputs_stay_as_they_are(text):
    before = {name: panel.copy() for name, panel in MARKET.columns.items()}
    found = value(text)
    assert found.shape == (T, N)
    assert not np.isinf(found).any()
    for name, panel in MARKET.columns.items():
        np.testing.assert_array_equal(panel, before[name])


# --- what the operators mean ---


def test_arithmetic_is_that_of_numpy():
    close, volume = MARKET.columns["close"], MARKET.columns["volume"]
    np.testing.assert_array_equal(value("-close ^ 2 + volume * 3 - 1"), -(close**2) + volume * 3 - 1)
    np.testing.assert_array_equal(value("close * (2 + 3 ^ 2)"), close * 11)


def test_what_can_not_be_divided_or_logged_is_absent():
    volume = MARKET.columns["volume"]
    for text in ("1 / volume", "log(volume)", "volume ^ -1"):
        np.testing.assert_array_equal(np.isnan(value(text)), volume == 0)
    assert np.isnan(value("close / 0")).all()
    assert np.isnan(value("sqrt(-1 - volume)")).all()
    assert np.isnan(value("exp(volume * 1e9) + 0 * volume")[volume > 0]).all()


def test_unknown_conditions_decide_nothing():
    x = np.array([[1.0, -1.0, np.nan]])
    given = Given({"x": x, "zero": np.zeros((1, 3))}, np.ones((1, 3), dtype=bool), {})
    one = lambda condition: value(f"where({condition}, 1, 0) + zero", given)[0].tolist()
    assert one("x > 0")[:2] == [1.0, 0.0]
    assert np.isnan(one("x > 0")[2])
    assert one("x > 0 and zero == 1") == [0.0, 0.0, 0.0]
    assert one("x > 0 or zero == 0") == [1.0, 1.0, 1.0]
    assert np.isnan(one("not x > 0 and zero == 0")[2])
    assert np.isnan(one("x != 0")[2])
    assert value("coalesce(x, 7)", given)[0].tolist() == [1.0, -1.0, 7.0]


def test_operators_across_names_count_members_only():
    found, members = value("demean(close)"), MARKET.members
    close = MARKET.columns["close"]
    assert np.isnan(found[~members]).all()
    expected = close - np.nanmean(np.where(members, close, np.nan), axis=1, keepdims=True)
    np.testing.assert_allclose(found[members], expected[members], rtol=0, atol=1e-12)
    assert np.isfinite(value("mean(close, 5)")[~members]).any()


def test_ranks_do_not_change_under_monotone_maps():
    np.testing.assert_array_equal(value("rank(log(close))"), value("rank(close)"))
    np.testing.assert_array_equal(value("group_rank(close ^ 3, sector)"), value("group_rank(close, sector)"))


def test_zscores_have_mean_0_and_deviation_1():
    found = value("zscore(close)")
    np.testing.assert_allclose(np.nanmean(found, axis=1), 0.0, atol=1e-13)
    np.testing.assert_allclose(np.nanstd(found, axis=1, ddof=1), 1.0)


def test_aliases_and_defaults_are_the_same_operators():
    np.testing.assert_array_equal(value("lag(close, 2)"), value("delay(close, 2)"))
    np.testing.assert_array_equal(value("winsorize(close)"), value("winsorize(close, 0.01, 0.99)"))
    np.testing.assert_array_equal(value("delta(close, 3)"), value("close - lag(close, 3)"))


def test_a_column_that_was_not_given_is_a_key_error():
    with pytest.raises(KeyError):
        value("open")
