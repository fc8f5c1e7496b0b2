"""Every start writes a line to the witness, and so does every end: what ran is known without asking the platform."""

import os
import signal
import time
import uuid
from pathlib import Path

from tasks.outcome import Document, Outcome


def needs(params):
    """Need nothing."""
    return {}


def run(params, inputs, tell):
    """Work, misbehave, and say which start this was."""
    this = uuid.uuid4().hex
    _witness(params, "start", this)
    DEEDS[params["do"]](params["ms"] / 1000)
    _witness(params, "end", this)
    result = {"n": params["n"], "run": this}
    return Outcome(result, documents=(Document("run.json", result),))


def _witness(params, what, this):
    line = f"{what} {params['n']} {this} {os.getpid()}\n".encode()
    file = os.open(Path(params["witness"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line)  # one write of one line: whole, whoever else writes and whoever is killed
    os.close(file)


def _spin(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def _memory(seconds):
    raise MemoryError


DEEDS = {
    "sleep": time.sleep,
    "spin": _spin,
    "die": lambda seconds: os.kill(os.getpid(), signal.SIGKILL),
    "kill_parent": lambda seconds: os.kill(os.getppid(), signal.SIGKILL),
    "memory": _memory,
}
