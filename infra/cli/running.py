"""`floor up`, `floor down`, `floor status`: the local Floor's life."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import click

from infra import embedded, local, processes
from infra import settings as settings_module
from infra.cli import options
from infra.processes import ProcessFault

if TYPE_CHECKING:
    from pathlib import Path

    from infra.local import Floor

WATCH_S: Final = 0.25
START_S: Final = 90.0
STOP_S: Final = 60.0


@click.command()
@options.data_dir
@click.option("--detach", is_flag=True, help="Return when it is ready; it runs on until `floor down`.")
@options.as_json
def up(data_dir: Path, detach: bool, as_json: bool) -> None:
    """Run a whole Floor on this machine; Ctrl-C stops all of it."""
    if detach:
        announce(start_apart(data_dir), as_json, detached=True)
        return
    with stoppable():
        _run(data_dir, as_json)


def _run(data_dir: Path, as_json: bool) -> None:
    try:
        with local.start(data_dir, settings_module.inherited()) as floor:
            announce({"url": floor.url, "api_key": floor.api_key, "data_dir": str(floor.data_dir)}, as_json)
            _warn(floor)
            stay(floor)
    except Stop:
        click.echo("Stopped.", err=True)


class Stop(KeyboardInterrupt):
    """A signal asked for the end."""


class stoppable:  # noqa: N801 - reads as what it does where it is used: `with stoppable():`
    """While inside, SIGINT, SIGTERM and SIGHUP raise Stop; further ones are ignored so that the stopping is not cut."""

    def __enter__(self) -> None:
        self._before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        for name in self._before:
            signal.signal(name, self._stop)

    def __exit__(self, *_: object) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)

    def _stop(self, *_: object) -> None:
        for name in self._before:
            signal.signal(name, signal.SIG_IGN)
        raise Stop


def stay(floor: Floor) -> None:
    """Keep all parts up until a signal comes."""
    while True:
        time.sleep(WATCH_S)
        for name in floor.watch():
            click.echo(f"{name} had ended and was started again; see {floor.data_dir / 'logs' / name}.log", err=True)


def announce(ready: dict[str, Any], as_json: bool, *, detached: bool = False) -> None:
    """Say that Floor is ready, where, and how to begin."""
    if as_json:
        options.show(ready)
        sys.stdout.flush()
        return
    click.echo(f"\nFloor is ready at  {ready['url']}\n")
    click.echo(f"  docs      {ready['url']}/docs")
    click.echo(f"  API key   {ready['api_key']}")
    click.echo(f"  data      {ready['data_dir']}\n")
    click.echo(f'Try:  curl -H "Authorization: Bearer {ready["api_key"]}" {ready["url"]}/v1/kinds')
    click.echo("Stop it with `floor down`." if detached else "Ctrl-C stops all of it.")


def _warn(floor: Floor) -> None:
    if floor.settings.webhooks_allow_private:
        click.secho(
            "\nWARNING: FLOOR_WEBHOOKS_ALLOW_PRIVATE=1. Webhooks may reach this machine and its private networks. "
            "For development only.",
            fg="red",
            bold=True,
            err=True,
        )


def start_apart(data_dir: Path) -> dict[str, Any]:
    """Start `floor up` as a process of its own and wait until it says that it is ready."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    embedded.hold(data_dir).close()  # raises if another one has it, before its log is begun anew
    log = data_dir / "up.log"
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(  # noqa: S603 - this very program
            [sys.executable, "-m", "infra.cli", "up", "--data-dir", str(data_dir.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
        )
    try:
        _await_ready(data_dir, process, log)
    except BaseException:
        process.terminate()  # it stops what it has started so far
        process.wait()
        raise
    return ready(data_dir)


def _await_ready(data_dir: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while (state := local.read_state(data_dir)) is None or state["pid"] != process.pid:
        if process.poll() is not None:
            raise ProcessFault(log.read_text(encoding="utf-8").strip().removeprefix("Error: "))
        if time.monotonic() > deadline:
            raise ProcessFault(f"Floor is not ready after {START_S:g} s; see {log} and {data_dir / 'logs'}.")
        time.sleep(WATCH_S / 5)


def ready(data_dir: Path) -> dict[str, Any]:
    """Return address, first key and data folder of the Floor that runs there; raises ProcessFault if none does."""
    state = local.read_state(data_dir)
    if state is None:
        raise ProcessFault(f"No Floor runs on {data_dir}.")
    key = embedded.Kept(data_dir.resolve() / "secrets.json").get("api_key")
    return {"url": state["url"], "api_key": key, "data_dir": state["data_dir"]}


@click.command()
@options.data_dir
@options.as_json
def down(data_dir: Path, as_json: bool) -> None:
    """Stop the Floor that runs on the data folder."""
    stopped = stop(data_dir)
    if as_json:
        options.show({"stopped": stopped})
    else:
        click.echo(f"Stopped the Floor on {data_dir}." if stopped else f"No Floor runs on {data_dir}.")


def stop(data_dir: Path) -> bool:
    """Stop the Floor that runs on a data folder and wait until the folder is free; False if none runs."""
    state = local.read_state(data_dir)
    if state is None:
        return False
    os.kill(state["pid"], signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while processes.exists(state["pid"]) and local.read_state(data_dir) is not None:
        if time.monotonic() > deadline:
            raise ProcessFault(f"Floor (process {state['pid']}) does not stop; see {data_dir / 'logs'}.")
        time.sleep(WATCH_S / 5)
    _wait_for_lock(data_dir, deadline)
    return True


def _wait_for_lock(data_dir: Path, deadline: float) -> None:
    """Wait until the data folder is free again, so that a start right after this succeeds."""
    while True:
        try:
            embedded.hold(data_dir).close()
        except embedded.AlreadyRunning:
            if time.monotonic() > deadline:
                raise
            time.sleep(WATCH_S / 5)
        else:
            return


@click.command()
@options.data_dir
@options.as_json
def status(data_dir: Path, as_json: bool) -> None:
    """Show what runs: address, processes, queues."""
    state = local.read_state(data_dir)
    if state is None:
        if as_json:
            options.show({"url": None, "pids": {}, "queues": {}})
        else:
            click.echo(f"No Floor runs on {data_dir}.")
        sys.exit(3)
    found = local.describe(state)
    if as_json:
        options.show(found)
        return
    click.echo(f"{found['url']}  {'ready' if local.is_ready(found['url']) else 'not ready'}")
    for name, pids in found["pids"].items():
        click.echo(
            f"  {name:<13}{', '.join(map(str, pids)) if isinstance(pids, list) else pids or 'given from outside'}"
        )
    for name, queue in found["queues"].items():
        click.echo(f"  {name:<13}{queue['queued']} queued, {queue['running']} running, {queue['workers']} workers")
