"""`floor upload`: send a file to the object store, ready for an ingest job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from infra.cli import options, progress

if TYPE_CHECKING:
    from infra.cli.options import Reach


@click.command()
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.connected
@options.as_json
def upload(path: Path, reach: Reach, as_json: bool) -> None:
    """Send the file at PATH and print the upload's id."""
    with reach.client() as client, progress.sending(path, quiet=as_json) as tell:
        made = client.upload(path, tell)
    if as_json:
        options.show(made)
    else:
        click.echo(f"{made['id']}  ({made['bytes']:,} bytes)")
