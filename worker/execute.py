"""The life of one job in a worker's child, read top to bottom: claim, gather, run, render, store, commit."""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from infra import leases, logs, memo
from infra.canonical import canonical
from infra.leases import Finish, LeaseLost, Requeue
from reports.manifest import library_versions, manifest, write_manifest
from reports.render import render
from tasks.errors import Unavailable
from tasks.registry import kinds
from worker import effects
from worker.earlier import Earlier
from worker.inputs import gather
from worker.joblog import JobLog
from worker.stages import Stages
from worker.telling import Telling
from worker.verdict import judge
from worker.versions import Overtaken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reports.render import Rendered
    from tasks.kind import JobKind
    from tasks.outcome import Outcome
    from worker.process import Tools

AGAIN_S: Final = 0.5
T = TypeVar("T")

log = logging.getLogger(__name__)
to_owner = logging.getLogger("worker.job")  # these lines the job's owner reads


def execute(tools: Tools, job_id: str, token: str) -> None:
    """See one job through, if it is still to be had; raises nothing that the job caused."""
    with tools.database.system() as connection:
        held = leases.claim(
            connection,
            job_id,
            token,
            worker_id=tools.worker_id,
            child_pid=tools.pid,
            lease_s=tools.settings.lease_s,
        )
    if held is None:
        return
    with logs.bound(job_id=job_id, request_id=held["request_id"]), JobLog() as job_log, _scratch(tools) as scratch:
        try:
            attempt(tools, held, scratch, job_log)
        except LeaseLost:
            log.warning("the lease was lost; nothing of this attempt is kept")
        except BaseException as error:  # noqa: BLE001 - MemoryError, too: it would take Celery's whole node with it
            give_up(tools, held, error, job_log)


def attempt(tools: Tools, held: Mapping[str, Any], scratch: Path, job_log: JobLog) -> None:
    """Compute a claimed job and make it the job's result; raises whatever went wrong."""
    began, cpu_began = time.monotonic(), time.process_time()
    stages = Stages()
    kind = kinds()[held["kind"]]
    tell = Telling(tools.database, held, job_log)
    module = import_module(kind.run_module)
    stages.end("load")
    tell(0.0, "reading inputs")
    inputs = _patiently(tools, lambda: gather(tools, held, module.needs(held["params"]), scratch))
    if hasattr(module, "context"):
        inputs = replace(inputs, context=module.context(held["params"], inputs, Earlier(tools, held, scratch)))
    stages.end("inputs")
    outcome: Outcome = module.run(held["params"], inputs, tell)
    stages.end("run")
    tell(1.0, "writing artifacts")
    rendered = _with_manifest(kind, held, outcome, scratch)
    stages.end("render")
    stored = _patiently(tools, lambda: effects.store(tools, held, rendered))
    stages.end("upload")
    canonical(outcome.result)  # a result that is not JSON is a fault to find here, not in the database
    done = Finish(
        outcome.result,
        stored,
        run_s=time.monotonic() - began,
        cpu_s=time.process_time() - cpu_began,
        code_version=memo.code_version(),
        input_digest=memo.input_digest(kind.name, held["params"], held["inputs"] or {}, memo.code_version()),
    )
    lines = job_log.take()
    try:
        _patiently(tools, lambda: effects.commit(tools, held, outcome, done, lines))
        stages.end("commit")
        log.info("done", extra={"kind": kind.name, **stages.as_extra()})
    except Overtaken as overtaken:
        to_owner.info("%s; it runs again, on that.", overtaken)
        lines = [*lines, *job_log.take()]
        _patiently(tools, partial(effects.run_again, tools, held, overtaken, lines))


def give_up(tools: Tools, held: Mapping[str, Any], error: BaseException, job_log: JobLog) -> None:
    """Write what becomes of the job after an error; if the lease is lost by now, that is somebody else's to say."""
    verdict = judge(
        error,
        held["charged"],
        jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
        backoff_max_s=tools.settings.max_attempts_backoff_s,
    )
    log.warning("attempt %s ended: %s", held["attempt"], verdict.state, exc_info=error)
    to_owner.warning("Attempt %s ended: %s", held["attempt"], verdict.problem["detail"])
    lines = job_log.take()

    def write() -> None:
        with tools.database.org(held["org_id"]) as connection:
            leases.write_logs(connection, held, lines)
            if verdict.state == "queued":
                leases.requeue(connection, held, Requeue("fault", verdict.after_s, problem=verdict.problem))
            else:
                leases.end(connection, held, verdict.state, verdict.problem)

    try:
        _patiently(tools, write)
    except (LeaseLost, Unavailable) as lost:
        log.warning("the verdict is not kept: %r", lost)  # whoever has the job now decides, or its lease runs out


def _patiently(tools: Tools, step: Callable[[], T]) -> T:
    """Take a step though the database or the store be away for a moment: three attempts are soon used up without.

    It may be taken twice: whatever it writes is fenced by the lease or lies under the attempt's own keys.
    """
    until = time.monotonic() + tools.settings.lease_s
    while True:
        try:
            return step()
        except Unavailable:
            if time.monotonic() >= until:
                raise
            time.sleep(AGAIN_S)


def _with_manifest(kind: JobKind, held: Mapping[str, Any], outcome: Outcome, scratch: Path) -> list[Rendered]:
    rendered = render(outcome, kind, scratch)
    record = manifest(
        kind.name,
        held["params"],
        held["inputs"] or {},
        outcome.seeds,
        memo.code_version(),
        _libraries(),
        rendered,
    )
    return [*rendered, write_manifest(record, scratch)]


@lru_cache(maxsize=1)
def _libraries() -> Mapping[str, str]:
    """Return what is installed: read once, for it takes longer than many a job."""
    return library_versions()


@contextmanager
def _scratch(tools: Tools) -> Iterator[Path]:
    """Lend a folder for one attempt; it is gone afterwards, whatever happened."""
    home = tools.settings.data_dir / "scratch"
    home.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix=f"{tools.pid}-", dir=home))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
