"""Datasets over HTTP: listed, described, their versions, and a look at the rows kept as a sample."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from api import examples, paging
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.fields import Count
from api.lists import list_of
from api.shapes import DatasetShape, PreviewShape, VersionShape
from infra import datasets, resources
from tasks.errors import Gone
from tasks.params import Day, Params, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.call import Call

TAG: Final = "Datasets"


class ListQuery(paging.Page):
    """How a list of datasets is narrowed."""

    name = Text(load_default=None)
    type = Text(load_default=None)


class PreviewQuery(Params):
    """Which of the sample's rows to show."""

    symbol = Text(load_default=None, max_length=64)
    start = Day(load_default=None)
    end = Day(load_default=None)
    limit = Count(minimum=1, maximum=200, load_default=50)
    version = Count(
        minimum=1, maximum=2**31 - 1, load_default=None, metadata={"description": "the current one if none"}
    )


@endpoint(
    "GET",
    "/v1/datasets",
    tag=TAG,
    summary="List datasets",
    permission="read",
    query=ListQuery,
    answers={200: Answer("Datasets, newest first.", list_of(DatasetShape), headers={"Link": "the next page"})},
    example=Example(query={"limit": "10"}),
)
def list_datasets(call: Call) -> Reply:
    """List datasets, each with its current version."""
    narrowed = partial(datasets.list_page, name=call.query["name"], type_=call.query["type"])
    return paging.newest_first(call, narrowed, resources.dataset)


@endpoint(
    "GET",
    "/v1/datasets/{dataset_id}",
    tag=TAG,
    summary="Get a dataset",
    permission="read",
    answers={200: Answer("The dataset with its current version.", DatasetShape)},
    example=Example(path={"dataset_id": examples.DATASET}),
)
def get_dataset(call: Call) -> Reply:
    """Return a dataset: schema, rows, symbols, start, end and health of its current version."""
    return Reply(resources.dataset(datasets.get(call.connection, call.path["dataset_id"])))


@endpoint(
    "GET",
    "/v1/datasets/{dataset_id}/versions",
    tag=TAG,
    summary="List a dataset's versions",
    permission="read",
    query=paging.Page,
    answers={200: Answer("Versions, newest first.", list_of(VersionShape), headers={"Link": "the next page"})},
    example=Example(path={"dataset_id": examples.DATASET}),
)
def list_versions(call: Call) -> Reply:
    """List versions; each is immutable and can be pinned as `ds_…@3`."""
    start, limit = paging.place(call), call.query["limit"]
    before = start[0] if start else None
    rows = datasets.versions(call.connection, call.path["dataset_id"], before=before, limit=limit + 1)
    shown = rows[:limit]
    return paging.page(
        call, [resources.dataset_version(row) for row in shown], [shown[-1]["version"]] if len(rows) > limit else None
    )


@endpoint(
    "GET",
    "/v1/datasets/{dataset_id}/preview",
    tag=TAG,
    summary="Look at a dataset's rows",
    permission="read",
    query=PreviewQuery,
    answers={200: Answer("Rows of the sample that was kept when the version was made.", PreviewShape)},
    refusals=(Gone,),
    example=Example(path={"dataset_id": examples.DATASET}, query={"limit": "5"}),
)
def preview_dataset(call: Call) -> Reply:
    """Show rows of a small sample kept with the version; `complete` says whether the sample is all there is.

    The whole version is the Parquet artifact of the job that made it.
    """
    row = datasets.version(call.connection, call.path["dataset_id"], call.query["version"])
    sample = row["health"].get("sample") or {"columns": [], "rows": []}
    chosen = _chosen(sample, call.query)
    body = {
        "dataset": row["dataset_id"],
        "version": row["version"],
        "columns": sample["columns"],
        "rows": chosen[: call.query["limit"]],
        "total_rows": row["rows"],
        "sample_rows": len(sample["rows"]),
        "complete": len(sample["rows"]) == row["rows"],
        "links": {"whole": f"/v1/jobs/{row['job_id']}/artifacts/{row['artifact']}"},
    }
    return Reply(body)


def _chosen(sample: Mapping[str, Any], query: Mapping[str, Any]) -> list[list[Any]]:
    """Return the sample's rows that a preview asks for; dates compare as text, for they are written YYYY-MM-DD."""
    places = {name: place for place, name in enumerate(sample["columns"])}
    rows: list[list[Any]] = sample["rows"]
    if query["symbol"] is not None and "symbol" in places:
        rows = [row for row in rows if row[places["symbol"]] == query["symbol"]]
    if query["start"] is not None and "date" in places:
        rows = [row for row in rows if str(row[places["date"]]) >= query["start"]]
    if query["end"] is not None and "date" in places:
        rows = [row for row in rows if str(row[places["date"]]) <= query["end"]]
    return rows
