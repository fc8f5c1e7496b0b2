from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import fonts

ANY_TEXT = st.text(max_size=60)


@pytest.mark.parametrize("text", ["Ελλάδα", "Жизнь", "Łódź", "1,234.50 %", "√Σ − ≤", "שלום", "مصر", "ไทย"])
def test_these_scripts_are_drawn_by_an_embedded_typeface(text):
    assert fonts.undrawable(text) == set()


def test_what_no_typeface_draws_is_known():
    assert fonts.undrawable("三 and 😀") == {"三", "😀"}


@given(ANY_TEXT, st.booleans())
def test_runs_hold_every_character(text, bold):
    parts = [part for _, part in fonts.runs(text, bold)]
    assert len("".join(parts)) == len(text)


def test_right_to_left_text_is_ordered_as_it_is_seen():
    assert [part for _, part in fonts.runs("ab שלום 12")] == ["ab 12 ", "םולש"]


@given(ANY_TEXT)
def test_clean_text_has_only_printable_characters(text):
    assert fonts.clean(text).isprintable()
    assert len(fonts.clean(text)) == len(text)


@given(ANY_TEXT, st.floats(30, 300))
def test_fitted_text_is_never_wider_than_its_room(text, room):
    shown = fonts.fitted(text, room, 8)
    assert fonts.width(shown, 8) <= room
    assert shown == text or shown.endswith(fonts.ELLIPSIS)


@given(ANY_TEXT, st.floats(30, 300))
def test_wrapped_lines_are_never_wider_than_their_room_and_lose_nothing(text, room):
    lines = fonts.wrapped(text, room, 8)
    assert all(fonts.width(line, 8) <= room for line in lines)
    assert "".join("".join(lines).split()) == "".join(fonts.clean(text).split())
