"""`floor simulate`: the autoscaling controller of production on a virtual clock, beside other policies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from infra.cli import options
from infra.scaling import Rule
from infra.simulation import chart, measures, recorded
from infra.simulation.policies import POLICIES
from infra.simulation.workload import SYNTHETIC, Workload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.cli.options import Reach
    from infra.simulation.measures import Figures, Result

LIVE: Final = "live"
PAGE: Final = 200
HEADINGS: Final = (
    "policy", "p50 s", "p95 s", "p99 s", "within target", "worker-hours", "utilisation", "changes/h", "turns/h",
)  # fmt: skip


@click.command()
@click.option(
    "--load", type=click.Choice(list(SYNTHETIC)), default="reference", show_default=True, help="Made from seeds."
)
@click.option(
    "--recorded", "source", metavar="FILE|live", help="A CSV or JSON of jobs, or the jobs of a running Floor."
)
@click.option("--policy", "names", type=click.Choice([p.name for p in POLICIES]), multiple=True, help="Default: all.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The first.")
@click.option(
    "--seeds", type=click.IntRange(1, 1000), default=5, show_default=True, help="Figures are means of so many."
)
@click.option("--target", type=click.FloatRange(1), default=120.0, show_default=True, help="Seconds a job may wait.")
@click.option("--cold-start", type=click.FloatRange(0), default=45.0, show_default=True, help="A worker's, in seconds.")
@click.option("--poll", type=click.FloatRange(0.1), default=10.0, show_default=True, help="Seconds between decisions.")
@click.option("--idle", type=click.FloatRange(0), default=120.0, show_default=True, help="Seconds before scaling in.")
@click.option("--slots", type=click.IntRange(1), default=1, show_default=True, help="Jobs a worker runs at once.")
@click.option("--min", "minimum", type=click.IntRange(0), default=0, show_default=True, help="Workers.")
@click.option("--max", "maximum", type=click.IntRange(1), default=60, show_default=True, help="Workers.")
@click.option(
    "--chart", "picture", type=click.Path(dir_okay=False, path_type=Path), help="Write an SVG of the first seed."
)
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@options.connected
@options.as_json
def simulate(
    *,
    load: str,
    source: str | None,
    names: tuple[str, ...],
    seed: int,
    seeds: int,
    picture: Path | None,
    markdown: bool,
    reach: Reach,
    as_json: bool,
    **rule: Any,
) -> None:
    """Compare autoscaling policies on a load, on a virtual clock.

    The first policy is the function that runs in production. A recording has one job a row: at_s (or queued_at) and
    run_s, and if known org, kind and estimate_s.
    """
    asked = _rule(**rule)
    workloads = _recorded(source, reach) if source else [SYNTHETIC[load](seed + n) for n in range(seeds)]
    policies = [policy for policy in POLICIES if not names or policy.name in names]
    results = measures.compare(workloads, policies, asked, seed)
    if picture is not None:
        picture.write_text(
            chart.draw(results, f"Load {workloads[0].name}, seed {seed}: workers and backlog"), encoding="utf-8"
        )
    if as_json:
        options.show(_as_object(results, workloads, asked))
    elif markdown:
        click.echo(as_markdown(results))
    else:
        _print(results, workloads, asked)


def as_markdown(results: Sequence[Result]) -> str:
    """Return the figures as a Markdown table."""
    head = [f"| {' | '.join(HEADINGS)} |", f"|---|{'---:|' * (len(HEADINGS) - 1)}"]
    return "\n".join(head + [f"| {' | '.join([r.policy.title, *cells(r.figures)])} |" for r in results])


def cells(found: Figures) -> list[str]:
    """Return the figures as they are shown."""
    waits = [f"{wait:.0f}" for wait in (found.p50_s, found.p95_s, found.p99_s)]
    rates = [f"{found.utilisation:.0%}", f"{found.changes:.0f}", f"{found.turns:.0f}"]
    return [*waits, f"{found.within:.1%}", f"{found.worker_hours:.1f}", *rates]


def _rule(
    *, target: float, cold_start: float, poll: float, idle: float, slots: int, minimum: int, maximum: int
) -> Rule:
    if minimum > maximum:
        raise click.UsageError(f"--min {minimum} is more than --max {maximum}.")
    return Rule(target, cold_start, poll, slots, minimum, maximum, idle)


def _recorded(source: str, reach: Reach) -> list[Workload]:
    try:
        if source == LIVE:
            with reach.client() as client:
                return [recorded.workload(client.pages("/v1/jobs", limit=PAGE), client.url)]
        path = Path(source)
        return [recorded.parse(path.read_text(encoding="utf-8-sig"), path.name)]
    except (recorded.BadRecording, OSError, UnicodeDecodeError) as error:
        raise click.BadParameter(str(error), param_hint="--recorded") from error


def _as_object(results: Sequence[Result], workloads: Sequence[Workload], rule: Rule) -> dict[str, Any]:
    cheapest = measures.best(results, rule.target_wait_s)
    return {
        "load": workloads[0].name,
        "runs": len(workloads),
        "jobs": sum(len(workload.arrivals) for workload in workloads),
        "target_s": rule.target_wait_s,
        "best": cheapest.policy.name if cheapest else None,
        "policies": [result.as_object() for result in results],
    }


def _print(results: Sequence[Result], workloads: Sequence[Workload], rule: Rule) -> None:
    click.echo(f"Load {workloads[0].name}, {len(workloads)} run(s), target {rule.target_wait_s:g} s to start\n")
    rows = [HEADINGS, *((result.policy.title, *cells(result.figures)) for result in results)]
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for title, *others in rows:
        click.echo("  ".join([title.ljust(wide[0]), *map(str.rjust, others, wide[1:])]))
    if left := [result.policy.name for result in results if result.figures.unstarted]:
        click.echo(f"\nNot every job was started by: {', '.join(left)}.")
    cheapest = measures.best(results, rule.target_wait_s)
    said = f"The cheapest is {cheapest.policy.title!r}" if cheapest else "None is good enough"
    click.echo(f"\n{said}, of those that start 95 % of the jobs within {rule.target_wait_s:g} s.")
