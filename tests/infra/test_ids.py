"""Identifiers: typed, time-ordered, UUIDv7 to the bit."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.ids import PREFIXES, is_id, new_id, uuid7


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_the_bits_are_where_the_rfc_puts_them(milliseconds, randomness):
    made = uuid7(milliseconds, randomness)
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == milliseconds


def test_the_example_of_rfc_9562():
    made = uuid7(0x017F22E279B0, bytes.fromhex("0cc398c4dc0c0c07398f"))
    assert str(made) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(st.integers(0, 2**48 - 2), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_a_later_millisecond_sorts_later_as_text(milliseconds, first, second):
    assert str(uuid7(milliseconds, first)) < str(uuid7(milliseconds + 1, second))


@pytest.mark.parametrize("prefix", sorted(PREFIXES))
def test_every_type_recognises_its_own_and_no_other(prefix):
    made = new_id(prefix)
    assert is_id(made, prefix)
    assert not any(is_id(made, other) for other in PREFIXES - {prefix})
    assert not is_id(made.upper(), prefix)
    assert not is_id(made + "x", prefix)


def test_an_unknown_type_is_refused():
    with pytest.raises(ValueError, match="not a known identifier"):
        new_id("cat")
