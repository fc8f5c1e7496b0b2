"""Earlier results found again by content: kind, parameters, digests of every input, and the code that computed them."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.canonical import canonical, digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Connection

COMPUTING: Final = ("tasks", "reports")  # the packages whose code decides a result's bytes


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the SHA-256 over the source of everything that decides a result's bytes."""
    found = hashlib.sha256()
    for package in COMPUTING:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            found.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def input_digest(kind: str, params: Mapping[str, Any], inputs: Mapping[str, Mapping[str, Any]], version: str) -> str:
    """Return the digest under which a result is found again: every reference stands as the content it points at."""
    return digest({"kind": kind, "params": _by_content(dict(params), inputs), "code_version": version})


def lookup(connection: Connection, found: str) -> dict[str, Any] | None:
    """Return the latest job of the organisation that computed this, if all it made is still there and current.

    A job whose dataset version has been overtaken is run again: its effect, not only its result, is what was asked.
    """
    return connection.execute(
        """
        SELECT s.* FROM jobs s
        WHERE s.input_digest = %s AND s.state = 'succeeded' AND s.cached_from IS NULL
          AND s.reproduction_of IS NULL
          AND NOT EXISTS (SELECT 1 FROM artifacts a
                          WHERE a.org_id = s.org_id AND a.job_id = s.id AND a.deleted_at IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM dataset_versions v
                          JOIN datasets d ON d.org_id = v.org_id AND d.id = v.dataset_id
                          WHERE v.org_id = s.org_id AND v.job_id = s.id AND v.version <> d.current_version)
        ORDER BY s.finished_at DESC LIMIT 1
        """,
        [found],
    ).fetchone()


def copy_artifacts(connection: Connection, source: Mapping[str, Any], job_id: str) -> None:
    """Give a job the artifacts of the one it repeats: rows of its own, the same stored bytes."""
    connection.execute(
        "INSERT INTO artifacts (org_id, job_id, name, attempt, media_type, bytes, sha256, rows, key, filename) "
        "SELECT org_id, %s, name, attempt, media_type, bytes, sha256, rows, key, filename "
        "FROM artifacts WHERE org_id = %s AND job_id = %s",
        [job_id, source["org_id"], source["id"]],
    )


def _by_content(value: Any, inputs: Mapping[str, Mapping[str, Any]]) -> Any:
    """Replace every reference by its content's digest, and what else of it a run may read."""
    if _is_reference(value) and (found := inputs.get(canonical(value))) is not None:
        kept = ("sha256", "type", "filename")
        seen = {name: found[name] for name in kept if found.get(name) is not None}
        return seen | ({"job": found["ref"]} if found.get("type") == "job" else {})
    if isinstance(value, dict):
        return {key: _by_content(inner, inputs) for key, inner in value.items()}
    if isinstance(value, list):
        return [_by_content(inner, inputs) for inner in value] if _may_refer(value) else value
    return value


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and set(value) == {"job", "artifact"})


def _may_refer(values: list[Any]) -> bool:
    """Say whether a list can hold a reference: an inline table's thousands of rows can't, and are left alone."""
    return bool(values) and not isinstance(values[0], list | int | float)
