"""What the score is made of: how factors go together, their weights, sectors, and the names at either end."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from reports.charts import Look, Series, bars_by_name, lines_over_time
from reports.factors.foretelling import COLOURS, ahead, since_first
from reports.flow import Block, Section
from reports.grid import Field, grid
from reports.matrix import matrix, matrix_height
from reports.scales import ratio
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.sheet import Sheet

BAR: Final = 12.0
GUTTER: Final = 24.0
SIDE_BY_SIDE_MOST: Final = 8
LEGEND_MOST: Final = 48  # characters


def correlation(content: Mapping[str, Any], width: float) -> Section | None:
    """Return how the factors' cross-sections correlate, before and after neutralising."""
    found = content["correlation"]
    labels: list[str] = found["labels"]
    if len(labels) < 2:  # noqa: PLR2004 - one factor correlates with nothing
        return None
    drawn = [(found["before"], "Before neutralising" if found["after"] is not None else "Factors")]
    drawn += [(found["after"], "After neutralising")] if found["after"] is not None else []
    beside = len(drawn) > 1 and len(labels) <= SIDE_BY_SIDE_MOST
    room = (width - GUTTER) / 2 if beside else width
    high = matrix_height(len(labels), room)
    note = "mean correlation over the dates"

    def pair(sheet: Sheet, box: Box) -> None:
        for k, (values, title) in enumerate(drawn):
            matrix(
                sheet,
                Box(box.left + k * (room + GUTTER), box.bottom, room, high),
                labels,
                values,
                title=title,
                note=note,
            )

    if beside:
        return Section("Factor correlation", [Block(high, pair)])
    return Section("Factor correlation", [_single(labels, values, title, high) for values, title in drawn])


def _single(labels: list[str], values: np.ndarray, title: str, high: float) -> Block:
    def draw(sheet: Sheet, box: Box) -> None:
        matrix(sheet, box.inset(bottom=10), labels, values, title=title, note="mean correlation over the dates")

    return Block(high + 10, draw)


def weights(content: Mapping[str, Any]) -> Section | None:
    """Return the factors' weights over time, where they change."""
    found = content["weights"]
    if found is None:
        return None
    begun = since_first(content)
    shares = found["values"][begun] / np.abs(found["values"][begun]).sum(axis=1, keepdims=True)
    lines = [
        Series(label, shares[:, k], colour=COLOURS[k % len(COLOURS)])
        for k, label in enumerate(_legend(content["correlation"]["labels"]))
    ][: len(COLOURS)]
    look = Look("Weights of the factors", "% of all weight, from past ICs", mark=0.0, ticks=5)

    def draw(sheet: Sheet, box: Box) -> None:
        lines_over_time(sheet, box, content["dates"][begun], lines, look)

    return Section("Weights over time", [Block(130.0, draw)])


def _legend(labels: Sequence[str]) -> list[str]:
    """Return the factors' names, or their numbers in the table of factors where the names are too long."""
    return list(labels) if sum(map(len, labels)) <= LEGEND_MOST else [str(k + 1) for k in range(len(labels))]


def sectors(content: Mapping[str, Any]) -> Section | None:
    """Return each sector's mean score on the newest date, and what the score foretold within it."""
    found = content["sectors"]
    if not found:
        return None
    scores, ics = _pairs(found, "score"), _pairs(found, "ic")

    def draw(sheet: Sheet, box: Box) -> None:
        half = (box.width - GUTTER) / 2
        left, right = (
            Box(box.left, box.bottom, half, box.height),
            Box(box.left + half + GUTTER, box.bottom, half, box.height),
        )
        if scores:
            bars_by_name(
                sheet, left, scores, "Mean score", note=str(content["latest"]["date"]), high=BAR, written=ratio
            )
        if ics:
            note = f"among the sector's names, {ahead(content)}"
            bars_by_name(sheet, right, ics, "Mean rank IC", note=note, high=BAR, written=_fine)

    return Section("Sectors", [Block(22 + BAR * max(len(scores), len(ics)) + 6, draw)])


def _fine(value: float | None) -> str:
    return ratio(value, 3)


def _pairs(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[str, float]]:
    known = [(str(row["name"]), float(row[key])) for row in rows if np.isfinite(row[key])]
    return sorted(known, key=lambda pair: (-pair[1], pair[0]))


def latest(content: Mapping[str, Any], width: float) -> Section | None:
    """Return the newest date's highest and lowest scores."""
    found = content["latest"]
    if not found["best"]:
        return None
    sectors_known = any(row["sector"] for row in [*found["best"], *found["worst"]])
    sector = (Field("Sector", 1.6, muted=True),) if sectors_known else ()
    score = Field("Score", 0.7, "right")
    fields = (Field("Highest", 1), *sector, score, Field("", 0.3), Field("Lowest", 1), *sector, score)
    rows = [
        (*_cells(best, sectors_known), "", *_cells(worst, sectors_known))
        for best, worst in zip_longest(found["best"], found["worst"])
    ]
    blocks = grid(fields, rows, width)
    return Section(f"Scores of {found['date']}", blocks, together=len(blocks))


def _cells(row: Mapping[str, Any] | None, sectors_known: bool) -> tuple[str, ...]:
    if row is None:
        return ("",) * (2 + sectors_known)
    return (str(row["symbol"]), *([str(row["sector"] or "")] if sectors_known else []), ratio(row["score"]))
