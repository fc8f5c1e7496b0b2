"""Loads that really were: from a CSV or JSON file, or from the jobs that a running Floor lists."""

from __future__ import annotations

import csv
import heapq
import io
import json
import math
from collections import defaultdict, deque
from dataclasses import replace
from datetime import datetime
from statistics import quantiles
from typing import TYPE_CHECKING, Any, Final

from infra.simulation.workload import Arrival, Workload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

PAST: Final = 20  # as many runs of a kind are looked back at as for the estimates of real jobs


class BadRecording(Exception):
    """A recording can't be used; the message names the row and the field."""


def parse(text: str, name: str) -> Workload:
    """Return the load in a file's text.

    CSV with a heading, a JSON list of objects, or a page of jobs as the API lists them. Each job has `at_s` (or
    `queued_at` or `created_at`, as ISO 8601) and `run_s`; it may have `org`, `kind` and `estimate_s`.
    """
    if text.lstrip().startswith(("[", "{")):
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise BadRecording(f"{name} is not JSON: {error}") from error
        rows = found.get("data") if isinstance(found, dict) else found
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadRecording(f"{name} must be a list of objects, or an object with such a list in `data`.")
    else:
        rows = list(csv.DictReader(io.StringIO(text)))
    return workload(rows, name)


def workload(rows: Iterable[Mapping[str, Any]], name: str) -> Workload:
    """Return the load that rows describe; jobs of the API that have not run (`run_s` null) are left out."""
    ran = [row for row in rows if not ("state" in row and row.get("run_s") is None)]
    if not ran:
        raise BadRecording(f"{name} holds no job that has run.")
    jobs = sorted((_job(row, f"{name}, job {n}") for n, row in enumerate(ran, 1)), key=lambda job: job[0].at_s)
    first = jobs[0][0].at_s
    moved = [(replace(arrival, at_s=arrival.at_s - first), kind) for arrival, kind in jobs]
    return Workload(name, tuple(_expected(moved)), moved[-1][0].at_s)


def _job(row: Mapping[str, Any], where: str) -> tuple[Arrival, str]:
    at_s = _number(row, "at_s", where) if row.get("at_s") not in {None, ""} else _time(row, where)
    run_s = _number(row, "run_s", where)
    given = row.get("estimate_s") not in {None, ""}
    estimate_s = _number(row, "estimate_s", where) if given else None
    return Arrival(at_s, run_s, str(row.get("org") or "one"), estimate_s), str(row.get("kind") or "job")


def _number(row: Mapping[str, Any], field: str, where: str) -> float:
    try:
        value = float(row[field])
    except (KeyError, TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value) or value < 0:
        raise BadRecording(f"{where}: `{field}` is {row.get(field)!r}; it must be a number of seconds, zero or more.")
    return value


def _time(row: Mapping[str, Any], where: str) -> float:
    text = str(row.get("queued_at") or row.get("created_at") or "")
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise BadRecording(f"{where}: it has neither `at_s` nor a `queued_at` or `created_at` in ISO 8601.") from error


def _expected(jobs: list[tuple[Arrival, str]]) -> Iterable[Arrival]:
    """Yield the arrivals with what would have been expected of each: what three in four past runs stayed under."""
    under_way: list[tuple[float, float, str]] = []  # when it is over, how long it took, its kind
    past: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=PAST))
    for arrival, kind in jobs:
        while under_way and under_way[0][0] <= arrival.at_s:
            _, run_s, over = heapq.heappop(under_way)
            past[over].append(run_s)
        heapq.heappush(under_way, (arrival.at_s + arrival.run_s, arrival.run_s, kind))
        yield arrival if arrival.estimate_s is not None else replace(arrival, estimate_s=_upper(past[kind]))


def _upper(runs_s: Sequence[float]) -> float | None:
    if len(runs_s) <= 1:
        return runs_s[0] if runs_s else None
    return quantiles(runs_s, n=4, method="inclusive")[2]
