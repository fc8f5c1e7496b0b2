from __future__ import annotations

import io
import re
from itertools import combinations

import numpy as np
import pytest
from pypdf import PdfReader

from reports import fonts
from reports.documents import write_document
from reports.factors import template
from reports.factors.foretelling import rolling_mean, shade
from reports.palette import BLUE, ORANGE
from reports.sheet import PAPERS, Sheet
from tests.reports.factors_sample import factor_content


def drawn(content, tmp_path):
    write_document("factors", content, tmp_path / "t.pdf")
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


def overlaps(page):
    return [
        (a[4], b[4])
        for a, b in combinations(page, 2)
        if a[0] < b[2] - 0.5 and b[0] < a[2] - 0.5 and a[1] < b[3] - 0.5 and b[1] < a[3] - 0.5
    ]


@pytest.mark.parametrize("paper", ["A4", "Letter"])
@pytest.mark.parametrize("size", [(2, 1, 0), (30, 2, 1), (600, 5, 11), (2520, 20, 40)])
def test_no_text_leaves_the_page_or_covers_another(tmp_path, noting, paper, size):
    long = {"title": "A recipe with a long name " * 6, "subtitle": "its settings in words " * 20}
    drawn(factor_content(*size, page=paper, **long), tmp_path)
    width, height = PAPERS[paper]
    for page in noting.noted:
        assert all(
            left >= 40 and right <= width - 40 and low >= 20 and high <= height - 20
            for left, low, right, high, _ in page
        )
        assert overlaps(page) == []


def test_many_quantiles_horizons_and_long_names_cover_nothing(tmp_path, noting):
    random = np.random.default_rng(0)
    horizons = [1, 2, 3, 5, 10, 21, 42, 63, 126, 189, 252, 504]
    labels = [f"a_factor_with_quite_a_long_name_number_{k}" for k in range(9)]
    content = factor_content(
        horizons=horizons, horizon=11, ic=random.normal(size=(12, 600)), page="Letter",
        decay=[{"window": f"{h}-{h + 100}", "mean": 0.1, "error": 0.05} for h in horizons],
        correlation={"labels": labels, "before": np.eye(9), "after": np.eye(9)},
        weights={"from_ic": np.ones(600, dtype=bool), "values": random.normal(size=(600, 9))},
    )  # fmt: skip
    growth = np.cumprod(1 + random.normal(0, 0.01, (599, 20)), axis=0)
    content["quantiles"] |= {"means": random.normal(size=(12, 20)) * 1e-4, "growth": growth}
    drawn(content, tmp_path)
    for page in noting.noted:
        assert overlaps(page) == []


def test_hostile_text_is_shown_as_it_is_and_covers_nothing(tmp_path, noting, hostile):
    row = {"symbol": hostile, "sector": hostile, "score": 1.0}
    reader = drawn(
        factor_content(
            title=hostile, subtitle=hostile, params=[{"name": hostile, "value": hostile}], notes=[hostile],
            latest={"date": "2020-01-01", "best": [row], "worst": [row]},
            sectors=[{"name": hostile, "names": 3, "score": 0.1, "ic": -0.1}],
        ),
        tmp_path,
    )  # fmt: skip
    for page in noting.noted:
        assert overlaps(page) == []
    raw = (tmp_path / "t.pdf").read_bytes()
    assert not re.search(rb"/(URI|JS|JavaScript|Launch|EmbeddedFile|OpenAction)\b", raw)
    assert len(reader.pages) >= 4


def test_it_has_contents_outline_page_numbers_metadata_and_disclaimer(tmp_path):
    reader = drawn(factor_content(), tmp_path)
    titles = [entry["/Title"] for entry in reader.outline]
    assert titles == [
        "Information coefficient", "Decay, and the factors by themselves", "Returns by quantile",
        "Steadiness and turnover", "Coverage and distribution", "Factor correlation", "Sectors",
        "Scores of 2020-04-20", "Settings", "Notes and disclaimer",
    ]  # fmt: skip
    first = reader.pages[0].extract_text()
    assert all(title in first for title in titles)
    assert "0.0213" in first
    for number, page in enumerate(reader.pages, start=1):
        assert f"{number} / {len(reader.pages)}" in page.extract_text()
    assert (reader.metadata.title, reader.metadata.author) == ("Momentum + low volatility", "Floor")
    assert "hypothetical" in text_of(reader)


def test_sections_start_on_the_pages_that_the_outline_says(tmp_path):
    reader = drawn(factor_content(count=20), tmp_path)
    for entry in reader.outline:
        assert entry["/Title"] in reader.pages[reader.get_destination_page_number(entry)].extract_text()


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_document("factors", factor_content(), tmp_path / f"{name}.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_what_is_not_there_is_left_out(tmp_path):
    alone = {"labels": ["one"], "before": np.ones((1, 1)), "after": None}
    nothing = {"date": "2020-04-20", "best": [], "worst": []}
    titles = [
        entry["/Title"]
        for entry in drawn(factor_content(correlation=alone, sectors=[], latest=nothing, params=[]), tmp_path).outline
    ]
    assert not {"Factor correlation", "Sectors", "Scores of 2020-04-20", "Settings", "Weights over time"} & set(titles)


def test_names_without_sectors_and_fewer_at_one_end_are_listed(tmp_path):
    best = [{"symbol": f"UP{i}", "sector": None, "score": 1.0} for i in range(3)]
    worst = [{"symbol": "DOWN", "sector": None, "score": -1.0}]
    text = text_of(
        drawn(factor_content(sectors=[], latest={"date": "2020-04-20", "best": best, "worst": worst}), tmp_path)
    )
    assert "UP2" in text
    assert "DOWN" in text
    assert "Sector" not in text


def test_weights_that_change_are_drawn(tmp_path):
    weights = {"from_ic": np.ones(600, dtype=bool), "values": np.tile([0.5, 0.2, -0.3], (600, 1))}
    assert "Weights over time" in text_of(drawn(factor_content(weights=weights), tmp_path))


@pytest.mark.parametrize("missing", ["ic", "autocorrelation", "turnover", "decay", "quantiles", "scored", "histogram"])
def test_content_without_numbers_says_so_and_draws_the_rest(tmp_path, missing):
    content = factor_content()
    if missing == "decay":
        content["decay"] = [row | {"mean": np.nan, "error": np.nan} for row in content["decay"]]
    elif missing == "quantiles":
        empty = {"means": np.full((3, 5), np.nan), "dates": content["dates"][:0], "growth": np.zeros((0, 5))}
        content["quantiles"] = empty | {"sessions": 1}
    elif missing == "histogram":
        content["histogram"] = content["histogram"] | {"all": np.zeros(40), "latest": np.zeros(40)}
    else:
        content[missing] = np.full_like(content[missing], 0.0 if missing == "scored" else np.nan)
    assert "Settings" in text_of(drawn(content, tmp_path))
    if missing != "scored":
        assert "Too little data to draw" in text_of(drawn(content, tmp_path))


def test_rolling_mean_leaves_out_what_is_missing():
    values = np.array([1.0, np.nan, 3.0, np.nan, np.nan, np.nan, 5.0])
    found = rolling_mean(values, 3)
    np.testing.assert_array_equal(found, [np.nan, np.nan, 2.0, np.nan, np.nan, np.nan, np.nan])
    assert np.isnan(rolling_mean(values, 20)).all()


def test_the_lowest_and_highest_quantile_have_the_strongest_colours():
    assert (shade(0, 5), shade(4, 5)) == (ORANGE, BLUE)
    assert len({shade(q, 10) for q in range(10)}) == 10
