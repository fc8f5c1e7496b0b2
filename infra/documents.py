"""The reference pages under `docs/`, written from the declarations: `python -m infra.documents` renews them.

The pages can't drift: a test compares them with what this module writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import problem_types
from tasks.params import json_schema
from tasks.permissions import PERMISSIONS, ROLES
from tasks.registry import kinds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.kind import Artifact, JobKind

DOCS = Path(__file__).parents[1] / "docs"
NOTICE = "<!-- Written by `make docs` from the declarations; edit those. -->\n"


def pages() -> dict[str, str]:
    """Return every generated page by file name."""
    return {"kinds.md": kinds_page(), "problems.md": problems_page(), "roles.md": roles_page()}


def write(folder: Path = DOCS) -> None:
    """Write every generated page."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def kinds_page() -> str:
    """Return the catalogue of job kinds: parameters, artifacts, limits and an example each."""
    parts = [f"# Job kinds\n\n{NOTICE}"]
    parts += ["\n".join(_kind_section(kind)) for kind in kinds().values()]
    return "\n\n".join(parts) + "\n"


def problems_page() -> str:
    """Return the closed set of problem types."""
    rows = [
        f"| `{slug}` | {cls.status} | {cls.title} | {_one_line(cls.__doc__)} |"
        for slug, cls in sorted(problem_types().items())
    ]
    table = ["| slug | status | title | what it means and how to mend it |", "|---|---|---|---|", *rows]
    return f"# Problems\n\n{NOTICE}\nEvery error's `type` is `/problems/<slug>`, a page that the API serves.\n\n" + (
        "\n".join(table) + "\n"
    )


def roles_page() -> str:
    """Return the table of roles and permissions."""
    head = ["| permission | " + " | ".join(ROLES) + " |", "|---|" + "---|" * len(ROLES)]
    rows = [
        f"| `{permission}` | " + " | ".join("✓" if role in holders else "" for role in ROLES) + " |"
        for permission, holders in PERMISSIONS.items()
    ]
    return f"# Roles and permissions\n\n{NOTICE}\n" + "\n".join(head + rows) + "\n"


def _kind_section(kind: JobKind) -> Iterator[str]:
    yield f"## {kind.name}\n\n{kind.summary}\n"
    limits = f"{kind.limits.run_s} s, {kind.limits.memory_mb} MB"
    yield f"Queue `{kind.queue}`, permission `{kind.permission}`, at most {limits}.\n"
    yield "| parameter | type | default | meaning |\n|---|---|---|---|"
    yield from (f"| {row} |" for row in _parameters(json_schema(kind.params)))
    yield "\n| artifact | form | what it is |\n|---|---|---|"
    yield from (f"| {_artifact(artifact)} |" for artifact in kind.artifacts)
    yield f"\n```json\n{json.dumps(kind.example, indent=2, ensure_ascii=False)}\n```"


def _parameters(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _shown(field.get("default"))
        yield " | ".join([f"`{prefix}{name}`", _type(field), default, _one_line(field.get("description", ""))])
        yield from _parameters(field, f"{prefix}{name}.")
        if isinstance(field.get("items"), dict):
            yield from _parameters(field["items"], f"{prefix}{name}[].")


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " \\| ".join(f"`{value}`" for value in field["enum"] if value is not None)
    if "anyOf" in field:
        return "table"
    kind = field.get("type", "any")
    bounds = [f"≥ {field['minimum']:g}"] if "minimum" in field else []
    bounds += [f"> {field['exclusiveMinimum']:g}"] if "exclusiveMinimum" in field else []
    bounds += [f"≤ {field['maximum']:g}"] if "maximum" in field else []
    name = kind if isinstance(kind, str) else " or ".join(str(part) for part in kind)
    return f"{field.get('format', name)} {', '.join(bounds)}".strip()


def _artifact(artifact: Artifact) -> str:
    form = "Parquet" if artifact.form == "table" else artifact.form.upper()
    form += " and CSV" if artifact.csv_twin else ""
    columns = ", ".join(f"`{column.name}`" for column in artifact.columns)
    when = " (when asked for)" if artifact.optional else ""
    return f"`{artifact.name}` | {form}{when} | {artifact.summary}" + (f" Columns: {columns}." if columns else "")


def _shown(value: Any) -> str:
    return "" if value is None else f"`{json.dumps(value, ensure_ascii=False)}`"


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    write()
