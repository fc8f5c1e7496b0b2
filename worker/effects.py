"""What a run wished for is done: artifacts stored under the attempt's own keys, then one transaction for all the rest.

Until that transaction commits nobody sees anything; if the lease is lost by then, nobody ever will.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from infra import comparisons, leases
from infra.files import safe_name
from infra.leases import Finish, Requeue, StoredArtifact
from tasks.outcome import DatasetVersion
from worker.versions import Overtaken, add_version, pinned_anew

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reports.render import Rendered
    from tasks.outcome import Outcome
    from worker.joblog import Line
    from worker.process import Tools

AT_ONCE: Final = 8


def store(tools: Tools, held: Mapping[str, Any], rendered: Sequence[Rendered]) -> list[StoredArtifact]:
    """Upload every file under a key that includes the attempt; raises Unavailable."""
    prefix = f"orgs/{held['org_id']}/jobs/{held['id']}/{held['attempt']}"

    def upload(file: Rendered) -> StoredArtifact:
        key = f"{prefix}/{safe_name(file.path.name)}"
        tools.files.put(key, file.path, file.media_type, file.sha256)
        return StoredArtifact(file.name, file.media_type, file.bytes, file.sha256, file.rows, key, file.filename)

    if len(rendered) == 1:  # a manifest alone needs no threads
        return [upload(rendered[0])]
    with ThreadPoolExecutor(min(AT_ONCE, len(rendered))) as pool:
        return list(pool.map(upload, rendered))


def commit(tools: Tools, held: Mapping[str, Any], outcome: Outcome, done: Finish, lines: Sequence[Line]) -> None:
    """Make the attempt the job's result, with all its effects, or none of them; raises LeaseLost, Overtaken."""
    with tools.database.org(held["org_id"]) as connection:
        result = dict(done.result)
        for intent in outcome.intents:
            if isinstance(intent, DatasetVersion) and held["reproduction_of"] is not None:
                result["dataset"] = comparisons.original_result(connection, held["reproduction_of"]).get("dataset")
            elif isinstance(intent, DatasetVersion):
                result["dataset"] = add_version(connection, held, intent, done.artifacts)
            else:
                raise TypeError(f"no effect is known for {type(intent).__name__}")
        if lines:
            leases.write_logs(connection, held, lines)
        leases.finish(connection, held, replace(done, result=result))


def run_again(tools: Tools, held: Mapping[str, Any], overtaken: Overtaken, lines: Sequence[Line]) -> None:
    """Put a job back to run on the version that overtook it; not charged, for each time another job has got on."""
    with tools.database.org(held["org_id"]) as connection:
        inputs = pinned_anew(connection, held, overtaken)
        leases.write_logs(connection, held, lines)
        leases.requeue(connection, held, Requeue("overtaken", charge=False, inputs=inputs))
