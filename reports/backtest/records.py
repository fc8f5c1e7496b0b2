"""The tear sheet's small print: every statistic with its convention, settings, digests, notes, disclaimer."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from reports.flow import Section
from reports.grid import Field, grid
from reports.masthead import written
from reports.palette import INK, MUTED
from reports.small_print import paragraph, undrawable_note

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


GROUPS: Final = {
    "return": "Return", "risk": "Risk", "exposure": "Exposure", "trading": "Trading and costs",
    "benchmark": "Against the benchmark",
}  # fmt: skip
WHOLE: Final = 12  # paragraphs up to which the notes are not torn apart
DISCLAIMER: Final = (
    "These results are hypothetical. They come from a simulation on historical data with the settings and cost "
    "assumptions above, made with the benefit of hindsight; no money was traded. Simulated results do not show the "
    "effect of real market conditions, liquidity and decisions, and may over- or understate what trading would have "
    "earned. Past performance, real or simulated, does not foretell future results. This document is information for "
    "its recipient; it is neither advice nor an offer to buy or sell anything."
)


def statistics(content: Mapping[str, Any], width: float) -> Section:
    """Return every statistic, by group, with the convention it follows."""
    fields = (
        Field("Statistic", 2.1), Field("Value", 1.1, "right"), Field("Convention", 4.2, muted=True),
        Field("ddof", 0.5, "right", muted=True), Field("Per year", 0.8, "right", muted=True),
        Field("n", 0.7, "right", muted=True),
    )  # fmt: skip
    order = list(GROUPS)
    ranked = sorted(content["kpis"], key=lambda kpi: order.index(kpi["group"]))
    rows: list[tuple[str, ...]] = []
    for group, kpis in groupby(ranked, key=lambda kpi: kpi["group"]):
        rows.append((GROUPS[group], "", "", "", "", ""))
        rows += [_statistic(kpi) for kpi in kpis]
    return Section("Statistics and their conventions", grid(fields, rows, width), together=4)


def _statistic(kpi: Mapping[str, Any]) -> tuple[str, ...]:
    ddof, periods, n = (kpi.get(key) for key in ("ddof", "periods_per_year", "n"))
    return (
        kpi["label"], written(kpi), kpi["convention"], "" if ddof is None else str(ddof),
        "" if periods is None else f"{periods:g}", "" if n is None else f"{n:,}",
    )  # fmt: skip


def provenance(content: Mapping[str, Any], width: float) -> Section | None:
    """Return the digests of what went in and what came out, where they are known."""
    digests = content.get("digests")
    if not digests:
        return None
    fields = (Field("File", 1), Field("SHA-256", 2.6, muted=True))
    rows: list[tuple[str, str]] = []
    for key, title in (("inputs", "Went in"), ("artifacts", "Came out")):
        if digests.get(key):
            rows += [(title, ""), *((str(row["name"]), str(row["sha256"])) for row in digests[key])]
    if digests.get("code_version"):
        rows += [("Computed by", ""), ("Floor, code version", str(digests["code_version"]))]
    return Section("Manifest", grid(fields, rows, width), together=3, before_last=True)


def notes(content: Mapping[str, Any], width: float) -> Section:
    """Return what the reader must know, and the disclaimer; they stay together."""
    texts = [str(text) for text in content["notes"]]
    texts += undrawable_note(_every_text(content))
    blocks = [paragraph(text, width, INK) for text in texts]
    blocks.append(paragraph(DISCLAIMER, width, MUTED))
    together = len(blocks) if len(blocks) <= WHOLE else 1
    return Section("Notes and disclaimer" if texts else "Disclaimer", blocks, together=together)


def _every_text(content: Mapping[str, Any]) -> Sequence[str]:
    rows = [*content["attribution"]["symbols"], *content["attribution"]["sectors"]]
    settings_ = [str(row[key]) for row in content["params"] for key in ("name", "value")]
    return [content["title"], content["subtitle"], *settings_, *content["notes"], *(str(row["name"]) for row in rows)]
