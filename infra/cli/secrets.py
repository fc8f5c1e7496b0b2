"""`floor secrets`: the key under which stored secrets lie, changed by the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from infra import local
from infra import secrets as secrets_module
from infra import settings as settings_module
from infra.cli import options
from infra.database import Database
from infra.secrets import Vault

if TYPE_CHECKING:
    from pathlib import Path


@click.group()
def secrets() -> None:
    """Change the key that stored secrets lie under."""


@secrets.command()
@options.data_dir
@options.as_json
def rotate(data_dir: Path, as_json: bool) -> None:
    """Bring every stored secret under FLOOR_SECRET_KEY from the keys in FLOOR_OLD_SECRET_KEYS.

    Give every process both, run this, and only then drop the old key. Stopped half-way it can be run again.
    """
    settings = settings_module.read(local.environment(data_dir, settings_module.inherited()))
    database, vault, count = Database(settings.database_url, max_size=1), Vault.of(settings), 0
    try:
        while True:
            with database.system() as connection:
                done = secrets_module.rotate(connection, vault)
            if not done:
                break
            count += done
    finally:
        database.close()
    options.show({"rotated": count}) if as_json else click.echo(f"{count} secrets lie under the new key now.")
