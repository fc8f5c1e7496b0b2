"""The root of the `floor` command: names its commands, loads the one that is called, words every error for a person."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS: Final = {
    "up": "running",
    "down": "running",
    "status": "running",
    "demo": "demo",
    "jobs": "jobs",
    "kinds": "kinds",
    "upload": "upload",
    "keys": "keys",
    "orgs": "orgs",
    "secrets": "secrets",
    "logs": "logs",
    "doctor": "doctor",
    "api": "doors",
    "worker": "doors",
    "dispatcher": "doors",
    "migrate": "doors",
    "bench": "bench",
    "simulate": "simulate",
}


class Commands(click.Group):
    """A group whose commands are imported when they are called, so that `floor --help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order that a newcomer needs them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name, importing its file."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"infra.cli.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what can go wrong in the ordinary way becomes a message and exit code 1."""
        from infra.cli.errors import told

        with told(ctx):
            return super().invoke(ctx)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="floor")
def floor() -> None:
    """Floor: a batch platform for quantitative trading, driven over HTTP."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    floor(args=list(arguments) if arguments is not None else None, prog_name="floor")
