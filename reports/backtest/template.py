"""Draws the template `backtest`: puts the sections in order, plans the pages, draws them.

The content is what `tasks.backtest.tearsheet` describes; besides that it may hold `page` ("A4" or "Letter"), `colour`
(the accent, "#rrggbb"), `logo` (the path of a picture) and `digests` (lists of {"name", "sha256"} under "inputs" and
"artifacts", and "code_version").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports.backtest import attribution, months, overview, records, risk
from reports.flow import HEADING, Section, contents, planned
from reports.masthead import masthead
from reports.pages import Edges, draw_pages
from reports.palette import ACCENT
from reports.sheet import Sheet
from reports.small_print import settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUBJECT: Final = "Backtest tear sheet"
FOOT: Final = "Hypothetical results of a simulation; see the disclaimer on the last page."


def draw_backtest(content: Mapping[str, Any], path: Path) -> None:
    """Write the tear sheet as PDF; the same content gives the same bytes."""
    sheet = Sheet(path, content.get("page", "A4"), content["title"], SUBJECT)
    accent = content.get("colour") or ACCENT
    body = sheet.body
    first = masthead(content, overview.TILES, body.width, accent, "BACKTEST TEAR SHEET")
    later = _sections(content, body.width)
    listed = contents([(section.title, 0) for section in later] + [("", 0)]).height
    room = body.height - first.height - listed
    plan = planned([overview.performance(content, room - HEADING), *later], body.height, room, accent)
    draw_pages(sheet, plan, [first, contents(plan.starts)], Edges(content["title"], SUBJECT, FOOT))
    sheet.save()


def _sections(content: Mapping[str, Any], width: float) -> list[Section]:
    found = [
        risk.over_time(content),
        risk.exposure(content),
        months.returns(content, width),
        months.drawdowns(content, width),
        attribution.contributions(content, width),
        attribution.costs(content, width),
        records.statistics(content, width),
        settings(content, width),
        records.provenance(content, width),
        records.notes(content, width),
    ]
    return [section for section in found if section is not None]
