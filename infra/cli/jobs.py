"""`floor jobs`: submit, wait, look, cancel, and bring home what a job left behind."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra.cli import options, progress
from tasks import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.cli.options import Reach
    from infra.client import Client

FAILED = 1
INTERRUPTED = 130  # as a shell says it of SIGINT


class KindName(click.ParamType[str]):
    """The name of a job kind, checked and completed from the registry."""

    name = "kind"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name, or fail naming those there are."""
        if value not in registry.kinds():
            self.fail(f"{value!r} is not a kind; the kinds are {', '.join(registry.kinds())}.", param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        """Offer the kinds that begin so."""
        del ctx, param
        return [click.shell_completion.CompletionItem(name) for name in registry.kinds() if name.startswith(incomplete)]


@click.group(short_help="Submit jobs, watch them, download what they leave.")
def jobs() -> None:
    """Submit jobs, look at them, wait for them, download what they leave."""


def _about_a_job(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("job_id", metavar="JOB")(options.connected(options.as_json(function)))


@jobs.command()
@click.argument("kind", type=KindName())
@click.option(
    "--params", "params_file", type=click.File("r", encoding="utf-8"), required=True, help="JSON; - is stdin."
)
@click.option("--priority", type=click.Choice(["low", "normal", "high"]), default="normal", show_default=True)
@click.option("--cache", type=click.Choice(["use", "refresh", "off"]), default="use", show_default=True)
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="May be given several times.")
@click.option("--wait", "waits", is_flag=True, help="Wait until it is finished.")
@options.connected
@options.as_json
def submit(
    *,
    kind: str,
    params_file: Any,
    priority: str,
    cache: str,
    tags: tuple[str, ...],
    waits: bool,
    reach: Reach,
    as_json: bool,
) -> None:
    """Submit a job of a KIND (see `floor kinds`)."""
    try:
        params = json.load(params_file)
    except json.JSONDecodeError as error:
        raise click.BadParameter(f"{params_file.name} is not JSON: {error}", param_hint="--params") from error
    if bare := [tag for tag in tags if not tag.partition("=")[1]]:
        raise click.BadParameter(f"{bare[0]!r} is not NAME=VALUE.", param_hint="--tag")
    pairs = {name: value for name, _, value in (tag.partition("=") for tag in tags)}
    with reach.client() as client:
        job = client.submit(kind, params, priority=priority, cache=cache, tags=pairs)
        _conclude(_watched(client, job, quiet=as_json) if waits else job, as_json=as_json)


@jobs.command(name="list")
@click.option("--kind", type=KindName())
@click.option("--state", help="waiting, queued, running, succeeded, failed or cancelled.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@options.connected
@options.as_json
def list_jobs(*, kind: str | None, state: str | None, limit: int, reach: Reach, as_json: bool) -> None:
    """List jobs, newest first."""
    filters = {name: value for name, value in (("kind", kind), ("state", state)) if value}
    with reach.client() as client:
        page = client.get("/v1/jobs", limit=limit, **filters)
    if as_json:
        options.show(page)
        return
    for job in page["data"]:
        click.echo(f"{job['id']}  {job['kind']:<12} {job['state']:<10} {job['created_at']}")


@jobs.command()
@_about_a_job
def show(job_id: str, reach: Reach, as_json: bool) -> None:
    """Show a job."""
    with reach.client() as client:
        job = client.job(job_id)
    options.show(job) if as_json else click.echo(json.dumps(job, indent=2, ensure_ascii=False))


@jobs.command()
@_about_a_job
def wait(job_id: str, reach: Reach, as_json: bool) -> None:
    """Wait until a job is finished; the exit code is 0 if it succeeded."""
    with reach.client() as client:
        _conclude(_watched(client, client.job(job_id), quiet=as_json), as_json=as_json)


@jobs.command()
@_about_a_job
def cancel(job_id: str, reach: Reach, as_json: bool) -> None:
    """Cancel a job; one that is finished stays as it is."""
    with reach.client() as client:
        job = client.post(f"/v1/jobs/{job_id}/cancel")
    options.show(job) if as_json else click.echo(f"{job['id']}  {job['state']}")


@jobs.command()
@_about_a_job
def logs(job_id: str, reach: Reach, as_json: bool) -> None:
    """Show what a job wrote to its log."""
    with reach.client() as client:
        lines = list(_all_lines(client, job_id))
    for line in lines:
        options.show(line) if as_json else click.echo(f"{line['at']}  {line['level']:<7} {line['message']}")


def _all_lines(client: Client, job_id: str) -> Iterator[dict[str, Any]]:
    after = 0
    while page := client.get(f"/v1/jobs/{job_id}/logs", after=after)["data"]:
        yield from page
        after = page[-1]["seq"]


@jobs.command()
@_about_a_job
def artifacts(job_id: str, reach: Reach, as_json: bool) -> None:
    """List the files that a job left, with signed addresses."""
    with reach.client() as client:
        found = client.artifacts(job_id)
    if as_json:
        options.show(found)
        return
    for made in found:
        click.echo(f"{made['name']:<24} {made['bytes']:>12,}  {made['sha256'][:12]}  {made['url']}")


@jobs.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="A folder; default: here.")
@_about_a_job
def download(*, names: tuple[str, ...], to: Path, job_id: str, reach: Reach, as_json: bool) -> None:
    """Download a job's files, all of them or those named; each is checked against its digest."""
    with reach.client() as client:
        found = {made["name"]: made for made in client.artifacts(job_id)}
        if unknown := [name for name in names if name not in found]:
            raise click.UsageError(f"{', '.join(unknown)}: not among the job's files, which are {', '.join(found)}.")
        paths = [client.download(found[name], to / file_name(found[name])) for name in names or found]
    options.show([str(path) for path in paths]) if as_json else click.echo("\n".join(map(str, paths)))


def file_name(artifact: dict[str, Any]) -> str:
    """Return the name to save an artifact under: a table's own name says no form."""
    name = str(artifact["name"])
    return name if "." in name else f"{name}.parquet"


def _watched(client: Client, job: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Follow a job to its end; whoever stops waiting is told that the job goes on, and how to come back to it."""
    try:
        with progress.JobBars(quiet=quiet) as bars:
            for state in client.follow(job["id"]):
                bars.show(state["kind"], state)
                job = state
    except KeyboardInterrupt:
        name = job["id"]
        click.echo(
            f"No longer waiting; the job goes on. Come back with `floor jobs wait {name}`, "
            f"or end it with `floor jobs cancel {name}`.",
            err=True,
        )
        sys.exit(INTERRUPTED)
    return job


def _conclude(job: dict[str, Any], *, as_json: bool) -> None:
    """Print a job, and exit with 1 if it ended otherwise than well."""
    if as_json:
        options.show(job)
    else:
        click.echo(f"{job['id']}  {job['state']}")
        _say_result(job.get("result") or {})
        if job.get("error"):
            click.echo(job["error"].get("detail", ""), err=True)
            for fault in job["error"].get("errors", []):
                click.echo(f"  {fault['pointer']}: {fault['detail']}", err=True)
    if job["state"] in {"failed", "cancelled"}:
        sys.exit(FAILED)


def _say_result(result: dict[str, Any]) -> None:
    """Print the dataset that a job made, and what its reader must know."""
    if result.get("dataset"):
        click.echo(f"dataset {result['dataset']}")
    for note in (*result.get("warnings", ()), *result.get("notes", ())):
        click.echo(f"  note: {note}", err=True)
