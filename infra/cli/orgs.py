"""`floor orgs`: organisations of the local Floor, made by its operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from infra import local
from infra import orgs as orgs_module
from infra import settings as settings_module
from infra.cli import options
from infra.database import Database

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def orgs() -> None:
    """Make organisations."""


@orgs.command()
@click.argument("name")
@options.data_dir
@options.as_json
def create(name: str, data_dir: Path, as_json: bool) -> None:
    """Make an organisation called NAME with an owner's key, which is shown this once."""
    environment = local.environment(data_dir, settings_module.inherited())
    url = environment.get("FLOOR_DATABASE_URL")
    if url is None:
        raise click.ClickException(
            f"No Floor runs on {data_dir}: start one with `floor up`, or give FLOOR_DATABASE_URL."
        )
    database = Database(url, max_size=2)
    try:
        made = orgs_module.create_org(database, name)
    finally:
        database.close()
    if as_json:
        options.show({"org_id": made.org_id, "name": name, "api_key": made.key_text})
    else:
        click.echo(f"organisation  {made.org_id}\nowner's key   {made.key_text}\nThe key is not shown again.")
