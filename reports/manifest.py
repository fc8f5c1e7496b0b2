"""The manifest of a job: what went in, what computed, what came out, so that anyone can run it again and compare.

It holds no time, no attempt and no id of the job itself: the same work gives the same manifest.
"""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from reports.json_text import plain, write_json
from reports.render import MANIFEST, MEDIA_TYPES, Rendered
from reports.render import rendered as measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

LIBRARIES: Final = ("cvxpy", "duckdb", "exchange-calendars", "numpy", "pandas", "reportlab", "scipy")
_OF_AN_INPUT: Final = (
    "ref",
    "sha256",
    "bytes",
    "type",
)  # where it is stored is the platform's affair, not the result's


def manifest(  # noqa: PLR0917 - a manifest's own list of what it records
    kind: str,
    params: Mapping[str, Any],
    inputs: Mapping[str, Mapping[str, Any]],
    seeds: Mapping[str, int],
    code_version: str,
    library_versions: Mapping[str, str],
    rendered: Iterable[Rendered],
) -> dict[str, Any]:
    """Return the manifest of one job as plain JSON values; `inputs` is the job row's column of that name."""
    held = [{key: entry[key] for key in _OF_AN_INPUT if entry.get(key) is not None} for entry in inputs.values()]
    value: dict[str, Any] = {
        "manifest": 1,
        "kind": kind,
        "params": params,
        "inputs": sorted(held, key=lambda entry: (str(entry.get("ref")), str(entry.get("sha256")))),
        "seeds": seeds,
        "code_version": code_version,
        "libraries": library_versions,
        "artifacts": {file.name: _entry(file) for file in sorted(rendered, key=lambda file: file.name)},
    }
    plained: dict[str, Any] = plain(value)
    return plained


def write_manifest(value: Mapping[str, Any], scratch: Path) -> Rendered:
    """Write a manifest to its file and return it as the artifact `manifest.json`."""
    path = scratch / MANIFEST
    write_json(value, path)
    return measure(str(value["kind"]), MANIFEST, path, MEDIA_TYPES["json"])


def library_versions(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the installed versions of Python and the libraries that results depend on, without the absent ones."""
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # an optional library that is not there computed nothing
    return versions


def _entry(file: Rendered) -> dict[str, Any]:
    entry: dict[str, Any] = {"media_type": file.media_type, "bytes": file.bytes, "sha256": file.sha256}
    return entry if file.rows is None else entry | {"rows": file.rows}
