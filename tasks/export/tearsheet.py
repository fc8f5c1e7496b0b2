"""Gathers a backtest's tear sheet again from the artifacts it left: the content of the template `backtest`."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from tasks.backtest.tearsheet import attribution_rows, heading, settings
from tasks.errors import DataUnusable, Violation
from tasks.export.reading import read_artifact
from tasks.params import references
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.inputs import FinishedJob

COSTS: Final = ("commission", "spread", "impact", "borrow", "interest")
DRAWN_FROM: Final = ("equity", "trades.csv", "kpis.json", "monthly_returns.csv", "attribution.csv")


def report_content(params: Mapping[str, Any], job: FinishedJob, pointer: str) -> dict[str, Any]:
    """Return what the PDF shows; DataUnusable where the job is no backtest or has lost an artifact it is drawn from."""
    _refuse(job, pointer)
    kpis = json.loads(job.artifacts["kpis.json"].path.read_text(encoding="utf-8"))
    equity: dict[str, Any] = read_artifact(job, "equity")
    if not np.isfinite(equity["benchmark"]).any():
        equity["benchmark"] = None
    title, subtitle = heading(job.params, equity["date"][0], equity["date"][-1])
    return {
        "title": params["title"] or title,
        "subtitle": subtitle if params["title"] is None else f"{title} · {subtitle}",
        "params": settings(job.params),
        "equity": equity,
        "kpis": kpis["statistics"],
        "monthly": _monthly(read_artifact(job, "monthly_returns.csv")),
        "attribution": attribution_rows(read_artifact(job, "attribution.csv")),
        "drawdowns": kpis["drawdowns"],
        "costs": _costs(job, equity),
        "notes": kpis["notes"],
        "digests": _digests(job),
        "page": params["page"],
        "colour": params["branding"]["colour"],
    }


def _refuse(job: FinishedJob, pointer: str) -> None:
    lacking = [name for name in DRAWN_FROM if name not in job.artifacts]
    if job.kind != "backtest":
        detail = f"{job.id} is a job of kind {job.kind!r}; the template 'backtest' draws backtests."
    elif lacking:
        detail = f"{job.id} has no {', '.join(lacking)} any more, which its tear sheet is drawn from; run it again."
    else:
        return
    raise DataUnusable(detail, Violation(pointer, detail))


def _monthly(columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return the months as a grid of years and months, and the years' compounded totals."""
    years = np.unique(columns["year"]).astype(int)
    values = np.full((len(years), 12), np.nan)
    values[np.searchsorted(years, columns["year"]), columns["month"].astype(int) - 1] = columns["return"]
    total = np.nanprod(1.0 + values, axis=1) - 1.0
    return {"years": years.tolist(), "values": values, "total": total}


def _costs(job: FinishedJob, equity: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    capital = float(Decimal(job.params["initial_capital"]))
    sums = {name: float(np.nansum(equity[name])) for name in COSTS}
    paid = sums["commission"] + sums["spread"] + sums["impact"]
    traded = float(np.nansum(read_artifact(job, "trades.csv")["notional"]))
    gain = float(equity["equity"][-1]) - capital + paid
    return {
        **sums,
        "initial_capital": capital,
        "total_share": (paid + sums["borrow"]) / capital,
        "break_even_bps": gain / traded * 1e4 if traded and gain > 0.0 else None,
    }


def _digests(job: FinishedJob) -> dict[str, Any]:
    """Return what the backtest was made of and what it left, by digest; ids of jobs are left out."""
    inputs = [
        {"name": _named(str(entry["ref"]), job), "sha256": entry["sha256"]}
        for entry in job.manifest["inputs"]
        if "sha256" in entry
    ]
    artifacts = [
        {"name": name, "sha256": file.sha256} for name, file in sorted(job.artifacts.items()) if name != "manifest.json"
    ]
    ordered = sorted(inputs, key=lambda entry: (entry["name"], entry["sha256"]))
    return {"inputs": ordered, "artifacts": artifacts, "code_version": job.manifest["code_version"]}


def _named(ref: str, job: FinishedJob) -> str:
    """Return the parameters that an input stood for: `prices`, or `benchmark, prices`.

    By the manifest's own parameters: a job found again in the memo was asked for with other references.
    """
    found = []
    for reference in references(kinds()[job.kind].params, job.manifest["params"]):
        value = reference.value
        text = f"{value['job']}/{value['artifact']}" if isinstance(value, dict) and "job" in value else str(value)
        if ref == text or ref.startswith(f"{text}@"):
            found.append(reference.pointer.removeprefix("/params/").replace("/", "."))
    return ", ".join(sorted(found)) or "table"
