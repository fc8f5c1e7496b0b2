from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from tasks.quant.construction import Rule, target_weights

NAN = np.nan
TEN = np.arange(10.0)[None, :]


def weights(scores, **rule):
    return target_weights(np.array(scores, dtype=float), Rule(**rule))


def test_the_top_fifth_is_held_in_equal_parts():
    assert weights(TEN, type="quantile_long_only")[0].tolist() == [0.0] * 8 + [0.5, 0.5]


def test_a_long_short_quantile_takes_both_ends():
    found = weights(TEN, type="quantile_long_short", gross=2.0, net=0.0)
    assert found[0].tolist() == [-0.5, -0.5, 0, 0, 0, 0, 0, 0, 0.5, 0.5]


def test_a_fraction_of_a_name_is_rounded_down_but_never_to_none():
    assert np.count_nonzero(weights(TEN, type="quantile_long_only", quantile=0.29)) == 2
    assert np.count_nonzero(weights([[1.0, 2.0, 3.0]], type="quantile_long_only", quantile=0.2)) == 1
    assert np.count_nonzero(weights(TEN, type="quantile_long_only", quantile=0.3)) == 3  # 0.3 · 10 is 3, not 2.999…


def test_net_exposure_divides_the_legs():
    found = weights(TEN, type="quantile_long_short", gross=1.6, net=1.0)[0]
    assert found[found > 0].sum() == pytest.approx(1.3)
    assert found[found < 0].sum() == pytest.approx(-0.3)


def test_score_weights_are_alphalens_factor_weights():
    # alphalens tests/test_performance.py (V20): demeaned over gross, and long only
    assert weights([[3, 4, 2, 1]], type="score_weighted", net=0.0)[0] == pytest.approx([0.125, 0.375, -0.125, -0.375])
    assert weights([[3, 4, 2, 1]], type="score_weighted")[0] == pytest.approx([0.3, 0.4, 0.2, 0.1])
    assert weights([[3, NAN, NAN, 1, 4]], type="score_weighted", net=0.0)[0] == pytest.approx([0.1, 0, 0, -0.5, 0.4])


def test_negative_scores_are_not_bought():
    assert weights([[3, -4, 1]], type="score_weighted")[0] == pytest.approx([0.75, 0.0, 0.25])


def test_ties_go_to_the_first_name():
    assert weights([[1.0, 1.0, 1.0, 1.0]], type="top_n", top_n=2)[0].tolist() == [0.5, 0.5, 0.0, 0.0]


def test_equal_scores_share_a_score_weighted_leg_equally():
    assert weights([[2.0, 2.0, 2.0, 2.0]], type="top_n", top_n=2, weighting="score")[0].tolist() == [0.5, 0.5, 0, 0]


def test_inverse_volatility():
    volatility = np.array([[0.1, 0.2, NAN, 0.4]])
    found = target_weights(
        np.array([[1.0, 2.0, 3.0, NAN]]), Rule("top_n", top_n=3, weighting="inverse_volatility"), volatility
    )
    sizes = np.array([1 / 0.1, 1 / 0.2, 1 / 0.15, 0.0])  # the third takes the median of those scored
    assert found[0] == pytest.approx(sizes / sizes.sum())
    with pytest.raises(ValueError, match="needs volatilities"):
        target_weights(TEN, Rule("top_n", weighting="inverse_volatility"))


def test_the_excess_over_the_cap_goes_to_the_others_then_to_cash():
    scores = [[5.0, 3.0, 1.0, 1.0]]
    assert weights(scores, type="score_weighted", max_weight=0.4)[0] == pytest.approx([0.4, 0.36, 0.12, 0.12])
    assert weights(scores, type="score_weighted", max_weight=0.3)[0] == pytest.approx([0.3, 0.3, 0.2, 0.2])
    assert weights(scores, type="score_weighted", max_weight=0.2)[0] == pytest.approx([0.2] * 4)


@pytest.mark.parametrize(
    ("scores", "rule"),
    [
        ([[NAN, NAN, NAN]], {"type": "quantile_long_only"}),
        ([[1.0, NAN, NAN]], {"type": "quantile_long_short", "net": 0.0}),
        ([[-1.0, -2.0, NAN]], {"type": "score_weighted"}),
        ([[2.0, 2.0, NAN]], {"type": "score_weighted", "net": 0.0}),
    ],
)
def test_too_few_names_decide_nothing(scores, rule):
    assert np.isnan(weights(scores, **rule)).all()


numbers = some.one_of(some.just(NAN), some.floats(-3, 3).map(lambda x: round(x, 3)))


@given(
    scores=arrays(np.float64, some.tuples(some.integers(1, 4), some.integers(1, 12)), elements=numbers),
    kind=some.sampled_from(["quantile_long_only", "quantile_long_short", "score_weighted", "top_n"]),
    weighting=some.sampled_from(["equal", "score"]),
    cap=some.sampled_from([None, 0.15, 0.4]),
    net=some.sampled_from([-1.0, 0.0, 0.3, 1.0]),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_limits_hold_and_each_row_stands_alone(scores, kind, weighting, cap, net):
    net = 1.0 if kind == "quantile_long_only" else net
    rule = Rule(kind, quantile=0.25, top_n=3, weighting=weighting, gross=1.0, net=net, max_weight=cap)
    found = target_weights(scores, rule)
    for k, row in enumerate(found):
        assert target_weights(scores[k : k + 1], rule)[0].tobytes() == row.tobytes()
        if np.isnan(row).any():
            continue
        assert (row[np.isnan(scores[k])] == 0.0).all()
        assert row[row > 0].sum() <= rule.long + 1e-12
        assert -row[row < 0].sum() <= rule.short + 1e-12
        assert np.abs(row).max() <= (cap or 1.0) + 1e-12
        if cap is None:
            assert np.abs(row).sum() == pytest.approx(1.0)
            assert row.sum() == pytest.approx(net)
