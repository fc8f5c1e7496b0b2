"""The reference pages say what the declarations say."""

import pytest

from infra.documents import DOCS, pages


@pytest.mark.parametrize("name", ["kinds.md", "problems.md", "roles.md"])
def test_the_page_is_fresh(name):
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run `make docs`"
