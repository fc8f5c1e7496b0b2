"""The options that commands share, and what they stand for: output as JSON, a data folder, a Floor to talk to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infra import embedded, local
from infra.client import Client, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., Any]


def as_json(command: Command) -> Command:
    """Add `--json`: the command prints JSON for programs instead of text for people."""

    def note(ctx: click.Context, _parameter: click.Parameter, value: bool) -> bool:
        ctx.meta["json"] = value
        return value

    return click.option("--json", "as_json", is_flag=True, callback=note, is_eager=True, help="Print JSON.")(command)


def data_dir(command: Command) -> Command:
    """Add `--data-dir`: the folder that the local Floor keeps everything in."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(".floor"),
        envvar="FLOOR_DATA_DIR",
        show_default=True,
        help="Where the local Floor keeps everything.",
    )(command)


@dataclass(frozen=True)
class Reach:
    """The Floor that a command speaks to: one that was named, or else the one that runs on the data folder."""

    data_dir: Path
    url: str | None
    key: str | None

    def client(self) -> Client:
        """Return a client; raises Unreachable if nothing was named and nothing runs here."""
        state = local.read_state(self.data_dir) if self.url is None else None
        url = self.url or (state["url"] if state else None)
        if url is None:
            raise Unreachable(f"No Floor runs on {self.data_dir}. {self._mend()}")
        key = self.key or embedded.Kept(self.data_dir / "secrets.json").get("api_key")
        if key is None:
            raise click.UsageError("Give an API key with --key or FLOOR_API_KEY.")
        return Client(url, str(key))

    def _mend(self) -> str:
        if local.read_state(self.data_dir / "demo"):
            return f"The demo's does: add --data-dir {self.data_dir / 'demo'}."
        return "Start one with `floor up`, or name one with --url and --key."


def connected(command: Command) -> Command:
    """Add `--url`, `--key` and `--data-dir`; the command is handed a Reach made of them."""

    @wraps(command)
    def reaching(*, data_dir: Path, url: str | None, key: str | None, **others: Any) -> Any:
        return command(reach=Reach(data_dir, url, key), **others)

    named = click.option("--key", envvar="FLOOR_API_KEY", help="An API key; default: the local Floor's first.")(
        reaching
    )
    named = click.option("--url", envvar="FLOOR_URL", help="A Floor's address; default: the local one's.")(named)
    return data_dir(named)


def show(value: Any) -> None:
    """Print a value as one line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False))
