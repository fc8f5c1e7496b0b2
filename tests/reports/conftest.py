from __future__ import annotations

import pytest

from tests.reports.sample import sheet_content


@pytest.fixture
def content():
    return sheet_content


HOSTILE = (
    '<img src="http://127.0.0.1:9/x.png"/>',
    '<font color="[]">red',
    "<b>unclosed & more",
    "{{ 7 * 7 }}",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "=cmd|' /C calc'!A0",
    "W" * 500,
    "Ελληνική Αρχή",
    "Сбербанк России",
    "שלום עולם",
    "بنك مصر",
    "三菱商事 株式会社",
    "😀 rocket 🚀",
    "e\u0301 combining \u0301\u0301\u0301",
    "right-to-left \u202eevil\u202c and zero\u200bwidth",
    "tab\tnewline\nand\x00nul",
)


@pytest.fixture(params=HOSTILE, ids=[f"text{i}" for i in range(len(HOSTILE))])
def hostile(request):
    return request.param
