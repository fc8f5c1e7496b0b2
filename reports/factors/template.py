"""Draws the template `factors`: what a score foretold, how steady it is, what it is made of.

The content is what `tasks.factors.tearsheet` describes; besides that it may hold `page` ("A4" or "Letter"), `colour`
(the accent, "#rrggbb") and `logo` (the path of a picture).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports.factors import composition, foretelling, steadiness
from reports.flow import HEADING, Section, contents, planned
from reports.masthead import masthead
from reports.pages import Edges, draw_pages
from reports.palette import ACCENT, INK, MUTED
from reports.sheet import Sheet
from reports.small_print import paragraph, settings, undrawable_note

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUBJECT: Final = "Factor tear sheet"
FOOT: Final = "Hypothetical results on past data; see the disclaimer on the last page."
TILES: Final = ("mean_ic", "icir", "t", "positive", "spread", "autocorrelation", "turnover", "coverage")
DISCLAIMER: Final = (
    "These results are hypothetical. They compare scores computed on historical data with the returns that followed, "
    "before any cost of trading and with the benefit of hindsight in the choice of factors and settings. What a score "
    "foretold in the past, it need not foretell again. This document is information for its recipient; it is neither "
    "advice nor an offer to buy or sell anything."
)


def draw_factors(content: Mapping[str, Any], path: Path) -> None:
    """Write the tear sheet as PDF; the same content gives the same bytes."""
    sheet = Sheet(path, content.get("page", "A4"), content["title"], SUBJECT)
    accent, body = content.get("colour") or ACCENT, sheet.body
    first = masthead(content, TILES, body.width, accent, "FACTOR TEAR SHEET")
    later = _sections(content, body.width)
    room = body.height - first.height - contents([("", 0)] * (len(later) + 1)).height
    plan = planned([foretelling.over_time(content, room - HEADING), *later], body.height, room, accent)
    draw_pages(sheet, plan, [first, contents(plan.starts)], Edges(content["title"], SUBJECT, FOOT))
    sheet.save()


def _sections(content: Mapping[str, Any], width: float) -> list[Section]:
    found = [
        foretelling.decay(content, width),
        foretelling.quantiles(content),
        steadiness.turnover(content),
        steadiness.coverage(content),
        composition.correlation(content, width),
        composition.weights(content),
        composition.sectors(content),
        composition.latest(content, width),
        settings(content, width),
        _notes(content, width),
    ]
    return [section for section in found if section is not None]


def _notes(content: Mapping[str, Any], width: float) -> Section:
    rows = [*content["latest"]["best"], *content["latest"]["worst"]]
    shown = [content["title"], *content["notes"], *(str(row[key]) for row in rows for key in ("symbol", "sector"))]
    shown += [str(row["value"]) for row in content["params"]] + [str(sector["name"]) for sector in content["sectors"]]
    texts = [*content["notes"], *undrawable_note(shown)]
    blocks = [paragraph(text, width, INK) for text in texts]
    return Section("Notes and disclaimer", [*blocks, paragraph(DISCLAIMER, width, MUTED)])
