"""The declaration of `ingest`: an upload becomes a version of a dataset."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from marshmallow import validates_schema

from tasks.ingest.types import OFFERED
from tasks.kind import Artifact, Column, JobKind, Limits
from tasks.params import DATASET_REF, Choice, Day, Flag, Number, Params, TableRef, Text, UploadRef, bad, fields

DATASET_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}"


class DatasetName(TableRef):
    """A dataset by its name, or by its id: an id is a reference, fixed to a version when the job is submitted."""

    SCHEMA: ClassVar[dict[str, Any]] = {
        "type": "string",
        "minLength": 1,
        "maxLength": 100,
        "pattern": f"^{DATASET_NAME}$",
    }

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        return Text(min_length=1, max_length=100, pattern=DATASET_NAME).deserialize(value)


class IngestParams(Params):
    """What to read, how to read it where detection can't know, and which dataset it becomes a version of."""

    upload = UploadRef(required=True, metadata={"description": "The completed upload to read: CSV or Parquet."})
    as_ = Choice(
        OFFERED,
        data_key="as",
        attribute="as",
        load_default="prices",
        metadata={"description": "What the rows are; it decides the canonical schema and the checks."},
    )
    dataset = DatasetName(
        required=True,
        metadata={"description": "The dataset's name (made on first use) or its `ds_…` id; append needs the id."},
    )
    columns = fields.Dict(
        keys=Text(min_length=1, max_length=64),
        values=Text(min_length=1),
        load_default=dict,
        metadata={"description": "Canonical column name to the file's header name, where detection needs help."},
    )
    date_format = Text(
        allow_none=True,
        load_default=None,
        max_length=40,
        metadata={"description": "A strptime pattern such as `%d/%m/%Y`; needed where a file's dates are ambiguous."},
    )
    decimal = Choice(
        (".", ","), load_default=".", metadata={"description": "The decimal sign; a comma is never guessed."}
    )
    delimiter = Choice(
        (",", ";", "\t", "|"), allow_none=True, load_default=None, metadata={"description": "Detected when null."}
    )
    encoding = Choice(
        ("utf-8", "utf-16", "latin-1", "windows-1252"),
        allow_none=True,
        load_default=None,
        metadata={"description": "Detected when null: UTF-8, or UTF-16 by its byte order mark; others are declared."},
    )
    calendar = Text(
        allow_none=True,
        load_default="XNYS",
        max_length=10,
        metadata={"description": "The exchange whose sessions coverage is measured against; null measures none."},
    )
    corporate_actions = TableRef(
        allow_none=True,
        load_default=None,
        metadata={"description": "Rows `ex_date, symbol, type, ratio, amount` that adjust the prices."},
    )
    symbol_map = TableRef(
        allow_none=True,
        load_default=None,
        metadata={"description": "Rows `symbol, valid_from, valid_to, permanent_id`: who a ticker was, and when."},
    )
    adjusted = Flag(
        load_default=False,
        metadata={"description": "The prices are adjusted already: corporate actions would adjust them twice."},
    )
    cross_check = TableRef(
        allow_none=True,
        load_default=None,
        metadata={"description": "Other prices of the same symbols: daily returns that differ are listed, day by day."},
    )
    cross_check_tolerance = Number(
        above=0,
        maximum=1,
        load_default=0.005,
        metadata={"description": "By how much two daily returns may differ before they are in dispute."},
    )
    as_of = Day(
        allow_none=True,
        load_default=None,
        metadata={"description": "Rows of later days are reported as of the future; null knows no today."},
    )
    on_bad_row = Choice(
        ("quarantine", "reject"),
        load_default="quarantine",
        metadata={"description": "Set a row that can't be used aside, or refuse the whole file."},
    )
    mode = Choice(
        ("replace", "append"),
        load_default="replace",
        metadata={"description": "Whether the new version holds this file alone, or adds it to the version before."},
    )

    @validates_schema
    def _offered(self, data: dict[str, Any], **_: Any) -> None:
        for name in ("corporate_actions", "symbol_map", "cross_check", "as_of"):
            if data.get(name) is not None and data.get("as") != "prices":
                raise bad(name, data.get("as"), f"takes no {name}; only `prices` do.")
        if data.get("adjusted") and data.get("corporate_actions") is not None:
            raise bad("adjusted", data["adjusted"], "excludes corporate_actions: they would adjust the prices twice.")
        if data.get("mode") == "append" and not DATASET_REF.fullmatch(data.get("dataset", "")):
            raise bad("dataset", data.get("dataset"), "is a name; to append, give the dataset's id (ds_…).")
        if data.get("decimal") == "," and data.get("delimiter") == ",":
            raise bad("delimiter", ",", "can't be the decimal sign as well; declare another delimiter.")


class Detected(Params):
    """What was found out about the file, or declared about it."""

    format = fields.String(metadata={"description": "`csv` or `parquet`."})
    compression = fields.String(allow_none=True)
    encoding = fields.String(allow_none=True)
    delimiter = fields.String(allow_none=True)
    decimal = fields.String(allow_none=True)
    newline = fields.String(allow_none=True)
    layout = fields.String(metadata={"description": "`long` (a row per date and symbol) or `wide` (a column each)."})
    date_format = fields.String(allow_none=True)
    columns = fields.Dict(metadata={"description": "Canonical column to header name."})
    ignored = fields.List(fields.String(), metadata={"description": "Headers that no canonical column uses."})


class IngestResult(Params):
    """The account of the rows, what was detected, and the health score."""

    dataset = fields.String(metadata={"description": "The dataset, and once the job has succeeded its new version."})
    rows_read = fields.Integer(metadata={"description": "Rows of the file; in a wide file, cells that are not empty."})
    rows_kept = fields.Integer(metadata={"description": "Rows of the file that are in the version."})
    rows_quarantined = fields.Integer(metadata={"description": "Rows set aside in quarantine.csv."})
    rows_duplicate = fields.Integer(metadata={"description": "Rows that repeat another exactly, dropped."})
    rows_total = fields.Integer(metadata={"description": "Rows of the whole version, with those appended to."})
    symbols = fields.Integer(metadata={"description": "Different symbols in the version."})
    start = fields.String(allow_none=True, metadata={"description": "Its first day."})
    end = fields.String(allow_none=True, metadata={"description": "Its last day."})
    detected = fields.Nested(Detected, metadata={"description": "What was found out about the file, or declared."})
    symbols_with_findings = fields.Integer(metadata={"description": "Symbols that lost points, of those graded."})
    score = fields.Float(allow_none=True, metadata={"description": "Health from 0 to 100; null where none is kept."})
    warnings = fields.List(fields.String(), metadata={"description": "What a person should look at."})


PRICE_COLUMNS: Final = (
    Column("date", "date"),
    Column("symbol", "text", "As in the file; with a symbol map the permanent id, with renames the last ticker."),
    *(Column(name, "float64", "As traded; null where the file has none.") for name in ("open", "high", "low")),
    Column("close", "float64", "As traded."),
    Column("volume", "float64", "As traded; null where the file has none."),
    Column("currency", "text", "Only where the file has it."),
    Column("ticker", "text", "As traded that day; only with a symbol map or renames."),
    Column("split_factor", "float64", "What a price of that day is multiplied by for all later splits."),
    Column("adj_factor", "float64", "The same for all later splits and distributions."),
    Column("adj_close", "float64", "close · adj_factor."),
    Column(
        "delisting_return", "float64", "On a company's last row: its return after that close; only with such actions."
    ),
)

KIND = JobKind(
    name="ingest",
    summary="Read an upload strictly, account for every row, adjust prices, grade the data, make a dataset version.",
    params=IngestParams,
    result=IngestResult,
    permission="research.run",
    queue="bulk",
    artifacts=(
        Artifact(
            "data",
            "table",
            "The canonical table, sorted by its key. These are the columns of prices; other types have their own.",
            PRICE_COLUMNS,
        ),
        Artifact("health.json", "json", "Coverage, gaps, outliers, suspected splits and the score with its reasons."),
        Artifact("health.csv", "csv", "The same, one row per symbol."),
        Artifact(
            "cross_check.csv",
            "csv",
            "Daily returns that the table to cross-check with has otherwise.",
            (
                Column("symbol", "text"),
                Column("date", "date"),
                Column("return", "float64", "Of the adjusted closes here."),
                Column("other_return", "float64", "Of the other table's, over the same two days."),
                Column("difference", "float64", "return - other_return"),
            ),
            optional=True,
        ),
        Artifact(
            "quarantine.csv",
            "csv",
            "Every row that could not be used.",
            (
                Column("line", "int64", "The line of the uploaded file (the row, for Parquet)."),
                Column("reason", "text"),
                Column("column", "text"),
                Column("value", "text", "The value that gave the reason, as written."),
                Column("raw", "text", "The line as it came, cut after 2,000 characters."),
            ),
        ),
    ),
    example={
        "upload": "upl_01970000-0000-7000-8000-000000000000",
        "as": "prices",
        "dataset": "us-equities",
        "corporate_actions": {
            "columns": ["ex_date", "symbol", "type", "ratio", "amount"],
            "rows": [["2020-08-31", "AAPL", "split", 4, None], ["2020-11-06", "AAPL", "cash_dividend", None, 0.205]],
        },
    },
    limits=Limits(run_s=3600, memory_mb=2048, threads=2),
)
