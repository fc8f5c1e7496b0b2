import numpy as np
import pytest

from tasks.quant.neutralize import Exposures
from tasks.quant.scoring import BLOCK_ROWS, Recipe, score

RECIPES = [
    Recipe((0.6, 0.4), half_life=5.0),
    Recipe((1.0, 1.0), winsorize="mad", limits=(-3.0, 3.0), standardize="rank_normal"),
    Recipe((1.0, 2.0), winsorize="sigma", limits=(-2.0, 2.0), standardize="rank", half_life=2.0, min_coverage=1.0),
    Recipe((1.0, 1.0), winsorize="none", limits=(0.0, 0.0)),
]


@pytest.fixture
def market():
    rng = np.random.default_rng(21)
    raws = [rng.standard_t(3, (90, 40)) for _ in range(2)]
    for raw in raws:
        raw[rng.random(raw.shape) < 0.1] = np.nan
    raws[0][:3] = np.nan
    cap = rng.normal(23, 2, (90, 40))
    return raws, Exposures((cap,), np.broadcast_to(rng.integers(0, 4, 40), (90, 40)))


def same(a, b):
    for x, y in zip((*a.before, *a.after, a.score), (*b.before, *b.after, b.score), strict=True):
        np.testing.assert_array_equal(x, y)


def rows(found, part):
    cut = lambda panels: tuple(panel[part] for panel in panels)
    return type(found)(cut(found.before), cut(found.after), found.score[part])


@pytest.mark.parametrize("recipe", RECIPES)
def test_later_rows_change_no_bit_of_earlier_ones(market, recipe):
    raws, exposures = market
    whole = score(raws, recipe, exposures)
    for stop in (1, 2, BLOCK_ROWS, BLOCK_ROWS + 1, 70):
        cut = Exposures(tuple(panel[:stop] for panel in exposures.panels), exposures.groups[:stop])
        same(score([raw[:stop] for raw in raws], recipe, cut), rows(whole, slice(stop)))


@pytest.mark.parametrize("recipe", RECIPES)
def test_names_without_values_change_no_bit_of_the_others(market, recipe):
    raws, exposures = market
    at = [0, 7, 7, 20, 40]
    wide = lambda panel, fill: np.insert(panel, at, fill, axis=1)
    kept = np.isfinite(wide(np.zeros((1, 40)), np.nan)[0])
    groups = np.broadcast_to(wide(exposures.groups[:1], 2)[0], (90, 45))
    found = score([wide(raw, np.nan) for raw in raws], recipe, Exposures((wide(exposures.panels[0], np.nan),), groups))
    same(rows(found, (slice(None), kept)), score(raws, recipe, exposures))


def test_each_cross_section_of_a_score_has_mean_0_and_deviation_1(market):
    raws, exposures = market
    found = score(raws, RECIPES[0], exposures)
    for panel in (*found.before, *found.after, found.score):
        full = np.isfinite(panel).any(axis=1)
        np.testing.assert_allclose(np.nanmean(panel[full], axis=1), 0.0, atol=1e-13)
        np.testing.assert_allclose(np.nanstd(panel[full], axis=1, ddof=1), 1.0, rtol=1e-12)


def test_a_cross_section_with_too_few_names_is_null(market):
    raws, exposures = market
    raws[0][50, 9:] = raws[1][50, 9:] = np.nan
    found = score(raws, RECIPES[0], exposures)
    assert np.isnan(found.score[50]).all()
    assert np.isfinite(found.score[49]).sum() > 10


def test_without_exposures_after_is_before(market):
    found = score(market[0], RECIPES[3])
    assert found.after is found.before


def test_progress_ends_at_one(market):
    told = []
    score(market[0], RECIPES[3], report=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_every_factor_needs_a_weight(market):
    with pytest.raises(ValueError, match="2 factors, but 1 weights"):
        score(market[0], Recipe((1.0,)))
