"""A job run again from its manifest: the same parameters and the same pinned inputs, past the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from infra.submission import JobRequest, Place, submit
from tasks.errors import Conflict, Gone, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infra.database import Connection
    from infra.keys import Caller

KEPT: Final = """
    SELECT key FROM artifacts WHERE key = ANY (%(keys)s) AND deleted_at IS NULL
    UNION SELECT key FROM uploads WHERE key = ANY (%(keys)s) AND deleted_at IS NULL
    UNION SELECT key FROM dataset_versions WHERE key = ANY (%(keys)s) AND deleted_at IS NULL
"""


def reproduce(connection: Connection, caller: Caller, job_id: str, *, request_id: str | None) -> dict[str, Any]:
    """Submit a succeeded job's manifest again, past the cache, and return the new job's row.

    It has no effect but its artifacts: a reproduced ingest adds no version to its dataset. Raises NotFound, Conflict
    for a job that has not succeeded, Gone where an input's bytes have been deleted, or as `submit`.
    """
    old = connection.execute("SELECT * FROM jobs WHERE id = %s", [job_id]).fetchone()
    if old is None:
        raise NotFound("There is no such job.")
    if old["state"] != "succeeded":
        raise Conflict(f"{job_id} is {old['state']}; only a job that has succeeded has a manifest to run again.")
    _require_inputs(connection, (old["inputs"] or {}).values())
    request = JobRequest(
        old["kind"], old["params"], old["priority"], old["tags"], cache="off", pinned=old["inputs"] or {}
    )
    return submit(connection, caller, request, request_id=request_id, place=Place(reproduction_of=job_id))


def _require_inputs(connection: Connection, inputs: Iterable[Mapping[str, Any]]) -> None:
    """Raise Gone if the bytes of an input are no longer kept."""
    wanted = {one["key"]: one["ref"] for one in inputs}
    kept = {row["key"] for row in connection.execute(KEPT, {"keys": list(wanted)})}
    lost: Sequence[str] = sorted(str(ref) for key, ref in wanted.items() if key not in kept)
    if lost:
        raise Gone(f"It can't be run again: {', '.join(lost)} has been deleted by the retention rule.")
