"""Makes an artifact the next version of a dataset, which is made on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from infra import events
from infra.ids import is_id, new_id
from tasks.errors import Invalid, Violation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.database import Connection
    from infra.leases import StoredArtifact
    from tasks.outcome import DatasetVersion


def add_version(
    connection: Connection, held: Mapping[str, Any], intent: DatasetVersion, artifacts: Sequence[StoredArtifact]
) -> str:
    """Add the version in the job's own transaction and return it as `ds_…@n`; raises Invalid if its type is another."""
    dataset = _dataset(connection, held["org_id"], intent)
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
