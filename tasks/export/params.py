"""What may be asked of an export, and its small JSON answer."""

from __future__ import annotations

from typing import Any, Final

from marshmallow import ValidationError, validates_schema

from tasks.params import Choice, JobRef, Params, Text, UploadRef, bad, fields, section, validate

SOURCES_MAX: Final = 50


class Branding(Params):
    """How a PDF shows whose it is."""

    logo = UploadRef(
        load_default=None,
        allow_none=True,
        metadata={"description": "A PNG picture, drawn at the top right of the first page."},
    )
    colour = Text(
        pattern="#[0-9a-fA-F]{6}",
        load_default=None,
        allow_none=True,
        metadata={"description": "The accent of headings and rules, e.g. `#0b4f6c`; charts keep their own colours."},
    )


class ExportParams(Params):
    """One document, table or bundle made from finished jobs."""

    format = Choice(
        ("pdf", "csv", "json", "xlsx", "zip"),
        required=True,
        metadata={"description": "What to make. `pdf` takes one backtest; the others any jobs."},
    )
    sources = fields.List(
        JobRef(),
        required=True,
        validate=validate.Length(min=1, max=SOURCES_MAX, error="Name 1 to 50 jobs."),
        metadata={"description": "The succeeded jobs to export, in the order they appear."},
    )
    template = Choice(
        ("backtest",),
        not_yet=("idea", "optimization", "risk", "compliance", "committee"),
        load_default="backtest",
        metadata={"description": "The layout of a PDF."},
    )
    artifact = Text(
        pattern=r"[a-z][a-z0-9_]{0,63}(\.[a-z]{2,5})?",
        load_default=None,
        allow_none=True,
        metadata={
            "description": "The table to export; by default csv and json take the first of the kind, xlsx takes all."
        },
    )
    title = Text(
        min_length=1,
        load_default=None,
        allow_none=True,
        metadata={"description": "The title of a PDF (by default the backtest's own) or of a workbook."},
    )
    branding = section(Branding, metadata={"description": "How a PDF shows whose it is."})
    locale = Choice(
        ("en",),
        not_yet=("de", "el", "en-GB", "en-US", "es", "fr", "it", "ja", "pt", "ru", "zh"),
        load_default="en",
        metadata={"description": "The language of a PDF's own words and numbers."},
    )
    page = Choice(("A4", "Letter"), load_default="A4", metadata={"description": "The paper of a PDF."})

    @validates_schema
    def _agree(self, data: dict[str, Any], **_kwargs: Any) -> None:
        sources = data["sources"]
        doubles = {str(source) for source in sources if sources.count(source) > 1}
        if doubles:
            raise ValidationError({"sources": [f"{', '.join(sorted(doubles))} is named twice; name each job once."]})
        if data["format"] == "pdf" and len(sources) > 1:
            raise ValidationError({"sources": ["a PDF of several jobs is not offered yet; name one backtest."]})
        if data["branding"]["logo"] and data["format"] != "pdf":
            raise ValidationError({"branding": {"logo": ["is drawn on PDFs only; leave it out here."]}})
        if data.get("artifact") and data["format"] not in {"csv", "json", "xlsx"}:
            raise bad(
                "artifact", data["artifact"], "names a table, which csv, json and xlsx exports take; leave it out here."
            )


class ExportResult(Params):
    """The answer of an export."""

    format = fields.String(metadata={"description": "The format that was asked for."})
    artifact = fields.String(metadata={"description": "The artifact that holds it."})
    sources = fields.List(fields.String(), metadata={"description": "The kinds of the sources, in their order."})
    rows = fields.Integer(allow_none=True, metadata={"description": "Rows of the table, for csv and json."})
    members = fields.Integer(
        allow_none=True, metadata={"description": "Files in the bundle, for zip; sheets, for xlsx."}
    )
    content_digest = fields.String(
        allow_none=True,
        metadata={"description": "SHA-256 over the bundle's artifacts, for zip: equal content has an equal digest."},
    )
