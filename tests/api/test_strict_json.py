from __future__ import annotations

import pytest

from api import strict_json
from tasks.errors import Invalid, Malformed


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"{",
        b"{'a': 1}",
        b'{"a": 1,}',
        b'{"a": 01}',
        b'{"a": 1} x',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "line\nbreak"}',
        b'{"a": \x001}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[1] // comment",
    ],
)
def test_what_is_not_json_in_utf_8_is_malformed(raw):
    with pytest.raises(Malformed):
        strict_json.parse(raw)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"a": 1, "a": 2}', "'a' is given twice"),
        (b'{"a": 1, "a": 1}', "'a' is given twice"),
        (b'{"x": {"b": 1, "c": 2, "b": 3}}', "'b' is given twice"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": -1e400}', "too large"),
        (b"[" * 33 + b"]" * 33, "deeper than 32"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 32"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "deeper than 32"),
        (b'{"a": "x\\u0000y"}', "NUL"),
        (b'{"a": ["\\ud800"]}', "surrogate"),
        (b'{"\\udfff": 1}', "surrogate"),
    ],
)
def test_what_two_readers_could_understand_differently_is_refused(raw, says):
    with pytest.raises(Invalid) as refused:
        strict_json.parse(raw)
    assert says in refused.value.violations[0].detail


def test_a_bad_text_is_named_by_its_place():
    with pytest.raises(Invalid) as refused:
        strict_json.parse(b'{"a": [1, {"b": "\\ud83d"}]}')
    assert refused.value.violations[0].pointer == "/a/1/b"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"[" * 32 + b"]" * 32, None),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "😀"}'.encode(), {"a": "😀"}),
        (b'{"a": -0.0, "b": 1e-300, "c": 123456789012345678901234567890}', None),
        (b" null ", None),
    ],
)
def test_good_json_is_read(raw, value):
    found = strict_json.parse(raw)
    assert value is None or found == value
