"""`floor demo`: the main job from end to end, over HTTP, on an invented market or on a file of yours."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from infra import local
from infra import settings as settings_module
from infra.cli import options, plan, progress, report, running, universe
from infra.cli.running import Stop, stoppable
from infra.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA_DIR: Final = ".floor/demo"
POLL_S: Final = 0.2
LINK_TTL_S: Final = 3600
SAVED: Final = {"tearsheet": ("report.pdf", "tearsheet.pdf"), "bundle": ("bundle.zip", "bundle.zip")}


class DemoFault(click.ClickException):
    """A step of the demo failed."""


@dataclass(frozen=True)
class Sources:
    """The files to work on: yours, or the invented market's."""

    name: str
    prices: Path
    actions: Path | None
    sectors: Path | None = None
    index: Path | None = None


@click.command(short_help="Run the main job from end to end and save its tear sheet.")
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A price file of yours.")
@click.option("--actions", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Its corporate actions.")
@click.option("--keep", is_flag=True, help="Leave Floor running at the end.")
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), default=Path(DATA_DIR), show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-output"), show_default=True)
@options.as_json
def demo(*, data: Path | None, actions: Path | None, keep: bool, data_dir: Path, out: Path, as_json: bool) -> None:
    """Run ingest, factors, backtest and export as a pipeline of jobs, and save the tear sheet."""
    if actions is not None and data is None:
        raise click.UsageError("--actions goes with --data: the invented market has its own.")
    with stoppable():
        try:
            with _running(data_dir, keep=keep) as place:
                given = Sources(dataset_name(data), data, actions) if data else _invented(data_dir / "universe")
                _demo(place, given, out, as_json=as_json)
        except Stop:
            click.echo("Stopped.", err=True)


def _demo(place: Place, sources: Sources, out: Path, *, as_json: bool) -> None:
    with Client(place.url, place.key) as client:
        steps = _run(client, place, sources, quiet=as_json)
        saved = _save(client, steps, out)
    seconds = time.monotonic() - place.begun
    if as_json:
        options.show(report.as_object(place.url, steps, saved, seconds))
        return
    report.results(steps, saved, sources.prices, seconds)
    report.what_next(place.url, place.key, steps, stop=place.stop)


@dataclass(frozen=True)
class Place:
    """The Floor that the demo runs on: one of its own, or one that stays when it ends."""

    url: str
    key: str
    begun: float
    stop: str | None = None  # the command that stops it, if it stays
    watch: Callable[[], object] = lambda: None


@contextmanager
def _running(data_dir: Path, *, keep: bool) -> Iterator[Place]:
    """Give a running Floor: the one that was kept before, one to keep, or one that ends with the demo."""
    kept, begun = local.read_state(data_dir), time.monotonic()
    if kept is None:
        click.echo("Starting PostgreSQL, Redis, S3, the API and the dispatcher …", err=True)
    if kept is None and not keep:
        with local.start(data_dir, settings_module.inherited()) as floor:
            _greet(floor.url, begun)
            yield Place(floor.url, floor.api_key, begun, watch=floor.watch)
        return
    ready = running.ready(data_dir) if kept else running.start_apart(data_dir)
    _greet(ready["url"], begun)
    try:
        yield Place(ready["url"], ready["api_key"], begun, stop=f"{_program()} down --data-dir {data_dir}")
    except BaseException:
        if kept is None:
            running.stop(data_dir)
        raise


def _greet(url: str, begun: float) -> None:
    click.echo(f"Floor is ready at {url} after {time.monotonic() - begun:.1f} s.", err=True)


def _invented(folder: Path) -> Sources:
    found = universe.write(folder)
    return Sources("demo", found.prices, found.actions, found.sectors, found.index)


def dataset_name(data: Path) -> str:
    """Return a dataset's name made of a file's."""
    stem = data.name.partition(".")[0]
    return (
        "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem).strip("-")[:80] or "data"
    )


def _run(client: Client, place: Place, sources: Sources, *, quiet: bool) -> dict[str, dict[str, Any]]:
    """Upload, then post everything as one pipeline; of a file of yours, read first how many symbols it has."""
    uploads = {name: client.upload(path)["id"] for name, path in _files(sources).items()}
    others = {
        name: (uploads[name], kind)
        for name, kind in (("sectors", "classifications"), ("index", "prices"))
        if name in uploads
    }
    reading = plan.reading(sources.name, uploads["prices"], uploads.get("actions"), others)
    title = f"Momentum and low volatility: {sources.prices.name}"
    with progress.JobBars(quiet=quiet) as bars:
        if sources.sectors is not None:
            sectors, index = {"step": "sectors", "artifact": "data"}, {"step": "index", "artifact": "data"}
            research = plan.research(
                plan.PRICES, universe.STOCKS, sectors=sectors, index=index, title="Momentum and low volatility"
            )
            return _follow(client, place, reading | research, bars)
        read = _follow(client, place, reading, bars)
        prices = {"job": read["prices"]["id"], "artifact": "data"}
        symbols = read["prices"]["result"]["symbols"]
        return read | _follow(client, place, plan.research(prices, symbols, title=title), bars)


def _files(sources: Sources) -> dict[str, Path]:
    every = {
        "prices": sources.prices,
        "actions": sources.actions,
        "sectors": sources.sectors,
        "index": sources.index,
    }
    return {name: path for name, path in every.items() if path is not None}


def _follow(client: Client, place: Place, steps: dict[str, plan.Step], bars: progress.JobBars) -> dict[str, Any]:
    """Post the steps as a pipeline and show its jobs until all are final; returns the jobs by step."""
    pipeline = client.post("/v1/pipelines", {"steps": steps, "tags": {"demo": "true"}})
    for name in steps:
        bars.add(name)
    while True:
        place.watch()
        for name in steps:
            bars.show(name, pipeline["steps"][name])
        if pipeline["state"] in {"succeeded", "failed", "cancelled"}:
            break
        time.sleep(POLL_S)
        pipeline = client.get(f"/v1/pipelines/{pipeline['id']}")
    jobs = {name: pipeline["steps"][name] for name in steps}
    _check(jobs)
    return jobs


def _check(jobs: dict[str, dict[str, Any]]) -> None:
    """Raise with the reasons if a step did not succeed; not of those that only waited for it."""
    failed = {name: job for name, job in jobs.items() if job["state"] != "succeeded"}
    ids = {job["id"] for job in failed.values()}
    told = [_reason(name, job) for name, job in failed.items() if not ids & set(job["depends_on"])]
    if failed:
        raise DemoFault("The demo's pipeline did not succeed:\n" + "\n".join(told))


def _reason(name: str, job: dict[str, Any]) -> str:
    error = job["error"] or {}
    faults = "".join(f"\n    {fault['pointer']}: {fault['detail']}" for fault in error.get("errors", []))
    return f"  {name} {job['state']}: {error.get('detail', '')}{faults}"


def _save(client: Client, steps: dict[str, dict[str, Any]], out: Path) -> dict[str, tuple[Path, str]]:
    """Bring the tear sheet and the bundle home; returns the paths with the signed addresses they came from."""
    out.mkdir(parents=True, exist_ok=True)
    saved = {}
    for step, (name, filename) in SAVED.items():
        listed = client.get(f"/v1/jobs/{steps[step]['id']}/artifacts", url_ttl_s=LINK_TTL_S)["data"]
        artifact = next(one for one in listed if one["name"] == name)
        saved[step] = (client.download(artifact, out / filename), artifact["url"])
    return saved


def _program() -> str:
    """Return how this command line was called, so that what is printed can be typed."""
    return f"{sys.executable} -m infra.cli" if Path(sys.argv[0]).name == "__main__.py" else sys.argv[0]
