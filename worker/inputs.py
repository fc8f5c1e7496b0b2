"""What a run asked for, brought to local disk: fetched and checked against its digest, or written from parameters."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from infra import jobs
from infra.canonical import canonical
from infra.files import digest_file, safe_name
from reports.tables import write_parquet
from tasks.errors import Invalid, Violation
from tasks.inputs import FinishedJob, Inputs, LocalFile, TableFile
from worker.inline import columns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tasks.inputs import Need
    from worker.process import Tools

AT_ONCE: Final = 8  # downloads side by side: they wait for the network, not for the processor


def gather(tools: Tools, held: Mapping[str, Any], needs: Mapping[str, Need], scratch: Path) -> Inputs:
    """Bring every need of a job to its scratch folder; raises IntegrityFault, Unavailable, Invalid."""
    folder = scratch / "inputs"
    folder.mkdir(exist_ok=True)  # it may be tried again when the store was away
    found: dict[str, TableFile | LocalFile | FinishedJob] = {
        name: _BRINGERS[need.what](tools, held, need.ref, _Place(name, folder / str(number)))
        for number, (name, need) in enumerate(sorted(needs.items()))
    }
    return Inputs(scratch, found)


class _Place:
    """Where one input goes, and where in the parameters it was asked for."""

    def __init__(self, name: str, folder: Path) -> None:
        self.pointer = "/params/" + name.replace(".", "/")
        self.folder = folder
        folder.mkdir(exist_ok=True)


def _table(tools: Tools, held: Mapping[str, Any], ref: Any, place: _Place) -> TableFile:
    path = place.folder / "table.parquet"
    if isinstance(ref, dict) and "rows" in ref:
        write_parquet(columns_of(ref, place.pointer), path)
        return TableFile(path, digest_file(path), "inline", None, place.pointer)
    stored = _resolved(held, ref, place)
    tools.files.fetch(stored["key"], path, stored["sha256"])
    return TableFile(path, stored["sha256"], stored["ref"], stored.get("type"), place.pointer)


def _upload(tools: Tools, held: Mapping[str, Any], ref: Any, place: _Place) -> LocalFile:
    stored = _resolved(held, ref, place)
    path = place.folder / safe_name(stored["filename"])
    tools.files.fetch(stored["key"], path, stored["sha256"])
    return LocalFile(path, stored["filename"], stored["media_type"], stored["bytes"], stored["sha256"])


def _job(tools: Tools, held: Mapping[str, Any], ref: Any, place: _Place) -> FinishedJob:
    with tools.database.org(held["org_id"]) as connection:
        row = jobs.get(connection, ref)
        listed = [a for a in jobs.artifacts(connection, ref) if a["deleted_at"] is None]
    if row is None or row["state"] != "succeeded":
        raise Invalid(None, Violation(place.pointer, f"{ref} is not a succeeded job."))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = dict(pool.map(lambda artifact: (artifact["name"], _artifact(tools, artifact, place.folder)), listed))
    manifest = json.loads(found["manifest.json"].path.read_text(encoding="utf-8"))
    return FinishedJob(row["id"], row["kind"], row["params"], row["result"], row["tags"], manifest, found)


def _artifact(tools: Tools, artifact: Mapping[str, Any], folder: Path) -> LocalFile:
    path = folder / safe_name(artifact["filename"])
    tools.files.fetch(artifact["key"], path, artifact["sha256"])
    return LocalFile(path, artifact["filename"], artifact["media_type"], artifact["bytes"], artifact["sha256"])


def _resolved(held: Mapping[str, Any], ref: Any, place: _Place) -> Mapping[str, Any]:
    """Return where an input lies, as was pinned when the job was submitted or its dependencies ended."""
    stored: Mapping[str, Any] | None = (held["inputs"] or {}).get(canonical(ref))
    if stored is None:
        raise Invalid(None, Violation(place.pointer, f"{canonical(ref)} was not resolved to anything stored."))
    return stored


_BRINGERS: Final[dict[str, Callable[[Tools, Mapping[str, Any], Any, _Place], Any]]] = {
    "table": _table,
    "upload": _upload,
    "job": _job,
}
