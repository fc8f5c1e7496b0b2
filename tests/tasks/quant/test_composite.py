import numpy as np

from tasks.quant.composite import composite, growth, lagged, neutral_where_missing, ratio

nan = np.nan


def test_a_composite_is_the_mean_of_z_scores():
    a, b = np.array([[1.0, 2.0, 3.0]]), np.array([[30.0, 10.0, 20.0]])
    np.testing.assert_allclose(composite([a, b]), [[0.0, -0.5, 0.5]], atol=0.02)  # clipped at the 1st and 99th


def test_a_name_needs_enough_parts():
    a = np.array([[1.0, 2.0, 3.0, 4.0]])
    b = np.array([[1.0, nan, 3.0, nan]])
    assert np.isfinite(composite([a, b], 0.5)).all()
    np.testing.assert_array_equal(np.isfinite(composite([a, b], 1.0)), [[True, False, True, False]])


def test_a_ratio_to_nothing_or_a_loss_is_missing():
    found = ratio(np.array([[1.0, 1.0, 1.0, nan]]), np.array([[2.0, 0.0, -1.0, 1.0]]))
    np.testing.assert_array_equal(found, [[0.5, nan, nan, nan]])


def test_growth_needs_a_positive_base():
    np.testing.assert_array_equal(growth(np.array([[3.0, 3.0]]), np.array([[2.0, -2.0]])), [[0.5, nan]])


def test_lagging_looks_back_only():
    panel = np.arange(4.0)[:, None]
    np.testing.assert_array_equal(lagged(panel, 3)[:, 0], [nan, nan, nan, 0.0])
    assert np.isnan(lagged(panel, 9)).all()


def test_a_member_without_a_score_counts_as_average():
    panel = np.array([[1.0, nan, 3.0, nan, 50.0], [nan] * 5])
    members = np.array([[True, True, True, False, False]] * 2)
    found = neutral_where_missing(panel, members)
    np.testing.assert_array_equal(found, [[1.0, 2.0, 3.0, nan, 50.0], [nan] * 5])
