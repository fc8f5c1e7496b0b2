"""Makes an artifact the next version of a dataset, which is made on first use.

Rows that were added to a version which is not the latest any more would take the place of what came between: such a
version is not made. Its job runs again, on the latest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from infra import events
from infra.ids import is_id, new_id
from infra.references import resolve
from tasks.errors import Conflict, Invalid, Violation
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.database import Connection
    from infra.leases import StoredArtifact
    from tasks.outcome import DatasetVersion


class Overtaken(Exception):
    """The dataset has got another version since `base`, to which rows were to be added."""

    def __init__(self, base: str, latest: str) -> None:
        super().__init__(f"{latest} came while this job added to {base}")
        self.base, self.latest = base, latest


def add_version(
    connection: Connection, held: Mapping[str, Any], intent: DatasetVersion, artifacts: Sequence[StoredArtifact]
) -> str:
    """Add the version in the job's own transaction and return it as `ds_…@n`.

    Raises Invalid if the dataset's type is another, and Overtaken if the version is based on one that isn't the latest.
    """
    dataset = _dataset(connection, held["org_id"], intent)
    latest = f"{dataset['id']}@{dataset['current_version']}"
    if intent.base not in (None, latest):
        raise Overtaken(intent.base, latest)
    version = dataset["current_version"] + 1
    stored = next(artifact for artifact in artifacts if artifact.name == intent.artifact)
    connection.execute(
        """
        INSERT INTO dataset_versions (org_id, dataset_id, version, job_id, artifact, sha256, bytes, key, rows, symbols,
                                      start_date, end_date, schema, health)
        VALUES (%(org_id)s, %(dataset_id)s, %(version)s, %(job_id)s, %(artifact)s, %(sha256)s, %(bytes)s, %(key)s,
                %(rows)s, %(symbols)s, %(start)s, %(end)s, %(schema)s, %(health)s)
        """,
        {
            "org_id": held["org_id"],
            "dataset_id": dataset["id"],
            "version": version,
            "job_id": held["id"],
            "artifact": intent.artifact,
            "sha256": stored.sha256,
            "bytes": stored.bytes,
            "key": stored.key,
            "rows": intent.rows,
            "symbols": intent.symbols,
            "start": intent.start,
            "end": intent.end,
            "schema": Jsonb(intent.schema),
            "health": Jsonb(dict(intent.health)),
        },
    )
    connection.execute("UPDATE datasets SET current_version = %s WHERE id = %s", [version, dataset["id"]])
    events.dataset_ready(connection, held["org_id"], dataset["id"])
    return f"{dataset['id']}@{version}"


def pinned_anew(connection: Connection, held: Mapping[str, Any], overtaken: Overtaken) -> dict[str, dict[str, Any]]:
    """Return a job's inputs with the overtaken version replaced by the latest and the others as they were.

    Raises Conflict where the parameters themselves name the version, and Invalid where the latest is gone.
    """
    others = {name: stored for name, stored in held["inputs"].items() if stored["ref"] != overtaken.base}
    inputs = resolve(connection, kinds()[held["kind"]], held["params"], others).inputs
    if any(stored["ref"] == overtaken.base for stored in inputs.values()):
        raise Conflict(f"{overtaken}; name the dataset without its version to add to the latest.")
    return inputs


def _dataset(connection: Connection, org_id: str, intent: DatasetVersion) -> dict[str, Any]:
    """Return the dataset's row, locked: versions of one dataset are numbered one after the other."""
    if not is_id(intent.dataset, "ds"):
        connection.execute(
            "INSERT INTO datasets (org_id, id, name, type) VALUES (%s, %s, %s, %s) "
            "ON CONFLICT (org_id, name) DO NOTHING",
            [org_id, new_id("ds"), intent.dataset, intent.type],
        )
    row = connection.execute(
        "SELECT id, type, current_version FROM datasets WHERE id = %s OR name = %s FOR UPDATE",
        [intent.dataset, intent.dataset],
    ).fetchone()
    if row is None:
        raise Invalid(None, Violation("/params/dataset", f"there is no dataset {intent.dataset}."))
    if row["type"] != intent.type:
        detail = f"{intent.dataset!r} holds {row['type']}, not {intent.type}; give another name."
        raise Invalid(None, Violation("/params/dataset", detail))
    return row
