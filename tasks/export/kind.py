"""Declares the export kind.

- `pdf`: the tear sheet of one backtest, drawn again from its artifacts, with the digests of what it was made from.
- `csv`: one table. Of several sources the rows follow one another, behind a first column `source` (1, 2, …).
- `json`: every source's result, JSON artifacts and that same table in one document.
- `xlsx`: a workbook: a sheet of results, then a sheet for each table of each source (or the one named `artifact`).
- `zip`: every artifact of every source, `MANIFEST.json` and `CHANGELOG.md`.

For a bundle's change log `inputs.context["previous_bundle"]` holds the content of the artifact
`bundle_manifest.json` of the organisation's latest succeeded zip export that has the same tags and another
`result.content_digest` than this one will have, or None. `tasks.export.bundle.content_digest(jobs)` is that digest,
from the sources alone, before the run. Equal content is passed over so that a rerun gives the same bytes.
"""

from __future__ import annotations

from tasks.export.params import ExportParams, ExportResult
from tasks.kind import Artifact, JobKind, Limits

KIND = JobKind(
    name="export",
    summary="Makes one document, table or bundle out of finished jobs: PDF, CSV, JSON, XLSX or ZIP.",
    params=ExportParams,
    result=ExportResult,
    permission="export.run",
    queue="io",
    artifacts=(
        Artifact("report.pdf", "pdf", "The report, for format pdf.", optional=True),
        Artifact("export.csv", "csv", "The table, for format csv.", optional=True),
        Artifact("export.json", "json", "Results, documents and the table, for format json.", optional=True),
        Artifact("workbook.xlsx", "xlsx", "Results and tables, a sheet each, for format xlsx.", optional=True),
        Artifact("bundle.zip", "zip", "Every artifact of the sources, for format zip.", optional=True),
        Artifact("bundle_manifest.json", "json", "The bundle's MANIFEST.json, for format zip.", optional=True),
    ),
    example={
        "format": "pdf",
        "sources": ["job_01970000-0000-7000-8000-000000000003"],
        "template": "backtest",
        "title": "Momentum, long-short",
        "branding": {"colour": "#0b4f6c"},
        "page": "A4",
    },
    limits=Limits(run_s=600, memory_mb=2048, threads=1),
)
