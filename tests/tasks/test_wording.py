from __future__ import annotations

from tasks.wording import counted


def test_one_is_singular_and_all_else_plural():
    assert [counted(n, "row") for n in (0, 1, 2, 2400)] == ["0 rows", "1 row", "2 rows", "2,400 rows"]
    assert [counted(n, "stretch", "stretches") for n in (1, 2)] == ["1 stretch", "2 stretches"]
