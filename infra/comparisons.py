"""A reproduction beside the job whose manifest it runs again: artifact by artifact, whether the bytes are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.database import Connection


def reports(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return, for each of these jobs that is a reproduction, how it compares with its original."""
    again = {row["id"]: row for row in rows if row["reproduction_of"] is not None}
    if not again:
        return {}
    wanted = [*again, *(row["reproduction_of"] for row in again.values())]
    digests: dict[str, dict[str, str]] = {}
    for one in connection.execute("SELECT job_id, name, sha256 FROM artifacts WHERE job_id = ANY (%s)", [wanted]):
        digests.setdefault(one["job_id"], {})[one["name"]] = one["sha256"]
    versions = {
        one["id"]: one["code_version"]
        for one in connection.execute("SELECT id, code_version FROM jobs WHERE id = ANY (%s)", [wanted])
    }
    return {
        job_id: _report(row, versions[row["reproduction_of"]], digests.get(row["reproduction_of"], {}), digests)
        for job_id, row in again.items()
    }


def compare(original: Mapping[str, str], again: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return every artifact of either run by name, with both digests and whether they are the same."""
    names = sorted(original.keys() | again.keys())
    return [
        {
            "name": name,
            "same": original.get(name) == again.get(name),
            "sha256": again.get(name),
            "original_sha256": original.get(name),
        }
        for name in names
    ]


def original_result(connection: Connection, job_id: str) -> dict[str, Any]:
    """Return the result of the job that is being reproduced."""
    row = connection.execute("SELECT result FROM jobs WHERE id = %s", [job_id]).fetchone()
    return dict(row["result"] or {}) if row else {}


def _report(
    row: Mapping[str, Any], version: str | None, original: Mapping[str, str], digests: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    report: dict[str, Any] = {"of": row["reproduction_of"], "same": None, "same_code": None, "artifacts": []}
    if row["state"] != "succeeded":
        return report
    artifacts = compare(original, digests.get(row["id"], {}))
    same = all(one["same"] for one in artifacts)
    return report | {"same": same, "same_code": row["code_version"] == version, "artifacts": artifacts}
