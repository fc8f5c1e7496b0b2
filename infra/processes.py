"""Child processes: each in a group of its own, watched, stopped by who started it, and ended when that one dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

LAUNCHER: Final = Path(__file__).with_name("launch.py")
LOOPBACK: Final = "127.0.0.1"
PROBE_EVERY_S: Final = 0.02
LEFTOVER_S: Final = 10.0


class ProcessFault(Exception):
    """A process of Floor's own did not start, or ended when it should not have; the message says what its log says."""


@dataclass(frozen=True)
class Account:
    """The user that a child runs as when it must not run as root, and what it has to reach."""

    user: int
    group: int
    reach: tuple[Path, ...]


@dataclass
class Child:
    """A running child process: the leader of its own process group."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    pid_file: Path | None = field(default=None, repr=False)
    started: float = field(default_factory=time.monotonic, repr=False)

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self.process.pid

    def alive(self) -> bool:
        """Say whether it still runs."""
        return self.process.poll() is None

    def stop(self, grace_s: float = 10.0) -> None:
        """Ask it to end, wait, and after the grace period end its whole group; safe to call again."""
        if self.alive():
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                kill_group(self.pid)
                self.process.wait()
        kill_group(self.pid)  # what its children left behind
        if self.pid_file is not None:
            self.pid_file.unlink(missing_ok=True)

    def last_words(self, lines: int = 12) -> str:
        """Return the end of its log, for the message that tells of its end."""
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def start(
    name: str,
    program: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    given: bytes = b"",
    account: Account | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    pid_file: Path | None = None,
) -> Child:
    """Start a child; its output goes to the log, `given` to its standard input. It ends when this process ends."""
    terms: dict[str, object] = {"parent": os.getpid(), "signal": int(stop_signal)}
    if account is not None:
        terms |= {"user": account.user, "group": account.group, "reach": [str(path) for path in account.reach]}
    command = [sys.executable, "-I", "-S", str(LAUNCHER), json.dumps(terms), *map(str, program)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - the programs are Floor's own
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    child = Child(name, process, log, stop_signal, pid_file)
    if pid_file is not None:
        pid_file.write_text(str(process.pid), encoding="utf-8")
    _hand_over(process, given)
    return child


def _hand_over(process: subprocess.Popen[bytes], given: bytes) -> None:
    """Write what a child reads at its start; a child that ended before reading is found by whoever waits for it."""
    assert process.stdin is not None
    try:
        process.stdin.write(given)
        process.stdin.close()
    except BrokenPipeError:
        return


def wait_until(answers: Callable[[], bool], child: Child, within_s: float = 30.0) -> None:
    """Probe until the child answers; raises ProcessFault with its last words if it ends or takes too long."""
    deadline = time.monotonic() + within_s
    while not answers():
        if not child.alive():
            raise ProcessFault(f"{child.name} did not start. The end of {child.log}:\n{child.last_words()}")
        if time.monotonic() > deadline:
            raise ProcessFault(f"{child.name} did not answer in {within_s:g} s. See {child.log}.")
        time.sleep(PROBE_EVERY_S)


def stop_all(children: Iterable[Child], grace_s: float = 10.0) -> None:
    """Ask all children to end at once, then wait for each of them in turn."""
    waiting = list(children)
    for child in waiting:
        if child.alive():
            child.process.send_signal(child.stop_signal)
    deadline = time.monotonic() + grace_s
    for child in waiting:
        child.stop(max(0.1, deadline - time.monotonic()))


def kill_group(pid: int) -> None:
    """End a process group at once; a group that is gone already is fine."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def stop_leftover(pid_file: Path, home: Path, stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """Stop a server that an earlier, killed run left behind: the process in the file, if it works in that folder."""
    recorded = pid_file.read_text(encoding="utf-8").strip() if pid_file.exists() else ""
    if recorded.isdecimal() and works_in(int(recorded), home):
        pid = int(recorded)
        os.kill(pid, stop_signal)
        deadline = time.monotonic() + LEFTOVER_S
        while works_in(pid, home):
            if time.monotonic() > deadline:
                kill_group(pid)
            time.sleep(PROBE_EVERY_S)
    pid_file.unlink(missing_ok=True)


def works_in(pid: int, folder: Path) -> bool:
    """Say whether a process runs and has this folder, or one below it, as its working directory."""
    proc = Path("/proc")
    if not (proc / "self").exists():  # not Linux: lsof is part of the system
        listed = subprocess.run(  # noqa: S603 - fixed program, a number as its argument
            ["/usr/sbin/lsof", "-a", "-d", "cwd", "-p", str(pid), "-Fn"], capture_output=True, text=True, check=False
        )
        return f"n{folder.resolve()}" in listed.stdout
    try:
        return (proc / str(pid) / "cwd").readlink().is_relative_to(folder.resolve())
    except PermissionError:  # it runs as somebody else and this container hides where; its command line is public
        return str(folder.resolve()).encode() in (proc / str(pid) / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def exists(pid: int) -> bool:
    """Say whether a process has this number now, whosever it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started and that run now; empty where there is no /proc to ask."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = entry.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):  # it ended between being listed and being read
            continue
        if int(after_name[1]) == pid:
            found.append(int(entry.parent.name))
    return sorted(found)


def free_port(wanted: int = 0) -> int:
    """Return a port that is free on loopback now: the wanted one if it is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, wanted))
        except OSError:
            probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Say whether something accepts connections on a port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
