"""What a kind may know of its own past: a JSON artifact of the organisation's latest run with the same tags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from worker.process import Tools

LATEST = """
    SELECT j.result, a.key, a.sha256 FROM jobs j
    JOIN artifacts a ON a.org_id = j.org_id AND a.job_id = j.id AND a.name = %(artifact)s AND a.deleted_at IS NULL
    WHERE j.kind = %(kind)s AND j.state = 'succeeded' AND j.tags = %(tags)s AND j.created_at < %(before)s
    ORDER BY j.created_at DESC LIMIT 100
"""


class Earlier:
    """Implements `tasks.inputs.Earlier` for one job."""

    def __init__(self, tools: Tools, held: Mapping[str, Any], scratch: Path) -> None:
        self._tools, self._held, self._scratch = tools, held, scratch

    def __call__(self, artifact: str, fits: Callable[[Mapping[str, Any]], bool]) -> Any:
        """Return the content of the JSON artifact of the latest earlier run whose result fits, or None."""
        asked = {
            "artifact": artifact,
            "kind": self._held["kind"],
            "tags": Jsonb(self._held["tags"]),
            "before": self._held["created_at"],
        }
        with self._tools.database.org(self._held["org_id"]) as connection:
            rows = connection.execute(LATEST, asked).fetchall()
        found = next((row for row in rows if fits(row["result"])), None)
        if found is None:
            return None
        path = self._scratch / "earlier.json"
        self._tools.files.fetch(found["key"], path, found["sha256"])
        return json.loads(path.read_text(encoding="utf-8"))
