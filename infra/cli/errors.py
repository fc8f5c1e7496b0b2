"""How the command line tells of an error: one message on standard error, or the problem as JSON; exit code 1."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from infra.client import ApiError, Damaged, Unreachable
from infra.processes import ProcessFault
from infra.provision import ProvisionFault
from infra.settings import SettingsError
from tasks.errors import FloorError

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDINARY = (ApiError, Damaged, Unreachable, ProcessFault, ProvisionFault, SettingsError, FloorError, TimeoutError)


@contextmanager
def told(ctx: click.Context) -> Iterator[None]:
    """Turn an ordinary error into click's, which prints it and exits with 1; anything else is a fault of ours."""
    try:
        yield
    except ORDINARY as error:
        if ctx.meta.get("json"):
            click.echo(json.dumps({"error": as_object(error)}))
            ctx.exit(1)
        raise click.ClickException(str(error)) from error


def as_object(error: Exception) -> dict[str, Any]:
    """Return an error as the object that a script reads."""
    if isinstance(error, ApiError):
        return error.problem
    if isinstance(error, FloorError):
        return error.as_problem()
    return {"title": type(error).__name__, "detail": str(error)}
