import pytest

from infra.canonical import canonical, digest


def test_the_same_value_has_one_text():
    assert canonical({"b": [1, 2.5, None], "a": "é"}) == '{"a":"é","b":[1,2.5,null]}'
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 1.5})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_json_has_no_word_for_is_refused(number):
    with pytest.raises(ValueError, match="Out of range"):
        canonical({"a": number})
