"""One trial: an organisation of its own, load, strikes at moments that the seed chooses, quiet, and the judgement."""

from __future__ import annotations

import datetime as dt
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from tests.chaos.house import wait_until
from tests.chaos.ledger import FINAL, Ledger, judge, read_witness
from tests.chaos.load import Load
from tests.receiver import Receiver

ENDS = ["job.succeeded", "job.failed", "job.cancelled"]


@dataclass
class Trial:
    """What is done to a house and how hard; `run` does it and returns the verdict.

    `strike(house, rng)` does the fault and returns when it is over; it is called `strikes` times, about `every_s`
    apart, the first time when `after` jobs are accepted.
    """

    house: object
    folder: object
    seed: int
    jobs: int
    strike: object = None
    strikes: int = 1
    every_s: float = 1.0
    after: int = 5
    ms: tuple = (10, 120)
    special: dict = field(default_factory=dict)  # request number -> what it does instead of sleeping
    may_fail: frozenset = frozenset()
    cut: bool = False
    quiet_s: float = 60.0
    told_s: float = 30.0

    def run(self):
        began = time.monotonic()
        self.rng = random.Random(self.seed)
        self.folder.mkdir(parents=True)
        self.ledger, self.witness = Ledger(self.folder / "ledger.jsonl"), self.folder / "witness"
        self.house.witness = self.witness
        self.key = self.house.new_org()
        with Receiver() as receiver, self.house.client(self.key, timeout=20) as self.client:
            self._register(receiver.url)
            load = Load(self.house, self.key, self.ledger, self._bodies(), cut=self.cut)
            load.start()
            with ThreadPoolExecutor(1) as pool:
                striking = pool.submit(self._strike)
                wait_until(load.over, 300, "every request answered")
                striking.result(timeout=300)
            self._wait_for_quiet()
            self._wait_for_word(receiver)
            told = [self._event(request) for request in receiver.received]
            self.found = self.seen()
            verdict = judge(self.ledger, self.found, told, read_witness(self.witness), may_fail=self.may_fail)
            verdict.strikes = len(self.ledger.lines("strike"))
            verdict.recoveries = self._recoveries(self.found)
            self.histories = {job["id"]: self.events(job["id"]) for job in self.found if job["attempt"] > 1}
        verdict.seconds = time.monotonic() - began
        return verdict

    def seen(self):
        """Every job of the organisation, as the list shows it."""
        found, query = [], {"limit": "200"}
        while True:
            page = self._get("/v1/jobs", query)
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            query = {"limit": "200", "cursor": page["next_cursor"]}

    def job(self, n):
        """The job of a request number, as it was when all was quiet."""
        return next(job for job in self.found if job["params"]["n"] == n)

    def events(self, job_id):
        return self._get(f"/v1/jobs/{job_id}/events", {}, {"Accept": "application/json"})["data"]

    def starts(self):
        return read_witness(self.witness)

    def _bodies(self):
        for n in range(self.jobs):
            params = {"n": n, "ms": self.rng.randint(*self.ms), "witness": str(self.witness)} | self.special.get(n, {})
            yield {"kind": "ordeal", "params": params, "cache": "off"}

    def _register(self, url):
        answer = self.client.post("/v1/webhooks", json={"url": url, "event_types": ENDS})
        assert answer.status_code == 201, answer.text

    def _strike(self):
        if self.strike is None:
            return
        wait_until(lambda: len(self.ledger.accepted()) >= min(self.after, self.jobs), 60, "the first jobs")
        for number in range(self.strikes):
            time.sleep(self.every_s * self.rng.uniform(0.5, 1.5) if number else 0)
            began = time.time()
            self.strike(self.house, self.rng)
            self.ledger.write("strike", began=began, healed=time.time())

    def _wait_for_quiet(self):
        """Until every accepted job is final, or the time is up: what is not by then is lost."""
        deadline = time.monotonic() + self.quiet_s
        while time.monotonic() < deadline:
            seen = {job["id"]: job["state"] for job in self.seen()}
            accepted = {id_ for ids in self.ledger.accepted().values() for id_ in ids}
            if all(seen.get(id_) in FINAL for id_ in accepted) and set(seen.values()) <= FINAL:
                return
            time.sleep(0.3)

    def _wait_for_word(self, receiver):
        """Until the receiver was told of every end, or the time is up: late is allowed, twice under two ids is not."""
        deadline = time.monotonic() + self.told_s
        over = {job["id"] for job in self.seen() if job["state"] in FINAL}
        while time.monotonic() < deadline and not over <= {self._event(one)[1] for one in list(receiver.received)}:
            time.sleep(0.2)

    def _recoveries(self, seen):
        """How long after each strike: until a job started that came to its end, and until each job it hit ran again."""
        strikes = [(row["began"], row["healed"]) for row in self.ledger.lines("strike")]
        runs = [_seconds(job["started_at"]) for job in seen if job["state"] == "succeeded"]
        after = [[start - healed for start in runs if start > healed] for _, healed in strikes]
        found = [min(seconds) for seconds in after if seconds]
        for job in (job for job in seen if job["attempt"] > 1):
            found += _hit(self.events(job["id"]), strikes)
        return found

    def _get(self, path, query, headers=None):
        """Read over HTTP, patiently: what is away comes back."""
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self.client.get(path, params=query, headers=headers or {})
                if answer.status_code == 200:
                    return answer.json()
            except httpx.HTTPError:
                answer = None
            assert time.monotonic() < deadline, answer and answer.text
            time.sleep(0.2)

    @staticmethod
    def _event(request):
        return request.headers["webhook-id"], json.loads(request.body)["data"]["id"]


def _hit(events, strikes):
    """The seconds from the end of a strike to the next start of a job that was running when it struck."""
    found, running = [], None
    for event in events:
        at = _seconds(event["at"])
        if event["type"] == "running":
            struck = [healed for began, healed in strikes if running is not None and running < began < at]
            if struck:
                found.append(max(0.0, at - struck[0]))
            running = at
    return found


def _seconds(moment):
    return dt.datetime.fromisoformat(moment).timestamp()
