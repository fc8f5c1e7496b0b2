"""Makes one document, table or bundle out of finished jobs; the bytes themselves are written by `reports`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tasks.errors import DataUnusable, Violation
from tasks.export.bundle import changelog, content_digest, manifest, members
from tasks.export.logo import checked_logo
from tasks.export.stacking import stacked
from tasks.export.tearsheet import report_content
from tasks.export.workbook import sheets
from tasks.inputs import Need
from tasks.outcome import Document, Outcome, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.inputs import Earlier, FinishedJob, Inputs, Tell

JSON_ROWS_MAX: Final = 250_000  # more would fill the worker's memory: JSON is written whole


def needs(params: dict[str, Any]) -> dict[str, Need]:
    """Return the jobs to export and the logo, by their place in the parameters."""
    found = {f"sources.{i}": Need("job", job_id) for i, job_id in enumerate(params["sources"])}
    logo = params["branding"]["logo"]
    return found | ({"branding.logo": Need("upload", logo)} if logo else {})


def context(params: dict[str, Any], inputs: Inputs, earlier: Earlier) -> dict[str, Any]:
    """Return the bundle that a new one's change log compares with: the latest whose content was another."""
    if params["format"] != "zip":
        return {}
    coming = content_digest([inputs.job(f"sources.{i}") for i in range(len(params["sources"]))])
    previous = earlier("bundle_manifest.json", lambda result: result.get("content_digest") not in {None, coming})
    return {"previous_bundle": previous}


def run(params: dict[str, Any], inputs: Inputs, tell: Tell) -> Outcome:
    """Return the export in the format that was asked for."""
    jobs = [inputs.job(f"sources.{i}") for i in range(len(params["sources"]))]
    for i, job in enumerate(jobs):
        _refuse_empty(job, i)
    tell(0.1, "export", f"Making {params['format'].upper()} of {len(jobs)} job{'s' * (len(jobs) > 1)}")
    match params["format"]:
        case "pdf":
            return _pdf(params, jobs, inputs)
        case "csv":
            return _csv(params, jobs)
        case "json":
            return _json(params, jobs)
        case "xlsx":
            return _xlsx(params, jobs)
        case _:
            return _zip(jobs, inputs.context.get("previous_bundle"))


def _refuse_empty(job: FinishedJob, i: int) -> None:
    if not job.artifacts:
        detail = f"{job.id} ({job.kind}) has no artifacts to export; it may have failed or been deleted."
        raise DataUnusable(detail, Violation(f"/params/sources/{i}", detail))


def _pdf(params: dict[str, Any], jobs: Sequence[FinishedJob], inputs: Inputs) -> Outcome:
    content = report_content(params, jobs[0], "/params/sources/0")
    if "branding.logo" in inputs:
        content["logo"] = checked_logo(inputs.file("branding.logo"))
    return Outcome(_result(params, "report.pdf", jobs), documents=(Document("report.pdf", content, "backtest"),))


def _csv(params: dict[str, Any], jobs: Sequence[FinishedJob]) -> Outcome:
    table = Table("export.csv", stacked(jobs, params["artifact"]))
    return Outcome(_result(params, "export.csv", jobs, rows=table.rows), tables=(table,))


def _json(params: dict[str, Any], jobs: Sequence[FinishedJob]) -> Outcome:
    """Return results and JSON artifacts by source, and the table as columns of one length."""
    sources = [{"kind": job.kind, "result": job.result, "documents": _documents(job)} for job in jobs]
    columns = stacked(jobs, params["artifact"])
    rows = len(next(iter(columns.values())))
    _refuse_long(rows)
    content = {"export": 1, "sources": sources, "table": {"rows": rows, "columns": columns}}
    return Outcome(_result(params, "export.json", jobs, rows=rows), documents=(Document("export.json", content),))


def _xlsx(params: dict[str, Any], jobs: Sequence[FinishedJob]) -> Outcome:
    found = sheets(jobs, params["artifact"])
    content = {"title": params["title"] or "Floor export", "sheets": found}
    return Outcome(
        _result(params, "workbook.xlsx", jobs, members=len(found)),
        documents=(Document("workbook.xlsx", content, "workbook"),),
    )


def _refuse_long(rows: int) -> None:
    if rows > JSON_ROWS_MAX:
        detail = f"the table has {rows:,} rows; JSON takes {JSON_ROWS_MAX:,} at most. Export it as csv, or all as zip."
        raise DataUnusable(detail, Violation("/params/format", detail))


def _documents(job: FinishedJob) -> dict[str, Any]:
    """Return the job's JSON artifacts, without its manifest, whose parameters hold ids."""
    named = {name: file for name, file in job.artifacts.items() if name.endswith(".json") and name != "manifest.json"}
    return {name: json.loads(file.path.read_text(encoding="utf-8")) for name, file in sorted(named.items())}


def _zip(jobs: Sequence[FinishedJob], previous: dict[str, Any] | None) -> Outcome:
    log = changelog(jobs, previous)
    listing = manifest(jobs, log)
    files = [{"name": member.name, "path": str(member.path)} for member in members(jobs)]
    content = {"members": files, "changelog": log, "manifest": listing}
    result = {"members": len(files) + 2, "content_digest": listing["content_digest"]}
    return Outcome(
        _result({"format": "zip"}, "bundle.zip", jobs, **result),
        documents=(Document("bundle.zip", content, "bundle"), Document("bundle_manifest.json", listing)),
    )


def _result(params: dict[str, Any], artifact: str, jobs: Sequence[FinishedJob], **more: Any) -> dict[str, Any]:
    empty = {"rows": None, "members": None, "content_digest": None}
    return {"format": params["format"], "artifact": artifact, "sources": [job.kind for job in jobs], **empty, **more}
