"""What a job's parameters point at, resolved to stored bytes: datasets pinned, uploads and artifacts found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.canonical import canonical
from tasks.errors import DatasetNotReady, Invalid, Violation
from tasks.params import Reference, references
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Connection
    from tasks.kind import JobKind

OVER_BADLY = {"failed", "cancelled"}


@dataclass
class Resolved:
    """Inputs found, by the canonical text of what asked for them, and the jobs whose output is still to come."""

    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    pending: set[str] = field(default_factory=set)


def resolve(connection: Connection, kind: JobKind, params: Mapping[str, Any], pinned: Mapping[str, Any]) -> Resolved:
    """Resolve every reference in validated parameters; raises Invalid with each one that leads nowhere.

    What `pinned` holds already stays as it is: a dataset is pinned once, when the job is submitted.
    """
    found, violations, kind_of_error = Resolved(dict(pinned)), list[Violation](), Invalid
    for reference in references(kind.params, params):
        if canonical(reference.value) in found.inputs:
            continue
        try:
            _FINDERS[reference.to](connection, reference, found)
        except Invalid as error:
            violations += error.violations
            kind_of_error = type(error)
    if violations:
        raise (kind_of_error if len(violations) == 1 else Invalid)(violations[0].detail, *violations)
    return found


def check_dependency(connection: Connection, job_id: str, pointer: str) -> dict[str, Any]:
    """Return the job that another is to depend on; raises Invalid if there is none or it ended badly."""
    row = connection.execute(
        "SELECT org_id, id, kind, state, params, result, tags FROM jobs WHERE id = %s", [job_id]
    ).fetchone()
    if row is None:
        raise _refuse(pointer, f"there is no job {job_id}.")
    if row["state"] in OVER_BADLY:
        raise _refuse(pointer, f"{job_id} {_ended(row['state'])}; retry it and refer to the new job.")
    return row


def _dataset(connection: Connection, reference: Reference, found: Resolved) -> None:
    dataset_id, _, version = str(reference.value).partition("@")
    row = connection.execute(
        """
        SELECT d.type, d.current_version, v.version, v.sha256, v.key, v.bytes, v.deleted_at
        FROM datasets d LEFT JOIN dataset_versions v
          ON v.org_id = d.org_id AND v.dataset_id = d.id AND v.version = coalesce(%s::integer, d.current_version)
        WHERE d.id = %s
        """,
        [int(version) if version else None, dataset_id],
    ).fetchone()
    if row is None:
        raise _refuse(reference.pointer, f"there is no dataset {dataset_id}.")
    if row["version"] is None and not row["current_version"]:
        detail = f"{dataset_id} has no version yet; run an ingest job for it first, or wait for the one that runs."
        raise DatasetNotReady(detail, Violation(reference.pointer, detail))
    if row["version"] is None or row["deleted_at"] is not None:
        raise _refuse(reference.pointer, f"{reference.value} is not there; the latest is @{row['current_version']}.")
    found.inputs[canonical(reference.value)] = {
        "ref": f"{dataset_id}@{row['version']}",
        "sha256": row["sha256"],
        "key": row["key"],
        "bytes": row["bytes"],
        "type": row["type"],
    }


def _artifact(connection: Connection, reference: Reference, found: Resolved) -> None:
    job_id, name = reference.value["job"], reference.value["artifact"]
    job = check_dependency(connection, job_id, reference.pointer)
    declared = {a.name: a for a in kinds()[job["kind"]].artifacts} if job["kind"] in kinds() else {}
    if name not in declared or declared[name].form != "table":
        tables = ", ".join(n for n, a in declared.items() if a.form == "table") or "none"
        raise _refuse(reference.pointer, f"a {job['kind']} job leaves no table {name!r}; it leaves: {tables}.")
    if job["state"] != "succeeded":
        found.pending.add(job_id)
        return
    row = connection.execute(
        "SELECT sha256, key, bytes, deleted_at FROM artifacts WHERE job_id = %s AND name = %s", [job_id, name]
    ).fetchone()
    if row is None or row["deleted_at"] is not None:
        why = "has been deleted by the retention rule" if row else "was not made by that run"
        raise _refuse(reference.pointer, f"{name!r} of {job_id} {why}.")
    found.inputs[canonical(reference.value)] = {
        "ref": f"{job_id}/{name}",
        "sha256": row["sha256"],
        "key": row["key"],
        "bytes": row["bytes"],
        "type": None,
    }


def _upload(connection: Connection, reference: Reference, found: Resolved) -> None:
    row = connection.execute(
        "SELECT state, sha256, key, bytes, filename, media_type, deleted_at FROM uploads WHERE id = %s",
        [reference.value],
    ).fetchone()
    if row is None:
        raise _refuse(reference.pointer, f"there is no upload {reference.value}.")
    if row["deleted_at"] is not None:
        raise _refuse(reference.pointer, f"{reference.value} has been deleted by the retention rule.")
    if row["state"] != "completed" or row["sha256"] is None:
        raise _refuse(
            reference.pointer, f"{reference.value} is {row['state']}; complete it with POST /v1/uploads/…/complete."
        )
    found.inputs[canonical(reference.value)] = {
        "ref": reference.value,
        "sha256": row["sha256"],
        "key": row["key"],
        "bytes": row["bytes"],
        "type": None,
        "filename": row["filename"],
        "media_type": row["media_type"],
    }


def _job(connection: Connection, reference: Reference, found: Resolved) -> None:
    job = check_dependency(connection, reference.value, reference.pointer)
    if job["state"] != "succeeded":
        found.pending.add(job["id"])
        return
    row = connection.execute(
        "SELECT sha256, key, bytes FROM artifacts WHERE job_id = %s AND name = 'manifest.json' AND deleted_at IS NULL",
        [job["id"]],
    ).fetchone()
    if row is None:
        raise _refuse(reference.pointer, f"{job['id']}'s artifacts have been deleted by the retention rule.")
    found.inputs[canonical(reference.value)] = {"ref": job["id"], "type": "job", **row}


def _step(_connection: Connection, reference: Reference, _found: Resolved) -> None:
    raise _refuse(reference.pointer, '{"step": …} works inside a pipeline only; give {"job": …} here.')


_FINDERS = {"dataset": _dataset, "artifact": _artifact, "upload": _upload, "job": _job, "step": _step}


def _refuse(pointer: str, detail: str) -> Invalid:
    return Invalid(None, Violation(pointer, detail))


def _ended(state: str) -> str:
    return "was cancelled" if state == "cancelled" else "failed"
