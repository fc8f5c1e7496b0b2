"""ETags of jobs: they change with the row's version, and in time for signed addresses to be renewed."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.call import Call


def etag(call: Call, version: int) -> str:
    """Return a weak tag: the addresses inside differ from answer to answer, what they lead to does not."""
    life = call.query.get("url_ttl_s") or call.services.settings.url_ttl_s
    spell = int(time.time() // max(1, life / 2))  # a client that is told "unchanged" still holds half a life
    what = f"{call.org_id} {sorted(call.path.items())} {life} {spell}"
    return f'W/"{version}-{hashlib.sha256(what.encode()).hexdigest()[:12]}"'


def unchanged(call: Call, tag: str) -> bool:
    """Say whether the client's If-None-Match names this tag."""
    given = [one.strip() for one in call.headers.get("If-None-Match", "").split(",")]
    return "*" in given or tag.removeprefix("W/") in [one.removeprefix("W/") for one in given]
