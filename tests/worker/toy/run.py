"""What the toy does: well behaved, and every way in which a job can misbehave."""

import logging
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from tasks.errors import DataUnusable
from tasks.inputs import Need
from tasks.outcome import DatasetVersion, Outcome, Table
from tasks.tables import read_columns

log = logging.getLogger(__name__)


def needs(params):
    return {"table": Need("table", params["table"])} if params["table"] is not None else {}


def run(params, inputs, tell):
    if params["witness"]:
        with Path(params["witness"]).open("a") as file:
            file.write(f"{os.getpid()}\n")
    log.info("doing %s", params["do"])
    DEEDS[params["do"]](params, tell)
    numbers = np.arange(3.0)
    if params["table"] is not None:
        numbers = read_columns(inputs.table("table"))["x"]
    numbers = np.r_[numbers, params["nonce"]] if params["do"] == "append" else numbers + params["nonce"]
    version = DatasetVersion("toys", "prices", "numbers", [{"name": "x", "type": "DOUBLE"}], 3, 1, None, None, {})
    if params["do"] == "append":
        version = replace(version, base=inputs.table("table").ref)
    intents = (version,) if params["do"] in ("dataset", "append") else ()
    return Outcome({"did": params["do"]}, (Table("numbers", {"x": numbers}),), intents=intents)


def _tell(params, tell):
    until = time.monotonic() + params["seconds"]
    while time.monotonic() < until:
        tell(0.5, "telling", "still here")
        time.sleep(0.02)


def _deaf(params, tell):
    """One long call into C that lets no signal handler, thread or `tell` in."""
    pow(3, 10 ** int(7 + params["seconds"]))


def _hog(params, tell):
    held = np.ones(int(1e9 / 8))
    time.sleep(30)
    return held


def _out_of_memory(params, tell):
    raise MemoryError


def _refuse(params, tell):
    raise DataUnusable("the data smell of fish")


def _fail(params, tell):
    raise RuntimeError("a secret detail")


DEEDS = {
    "nothing": lambda params, tell: None,
    "dataset": lambda params, tell: None,
    "append": lambda params, tell: None,
    "sleep": lambda params, tell: time.sleep(params["seconds"]),
    "die": lambda params, tell: os.kill(os.getpid(), signal.SIGKILL),
    "tell": _tell,
    "deaf": _deaf,
    "hog": _hog,
    "out_of_memory": _out_of_memory,
    "refuse": _refuse,
    "fail": _fail,
}
