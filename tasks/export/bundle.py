"""What a bundle holds: safe member names, its manifest, and what changed since the bundle before. No file is opened."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tasks.inputs import FinishedJob

NAME_MAX: Final = 100
_EXTENSION: Final = {"application/vnd.apache.parquet": ".parquet"}


@dataclass(frozen=True)
class Member:
    """One file of a bundle: its name inside, and the artifact it is."""

    name: str
    path: Path
    kind: str
    artifact: str
    bytes: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Return the member's entry in MANIFEST.json."""
        return {
            "name": self.name,
            "kind": self.kind,
            "artifact": self.artifact,
            "bytes": self.bytes,
            "sha256": self.sha256,
        }


def members(jobs: Sequence[FinishedJob]) -> list[Member]:
    """Return every artifact of every job as a bundle member, in the jobs' order and by name within each.

    Each job has one folder, `01-backtest`; names are ASCII, at most 100 characters, unique whatever the case.
    """
    found: list[Member] = []
    taken: set[str] = set()
    for number, job in enumerate(jobs, start=1):
        folder = f"{number:02d}-{safe_name(job.kind)}"
        for artifact, file in sorted(job.artifacts.items()):
            extension = _EXTENSION.get(file.media_type, "")
            plain = safe_name(artifact if artifact.endswith(extension) else artifact + extension)
            name = _unique(f"{folder}/{plain}", taken)
            found.append(Member(name, file.path, job.kind, artifact, file.bytes, file.sha256))
    return found


def safe_name(text: str) -> str:
    """Return a text as one file name that every system takes: no folder, no leading dot, ASCII, 100 characters."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "_", ascii_text).lstrip("._-") or "file"
    stem, dot, extension = cleaned.rpartition(".")
    if dot and len(extension) <= 10:  # noqa: PLR2004 - a longer tail is no extension
        return f"{stem[: NAME_MAX - len(extension) - 1]}.{extension}"
    return cleaned[:NAME_MAX]


def content_digest(jobs: Sequence[FinishedJob]) -> str:
    """Return the SHA-256 over the kinds, names and digests of the jobs' artifacts: equal content, equal digest."""
    return _digest_of(member.as_dict() for member in members(jobs))


def manifest(jobs: Sequence[FinishedJob], changelog: str) -> dict[str, Any]:
    """Return MANIFEST.json: every other member with its size and SHA-256. No time and no job id is in it."""
    text = changelog.encode()
    entries = [member.as_dict() for member in members(jobs)]
    log = {"name": "CHANGELOG.md", "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    return {"bundle": 1, "content_digest": _digest_of(entries), "members": [*entries, log]}


def changelog(jobs: Sequence[FinishedJob], previous: Mapping[str, Any] | None) -> str:
    """Return CHANGELOG.md: what is added, changed and removed against the previous bundle's manifest, if any."""
    if previous is None:
        return "# Changes\n\nThe first bundle with these tags.\n"
    before = {entry["name"]: entry for entry in previous["members"] if "artifact" in entry}
    now = {member.name: member.as_dict() for member in members(jobs)}
    lines = [f"# Changes\n\nAgainst the bundle with content `{previous['content_digest']}`.\n"]
    lines += _listed("Added", [_sized(now[name]) for name in sorted(now.keys() - before.keys())])
    both = sorted(now.keys() & before.keys())
    changed = [name for name in both if now[name]["sha256"] != before[name]["sha256"]]
    lines += _listed("Changed", [f"{_sized(now[name])}, before {before[name]['bytes']:,} bytes" for name in changed])
    lines += _listed("Removed", [f"`{name}`" for name in sorted(before.keys() - now.keys())])
    same = len(both) - len(changed)
    return "\n".join([*lines, f"{same} {'file is' if same == 1 else 'files are'} the same.\n"])


def _unique(name: str, taken: set[str]) -> str:
    stem, dot, extension = name.rpartition(".")
    candidate, number = name, 2
    while candidate.casefold() in taken:
        candidate = f"{stem}-{number}.{extension}" if dot else f"{name}-{number}"
        number += 1
    taken.add(candidate.casefold())
    return candidate


def _digest_of(entries: Iterable[Mapping[str, Any]]) -> str:
    text = json.dumps(list(entries), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _listed(heading: str, items: Sequence[str]) -> list[str]:
    return [f"## {heading}\n", *(f"- {item}" for item in items), ""] if items else []


def _sized(entry: Mapping[str, Any]) -> str:
    return f"`{entry['name']}`: {entry['bytes']:,} bytes"
