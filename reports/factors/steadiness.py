"""How steady the score is from date to date, whom it covers and how it is spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.bars import distribution
from reports.charts import Look, Series, lines_over_time
from reports.factors.foretelling import since_first
from reports.flow import Block, Section
from reports.palette import BLUE, GREEN, MUTED, ORANGE
from reports.scales import nice_digits
from reports.sheet import Box

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reports.sheet import Sheet


def turnover(content: Mapping[str, Any]) -> Section:
    """Return rank autocorrelation, and the share of new names in the highest and lowest quantile."""
    begun = since_first(content)
    dates, (low, high) = content["dates"][begun], content["turnover"][:, begun]
    steady = [Series("Autocorrelation", content["autocorrelation"][begun], colour=GREEN, weight=0.8)]
    new = [Series("Highest", high, colour=BLUE, weight=0.7), Series("Lowest", low, colour=ORANGE, weight=0.7)]
    upper = Look("Rank autocorrelation", "with the scoring date before", labels=nice_digits, dates=False, ticks=5)
    lower = Look("Quantile turnover", "% of names that were not in it the date before", ticks=5, floor=0.0)

    def draw(sheet: Sheet, box: Box) -> None:
        half = box.height / 2
        lines_over_time(sheet, Box(box.left, box.bottom + half + 4, box.width, half - 4), dates, steady, upper)
        lines_over_time(sheet, Box(box.left, box.bottom, box.width, half), dates, new, lower)

    return Section("Steadiness and turnover", [Block(226.0, draw)])


def coverage(content: Mapping[str, Any]) -> Section:
    """Return how many names have a score, and how scores are distributed."""
    counts = [
        Series("With a score", content["scored"], colour=BLUE),
        Series("Members with a price", content["members"], colour=MUTED, weight=0.8),
    ]
    upper = Look("Names", labels=nice_digits, ticks=5, floor=0.0)
    lower = Look("Distribution of the score", "% of names; the ends hold all beyond them", ticks=5)
    found = content["histogram"]

    def draw(sheet: Sheet, box: Box) -> None:
        half = box.height / 2
        lines_over_time(
            sheet, Box(box.left, box.bottom + half + 6, box.width, half - 6), content["dates"], counts, upper
        )
        below = Box(box.left, box.bottom, box.width, half)
        names = ("All dates", str(content["latest"]["date"]))
        distribution(
            sheet, below, lower, edges=found["edges"], shares=found["all"], latest=found["latest"], names=names
        )

    return Section("Coverage and distribution", [Block(262.0, draw)])
