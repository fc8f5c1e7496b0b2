"""`floor api`, `floor worker`, `floor dispatcher`, `floor migrate`: one part at a time, as a deployment runs them.

Each becomes the program that does the work, so that signals reach it and nothing stands between it and its supervisor.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from infra import database, local, safety
from infra import settings as settings_module
from infra.cli import options
from infra.processes import ProcessFault
from tasks.kind import QUEUES

if TYPE_CHECKING:
    from pathlib import Path

    from infra.settings import Settings


@click.command()
@options.data_dir
def api(data_dir: Path) -> None:
    """Serve the HTTP API on FLOOR_HOST and FLOOR_PORT."""
    environment, settings = _checked(data_dir)
    _become(local.api_command(settings), environment)


@click.command()
@options.data_dir
@click.option("--queue", "-Q", type=click.Choice(QUEUES), required=True, help="The queue to work on.")
@click.option("--slots", type=click.IntRange(1, 64), help="Jobs at once; default: FLOOR_WORKER_SLOTS.")
def worker(data_dir: Path, queue: str, slots: int | None) -> None:
    """Work on one queue."""
    environment, settings = _checked(data_dir)
    command = [sys.executable, "-m", "celery", "-A", "worker.celery_app", "worker", "-Q", queue]
    _become([*command, "--concurrency", str(slots or settings.worker_slots)], environment)


@click.command(short_help="Admit jobs and bring back what was lost.")
@options.data_dir
def dispatcher(data_dir: Path) -> None:
    """Admit jobs and bring back what was lost; any number may run, one at a time acts."""
    environment, _ = _checked(data_dir)
    _become(local.dispatcher_command(), environment)


@click.command(short_help="Bring the database's schema up to date.")
@options.data_dir
@click.option("--to", default="head", show_default=True, help="A revision.")
@options.as_json
def migrate(data_dir: Path, to: str, as_json: bool) -> None:
    """Bring the database's schema up to date, with the owner's login (FLOOR_DATABASE_ADMIN_URL)."""
    environment = local.environment(data_dir, settings_module.inherited())
    url = environment.get("FLOOR_DATABASE_ADMIN_URL") or environment.get("FLOOR_DATABASE_URL")
    if not url:
        raise click.UsageError("Give FLOOR_DATABASE_ADMIN_URL, the address of the database with its owner's login.")
    database.migrate(url, to)
    if as_json:
        options.show({"revision": to})
    else:
        click.echo(f"The schema is at {to}.")


def _checked(data_dir: Path) -> tuple[dict[str, str], Settings]:
    """Return the settings after checking them, and that the database login is one to run with."""
    environment = local.environment(data_dir, settings_module.inherited())
    try:
        return environment, safety.checked(environment)
    except safety.UnsafeToStart as refused:
        raise ProcessFault(str(refused)) from None


def _become(command: list[str], environment: dict[str, str]) -> None:
    sys.stdout.flush()
    os.execvpe(command[0], command, os.environ | environment)  # noqa: S606 - our own programs, no shell
