from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pytest

from reports.json_text import json_text


def refuse(text):
    raise AssertionError(f"{text} is not JSON")


def test_what_is_not_finite_is_null_and_strict_parsers_read_the_rest():
    content = {"ratio": float("inf"), "x": np.array([1.0, np.nan]), "n": np.int64(3), "deep": [{"y": -np.inf}]}
    assert json.loads(json_text(content), parse_constant=refuse) == {
        "ratio": None, "x": [1.0, None], "n": 3, "deep": [{"y": None}],
    }  # fmt: skip


def test_dates_decimals_and_texts_are_written_as_themselves():
    content = {
        "d": np.array(["2024-02-29", "NaT"], dtype="datetime64[D]"),
        "e": dt.date(2024, 1, 2),
        "m": Decimal("1.10"),
    }
    assert json.loads(json_text(content)) == {"d": ["2024-02-29", None], "e": "2024-01-02", "m": "1.10"}
    assert "Ελλάς" in json_text({"name": "Ελλάς"})


def test_the_order_of_keys_does_not_show():
    assert json_text({"b": 1, "a": {"d": 1, "c": 2}}) == json_text({"a": {"c": 2, "d": 1}, "b": 1})


def test_what_json_has_no_word_for_is_an_error():
    with pytest.raises(TypeError, match="object"):
        json_text({"x": object()})
