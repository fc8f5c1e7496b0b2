from __future__ import annotations

import io
import re
from itertools import combinations

import numpy as np
import pytest
from pypdf import PdfReader

from reports import fonts
from reports.backtest import template
from reports.backtest.risk import by_period, rolling
from reports.documents import write_document
from reports.sheet import PAPERS, Sheet


def drawn(content, tmp_path):
    write_document("backtest", content, tmp_path / "t.pdf")
    return PdfReader(io.BytesIO((tmp_path / "t.pdf").read_bytes()), strict=True)


def text_of(reader):
    return "\n".join(page.extract_text() for page in reader.pages)


class Noting(Sheet):
    """A sheet that notes where every text stands."""

    noted: list

    def __init__(self, *args):
        super().__init__(*args)
        type(self).noted = [[]]

    def text(self, x, y, text, size=8.0, *, bold=False, align="left", room=None, **more):
        super().text(x, y, text, size, bold=bold, align=align, room=room, **more)
        shown = fonts.fitted(text, room, size, bold) if room is not None else fonts.clean(text)
        wide = fonts.width(shown, size, bold)
        left = x - wide * {"left": 0.0, "right": 1.0, "centre": 0.5}[align]
        if shown.strip():
            self.noted[-1].append((left, y, left + wide, y + 0.7 * size, shown))

    def next_page(self):
        super().next_page()
        self.noted.append([])


@pytest.fixture
def noting(monkeypatch):
    monkeypatch.setattr(template, "Sheet", Noting)
    return Noting


def overlapping(a, b):
    return a[0] < b[2] - 0.5 and b[0] < a[2] - 0.5 and a[1] < b[3] - 0.5 and b[1] < a[3] - 0.5


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("days", [2, 30, 700, 9000])
def test_no_text_leaves_the_page_or_covers_another(content, tmp_path, noting, paper, days):
    long = {"title": "A strategy with a long name " * 6, "subtitle": "its settings in words " * 20}
    drawn(content(days, names=3 if days < 100 else 20, page=paper, **long), tmp_path)
    width, height = PAPERS[paper]
    for page in noting.noted:
        assert all(
            left >= 40 and right <= width - 40 and low >= 20 and high <= height - 20
            for left, low, right, high, _ in page
        )
        assert [(a[4], b[4]) for a, b in combinations(page, 2) if overlapping(a, b)] == []


def test_hostile_text_is_shown_as_it_is_and_covers_nothing(content, tmp_path, noting, hostile):
    rows = [{"name": hostile, "sector": hostile, "contribution": 0.5}]
    reader = drawn(
        content(
            title=hostile, subtitle=hostile, params=[{"name": hostile, "value": hostile}], notes=[hostile],
            attribution={"symbols": rows, "sectors": rows * 2, "total": 1.0},
        ),
        tmp_path,
    )  # fmt: skip
    for page in noting.noted:
        assert [(a[4], b[4]) for a, b in combinations(page, 2) if overlapping(a, b)] == []
    letters = re.sub(r"[\s\x00-\x1f\u200b\u202c\u202e]", "", hostile)
    letters = "".join("\ufffd" if fonts.undrawable(c) else c for c in letters)
    assert letters[:40] in re.sub(r"\s", "", text_of(reader))


def test_nothing_in_the_file_runs_fetches_or_leads_outside(content, tmp_path):
    text = "javascript:alert(1) file:///etc/passwd http://127.0.0.1/"
    reader = drawn(content(title=text, notes=[text]), tmp_path)
    for page in reader.pages:
        for link in page.get("/Annots", []):
            assert "/A" not in link.get_object() or link.get_object()["/A"]["/S"] == "/GoTo"
    raw = (tmp_path / "t.pdf").read_bytes()
    assert not re.search(rb"/(URI|JS|JavaScript|Launch|EmbeddedFile|OpenAction)\b", raw)


def test_characters_that_no_typeface_draws_are_listed(content, tmp_path):
    assert "U+4E09" in text_of(drawn(content(title="三"), tmp_path))
    assert "typeface" not in text_of(drawn(content(title="Τρία"), tmp_path))


def test_it_has_contents_outline_page_numbers_metadata_digests_and_disclaimer(content, tmp_path):
    reader = drawn(content(), tmp_path)
    text, pages = text_of(reader), len(reader.pages)
    titles = [entry["/Title"] for entry in reader.outline]
    assert titles == [
        "Performance", "Risk over time", "Exposure and turnover", "Monthly returns", "Deepest drawdowns", "Attribution",
        "Costs", "Statistics and their conventions", "Settings", "Manifest", "Notes and disclaimer",
    ]  # fmt: skip
    for number, page in enumerate(reader.pages, start=1):
        assert f"{number} / {pages}" in page.extract_text()
    first = reader.pages[0].extract_text()
    assert all(title in first for title in titles)
    assert len(reader.pages[0]["/Annots"]) == len(titles)
    assert (reader.metadata.title, reader.metadata.author) == ("Momentum, long-short", "Floor")
    assert "ab" * 32 in text
    assert "hypothetical" in text
    assert "12.35%" in text  # the total return


def test_sections_start_on_the_pages_that_the_contents_say(content, tmp_path):
    reader = drawn(content(), tmp_path)
    listed = dict(re.findall(r"^\d+\s*\n?([A-Z][a-z ,]+?)\s*\n?(\d)$", reader.pages[0].extract_text(), re.MULTILINE))
    for entry in reader.outline:
        number = reader.get_destination_page_number(entry) + 1
        assert listed.get(entry["/Title"], str(number)) == str(number)
        assert entry["/Title"] in reader.pages[number - 1].extract_text()
    assert len(listed) > 5


def test_every_typeface_is_embedded(content, tmp_path):
    reader = drawn(content(title="Ω Ж − √"), tmp_path)
    used = {
        font.get_object()["/BaseFont"]: font.get_object()
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert {name.split("+")[1] for name in used} == {
        "NotoSans-Regular",
        "NotoSans-Bold",
        "FiraGO-Regular",
        "FiraGO-Bold",
    }
    assert all("/FontFile2" in font["/FontDescriptor"] for font in used.values())


def test_it_is_small_and_of_the_paper_asked_for(content, tmp_path):
    for paper, size in PAPERS.items():
        reader = drawn(content(2520, page=paper), tmp_path)
        assert all(tuple(map(float, page.mediabox[2:])) == pytest.approx(size, abs=0.01) for page in reader.pages)
    assert (tmp_path / "t.pdf").stat().st_size < 400_000


@pytest.mark.parametrize("missing", ["return", "gross", "turnover", "drawdown", "benchmark"])
def test_a_column_without_numbers_says_so_and_draws_the_rest(content, tmp_path, missing):
    changed = content()
    changed["equity"][missing] = np.full(700, np.nan)
    assert "Performance" in text_of(drawn(changed, tmp_path))


def test_a_run_that_loses_everything_is_drawn(content, tmp_path):
    changed = content()
    changed["equity"]["equity"] = np.r_[np.linspace(1e6, 0.0, 400), np.full(300, 0.0)]
    assert "Equity" in text_of(drawn(changed, tmp_path))


def test_sparse_content_leaves_out_what_is_not_there(content, tmp_path):
    empty = {"symbols": [], "sectors": [], "total": 0.0}
    sheet = content(digests=None, drawdowns=[], attribution=empty, params=[], notes=[])
    titles = [entry["/Title"] for entry in drawn(sheet, tmp_path).outline]
    assert titles == [
        "Performance", "Risk over time", "Exposure and turnover", "Monthly returns", "Costs",
        "Statistics and their conventions", "Disclaimer",
    ]  # fmt: skip


def test_rolling_statistics_agree_with_numpy_and_start_when_the_window_is_full():
    returns = np.r_[np.nan, np.random.default_rng(0).normal(size=50)]
    mean, deviation = rolling(returns, 21)
    assert np.isnan(mean[:21]).all()
    assert mean[30] == pytest.approx(returns[10:31].mean())
    assert deviation[30] == pytest.approx(returns[10:31].std(ddof=1))


def test_turnover_is_summed_by_calendar_month_and_by_year_when_there_are_many():
    dates = np.array(["2021-01-04", "2021-01-29", "2021-02-01"], dtype="datetime64[D]")
    middles, sums, span = by_period(dates, np.array([0.1, np.nan, 0.4]))
    assert (middles.astype(str).tolist(), span) == (["2021-01-16", "2021-02-16"], "month")
    years = by_period(np.array(["1970-01-05", "1970-12-01", "2020-06-01"], dtype="datetime64[D]"), np.ones(3))
    assert (years[1].tolist(), years[2]) == ([2.0, 1.0], "year")
    assert sums.tolist() == pytest.approx([0.1, 0.4])
