"""`floor logs`: what the local Floor's processes wrote."""

from __future__ import annotations

import json
import time
from collections import deque
from typing import TYPE_CHECKING, TextIO

import click

from infra import logs as logs_module
from infra.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POLL_S = 0.3


@click.command(short_help="Show the logs of the parts.")
@click.argument("part", required=False)
@click.option(
    "--lines", "-n", type=click.IntRange(1), default=40, show_default=True, help="How many of the last lines."
)
@click.option("--follow", "-f", is_flag=True, help="Go on with what is written from now; Ctrl-C ends it.")
@options.data_dir
@options.as_json
def logs(part: str | None, lines: int, follow: bool, data_dir: Path, as_json: bool) -> None:
    """Show the logs of all PARTs (api, dispatcher, postgres, redis, s3, …) or of one."""
    folder = data_dir / "logs"
    files = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if part is not None and part not in files:
        raise click.UsageError(f"There is no log of {part!r}; there are: {', '.join(files) or 'none yet'}.")
    chosen = {name: path for name, path in files.items() if part in {None, name}}
    for name, path in chosen.items():
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in deque(file, maxlen=lines):
                _print(name, line, as_json)
    if follow:
        for name, line in _following(chosen):
            _print(name, line, as_json)


def _following(files: dict[str, Path]) -> Iterator[tuple[str, str]]:
    opened: dict[str, TextIO] = {name: path.open(encoding="utf-8", errors="replace") for name, path in files.items()}
    for file in opened.values():
        file.seek(0, 2)
    while True:
        fresh = [(name, line) for name, file in opened.items() for line in file]
        yield from fresh
        if not fresh:
            time.sleep(POLL_S)


def _print(part: str, line: str, as_json: bool) -> None:
    """Print a line with its part; secrets are removed once more, since the servers' own logs pass no filter of ours."""
    text = logs_module.redacted(line.rstrip("\n"))
    if not as_json:
        click.echo(f"{part:<11}{text}")
        return
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = {"message": text}
    options.show({"part": part} | (found if isinstance(found, dict) else {"message": text}))
