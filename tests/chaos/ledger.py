"""The client's own book of what it asked and what it was told, and the judgement: set algebra on that book alone.

Nothing here asks the platform's counters. What is compared with the book came over HTTP, to the webhook receiver, or
from the witness that the jobs themselves wrote.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

FINAL = {"succeeded", "failed", "cancelled"}
LAST_ATTEMPT = 3


class Ledger:
    """One JSON line before every request and one after it; nothing is ever changed or taken back."""

    def __init__(self, path):
        self.path = path
        self._lock = threading.Lock()
        path.touch()

    def write(self, what, **fields):
        line = json.dumps({"at": time.time(), "what": what, **fields}) + "\n"
        with self._lock, self.path.open("a") as file:
            file.write(line)

    def lines(self, what):
        rows = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [row for row in rows if row["what"] == what]

    def accepted(self):
        """The job ids that each request number was answered with: more than one is a doubled request."""
        found = defaultdict(set)
        for row in self.lines("answer"):
            if row["status"] == 202:
                found[row["n"]].add(row["job"])
        return found

    def unanswered(self):
        return {row["n"] for row in self.lines("ask")} - set(self.accepted())


@dataclass
class Verdict:
    """What a fault did: every set names request numbers or job ids, so that each can be looked up in the ledger."""

    jobs: int
    lost: set = field(default_factory=set)
    doubled: set = field(default_factory=set)
    unexpected: set = field(default_factory=set)
    failed: set = field(default_factory=set)
    astray: set = field(default_factory=set)
    reruns: int = 0
    strikes: int = 0
    recoveries: list = field(default_factory=list)
    seconds: float = 0.0

    @property
    def clean(self):
        return not (self.lost or self.doubled or self.unexpected or self.failed or self.astray)

    def recovery(self, share):
        """The recovery, in seconds, that a share of all recoveries did not exceed."""
        ordered = sorted(self.recoveries)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def judge(ledger, seen, told, starts, *, may_fail=frozenset()):
    """Judge a run once it is quiet.

    `seen`: the jobs as HTTP lists them; `told`: (webhook id, job id) of every final event received; `starts`: run
    ids by request number from the witness; `may_fail`: the request numbers that are meant to fail.
    """
    accepted, unanswered = ledger.accepted(), ledger.unanswered()
    by_id, made = {job["id"]: job for job in seen}, defaultdict(list)
    for job in seen:
        made[job["params"]["n"]].append(job)
    over = [job for job in seen if job["state"] in FINAL]
    left_lying = {job["params"]["n"] for job in seen if job["state"] not in FINAL}
    told_twice = {id_ for id_, events in _events(told).items() if len(events) > 1}
    return Verdict(
        jobs=len(accepted),
        lost={n for n, ids in accepted.items() if not ids <= set(by_id)} | left_lying & (set(accepted) | unanswered),
        doubled={n for n, ids in accepted.items() if len(ids) > 1}
        | {n for n, jobs in made.items() if len(jobs) > 1 or told_twice & {job["id"] for job in jobs}},
        unexpected=set(made) - set(accepted) - unanswered,
        failed={n for job in over if (job["state"] != "succeeded") != ((n := job["params"]["n"]) in may_fail)},
        astray={n for job in over if not _one_result(job, starts.get(n := job["params"]["n"], []))},
        reruns=sum(len(runs) - 1 for runs in starts.values()),
    )


def _one_result(job, runs):
    """If it succeeded, a start that the witness saw brought its result about, and each artifact is there once."""
    if job["state"] != "succeeded":
        return True
    names = Counter(artifact["name"] for artifact in job["artifacts"])
    return job["result"]["run"] in runs and names == {"run.json": 1, "manifest.json": 1}


def _events(told):
    found = defaultdict(set)
    for event, job_id in told:
        found[job_id].add(event)
    return found


def read_witness(path):
    """The starts by request number, in order, as the jobs themselves wrote them down."""
    starts = defaultdict(list)
    for what, n, run, _pid in _witnessed(path):
        if what == "start":
            starts[int(n)].append(run)
    return starts


def at_work(path):
    """The process ids of starts that have not come to their end, but for jobs on their third: those would be given up.

    A fault that hits one job three times is rightly taken for that job's doing, and is tried as such.
    """
    begun, starts = {}, Counter()
    for what, n, run, pid in _witnessed(path):
        starts[n] += what == "start"
        if what == "start":
            begun[run] = (int(pid), n)
        else:
            begun.pop(run, None)
    return {pid for pid, n in begun.values() if starts[n] < LAST_ATTEMPT}


def _witnessed(path):
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []
