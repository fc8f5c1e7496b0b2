import numpy as np

from tasks.quant.as_of import as_of, valid_codes

nan = np.nan
DATES = np.array(["2024-01-02", "2024-01-04", "2024-01-05", "2024-01-08"], dtype="datetime64[D]")


def days(*texts):
    return np.array(texts, dtype="datetime64[D]")


def test_a_value_is_known_from_its_day_on():
    found = as_of(
        DATES,
        2,
        known_from=days("2024-01-05", "2024-01-03", "2023-06-01", "2024-02-01"),
        column=np.array([0, 0, 1, 1]),
        values=np.array([7.0, 5.0, 1.0, 9.0]),
    )
    np.testing.assert_array_equal(found, [[nan, 1.0], [5.0, 1.0], [7.0, 1.0], [7.0, 1.0]])


def test_of_two_values_between_sessions_the_later_counts():
    found = as_of(
        DATES, 1, known_from=days("2024-01-07", "2024-01-06"), column=np.zeros(2, int), values=np.array([2.0, 1.0])
    )
    np.testing.assert_array_equal(found[:, 0], [nan, nan, nan, 2.0])


def test_codes_hold_within_their_days_and_the_later_row_wins_an_overlap():
    found = valid_codes(
        DATES,
        2,
        column=np.array([0, 0, 1]),
        code=np.array([3, 4, 5]),
        valid_from=days("NaT", "2024-01-05", "2024-01-03"),
        valid_to=days("2024-01-05", "NaT", "2024-01-05"),
    )
    np.testing.assert_array_equal(found, [[3, -1], [3, 5], [4, 5], [4, -1]])
