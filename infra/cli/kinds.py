"""`floor kinds`: what may be asked for; read from the same declarations as everything else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from infra.cli import options
from tasks import params, registry

if TYPE_CHECKING:
    from tasks.kind import JobKind


@click.command(short_help="List the job kinds, or show one with an example.")
@click.argument("kind", required=False)
@options.as_json
def kinds(kind: str | None, as_json: bool) -> None:
    """List the job kinds, or show one with its parameters and a worked example."""
    known = registry.kinds()
    if kind is not None and kind not in known:
        raise click.UsageError(f"{kind!r} is not a kind; the kinds are {', '.join(known)}.")
    if as_json:
        options.show(_full(known[kind]) if kind else [_brief(known[name]) for name in known])
    elif kind:
        click.echo(_page(known[kind]))
    else:
        for name, declared in known.items():
            click.echo(f"{name:<16}{declared.summary}")


def _brief(kind: JobKind) -> dict[str, str]:
    return {"kind": kind.name, "summary": kind.summary, "queue": kind.queue, "permission": kind.permission}


def _full(kind: JobKind) -> dict[str, object]:
    artifacts = [{"name": made.name, "form": made.form, "summary": made.summary} for made in kind.artifacts]
    return _brief(kind) | {
        "params": params.json_schema(kind.params),
        "artifacts": artifacts,
        "example": kind.example,
    }


def _page(kind: JobKind) -> str:
    files = "\n".join(f"  {made.name:<24}{made.summary}" for made in kind.artifacts)
    example = json.dumps(kind.example, indent=2)
    return (
        f"{kind.name}: {kind.summary}\nqueue {kind.queue}, needs the permission {kind.permission}\n\n"
        f"Leaves\n{files}\n\nExample (save as params.json, then: floor jobs submit {kind.name} --params params.json)\n"
        f"{example}\n\nAll parameters: floor kinds {kind.name} --json"
    )
