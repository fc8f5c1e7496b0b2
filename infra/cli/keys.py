"""`floor keys`: the API keys of one's own organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from infra.cli import options
from tasks.permissions import ROLES

if TYPE_CHECKING:
    from infra.cli.options import Reach


@click.group()
def keys() -> None:
    """List, make and revoke API keys."""


@keys.command(name="list")
@options.connected
@options.as_json
def list_keys(reach: Reach, as_json: bool) -> None:
    """List the keys; their secrets are not known to anyone any more."""
    with reach.client() as client:
        found = list(client.pages("/v1/keys"))
    if as_json:
        options.show(found)
        return
    for one in found:
        click.echo(f"{one['id']}  {one['role']:<10} {one['name']:<24} {'revoked' if one['revoked_at'] else ''}")


@keys.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="quant", show_default=True)
@click.option("--expires-at", help="A time such as 2027-01-01T00:00:00Z; default: never.")
@options.connected
@options.as_json
def create(*, name: str, role: str, expires_at: str | None, reach: Reach, as_json: bool) -> None:
    """Make a key called NAME; its text is shown this once."""
    body = {"name": name, "role": role} | ({"expires_at": expires_at} if expires_at else {})
    with reach.client() as client:
        made = client.post("/v1/keys", body)
    options.show(made) if as_json else click.echo(f"{made['id']}\n{made['key']}\nThe key is not shown again.")


@keys.command()
@click.argument("key_id")
@options.connected
@options.as_json
def revoke(key_id: str, reach: Reach, as_json: bool) -> None:
    """Revoke a key; within five seconds no process takes it any more."""
    with reach.client() as client:
        client.delete(f"/v1/keys/{key_id}")
    options.show({"revoked": key_id}) if as_json else click.echo(f"{key_id} is revoked.")
