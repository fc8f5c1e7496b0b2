"""Prometheus text: requests counted by every process together; queues and jobs read from the database when asked."""

from __future__ import annotations

import importlib
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra import dispatching
from infra.scaling import Load, advice, load_of, rule_of
from tasks.kind import QUEUES as POOLS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.database import Database
    from infra.scaling import Rule
    from infra.settings import Settings

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

# Two halves, for each has a partial index: finished jobs are never read.
QUEUES: Final = """
    SELECT queue, state, count(*) AS jobs,
           coalesce(max(extract(epoch FROM now() - queued_at)) FILTER (WHERE state = 'queued'), 0)::float8 AS oldest_s,
           coalesce(sum(est_seconds), 0)::float8 AS work_s
    FROM (SELECT queue, state, queued_at, est_seconds FROM jobs WHERE state IN ('waiting', 'queued')
          UNION ALL
          SELECT queue, state, queued_at, est_seconds FROM jobs WHERE state = 'running') unfinished
    GROUP BY queue, state
    UNION ALL
    SELECT queue, 'slots', coalesce(sum(slots), 0), 0, 0 FROM workers
    WHERE seen_at > now() - interval '1 minute' GROUP BY queue
    ORDER BY queue, state
"""


class Metrics:
    """This process's counters, and the page that sums up all processes'."""

    def __init__(self, settings: Settings) -> None:
        self._data_dir = settings.data_dir
        self._rule = rule_of(settings)
        self._counters: _Counters | None = None
        self._making = threading.Lock()

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request under its route's pattern, never its ids."""
        counters = self._made()
        counters.requests.labels(method, route, str(status)).inc()
        counters.latency.labels(method, route).observe(seconds)

    def page(self, database: Database) -> str:
        """Return the whole page; raises Unavailable while the database is away."""
        with database.system() as connection:
            rows = connection.execute(QUEUES).fetchall()
            counted = dispatching.demand(connection)
        advised = advice_for(counted, self._rule)
        return self._made().text() + "".join([*_lines(rows), *_advice_lines(advised)])

    def close(self) -> None:
        """Close the shared files; the numbers of this process stay in them."""
        if self._counters is not None:
            from prometheus_client import values  # noqa: PLC0415 - see _Counters

            values.close_all_multiprocess_files()  # type: ignore[no-untyped-call]  # the library left it untyped

    def _made(self) -> _Counters:
        with self._making:
            if self._counters is None:
                self._counters = _Counters(self._data_dir)
            return self._counters


class _Counters:
    """The library's counters in the files that all processes of one server share."""

    def __init__(self, data_dir: Path) -> None:
        if FOLDER not in os.environ:
            os.environ[FOLDER] = str(_shared_folder(data_dir))
        import prometheus_client  # noqa: PLC0415 - it reads where to share its counters when it is imported
        from prometheus_client import values  # noqa: PLC0415

        if not values.ValueClass._multiprocess:  # noqa: SLF001 - the library shows this nowhere else
            importlib.reload(values)  # somebody imported it before the folder was known
        self.requests = prometheus_client.Counter(
            "floor_http_requests", "Requests answered.", ("method", "route", "status"), registry=None
        )
        self.latency = prometheus_client.Histogram(
            "floor_http_seconds", "Time to answer.", ("method", "route"), buckets=BUCKETS, registry=None
        )

    def text(self) -> str:
        """Return the sums over all processes as Prometheus text."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - see __init__
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library left it untyped
        return generate_latest(registry).decode()


def _shared_folder(data_dir: Path) -> Path:
    """Return the folder of this server's processes, which have one parent; those of servers that are gone go."""
    root = data_dir / "metrics"
    mine = root / str(os.getppid())
    mine.mkdir(parents=True, exist_ok=True)
    for folder in root.iterdir():
        if not Path("/proc", folder.name).exists() and Path("/proc").exists():
            shutil.rmtree(folder, ignore_errors=True)
    return mine


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    """Write the database's numbers as Prometheus text."""
    jobs = [row for row in rows if row["state"] != "slots"]
    queued = [row for row in jobs if row["state"] == "queued"]
    return [
        _gauge("floor_jobs", "Unfinished jobs.", ("queue", "state"), jobs, "jobs"),
        _gauge("floor_queue_oldest_seconds", "Age of the oldest queued job.", ("queue",), queued, "oldest_s"),
        _gauge("floor_queue_work_seconds", "Estimated work queued.", ("queue",), queued, "work_s"),
        _gauge(
            "floor_slots", "Places of live workers.", ("queue",), [r for r in rows if r["state"] == "slots"], "jobs"
        ),
    ]


def advice_for(counted: Mapping[str, Mapping[str, Any]], rule: Rule) -> dict[str, dict[str, Any]]:
    """Return the controller's advice for every queue, from what `dispatching.demand` counted."""
    return {pool: advice(load_of(counted[pool]) if pool in counted else Load(), rule) for pool in POOLS}


def _advice_lines(advised: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Write the controller's advice: the numbers of /internal/autoscale/{pool}."""
    rows = [{"pool": pool, **one} for pool, one in advised.items()]
    summaries = {
        "desired": "Workers wanted now.",
        "queued": "Queued jobs that no cap forbids to run.",
        "running": "Jobs running.",
        "work_seconds": "Expected seconds of those queued jobs.",
        "oldest_seconds": "Age of the oldest of them.",
    }
    return [_gauge(f"floor_autoscale_{name}", about, ("pool",), rows, name) for name, about in summaries.items()]


def _gauge(name: str, summary: str, labels: tuple[str, ...], rows: list[dict[str, Any]], value: str) -> str:
    lines = [f"# HELP {name} {summary}\n# TYPE {name} gauge\n"]
    for row in rows:
        given = ",".join(f'{label}="{row[label]}"' for label in labels)
        lines.append(f"{name}{{{given}}} {row[value]}\n")
    return "".join(lines)
