"""`floor bench`: the benchmarks of a checkout, each beside a named peer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import click

RUNNER: Final = Path(__file__).parents[2] / "benchmarks" / "run.py"


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def bench(names: tuple[str, ...]) -> None:
    """Run all benchmarks or those named, and print their tables."""
    if not RUNNER.exists():
        raise click.ClickException("The benchmarks come with a checkout of the repository, not with the package.")
    sys.exit(subprocess.run([sys.executable, str(RUNNER), *names], check=False).returncode)  # noqa: S603 - our own script
