"""Who asks: an API key in the Authorization header, and nowhere else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from infra import keys
from tasks.errors import Malformed, Unauthenticated

if TYPE_CHECKING:
    from werkzeug.datastructures import Headers

    from infra.database import Database
    from infra.keys import Caller

KEY_MAX: Final = 200
_BEARER: Final = re.compile(r"bearer +([!-~]+) *", re.ASCII | re.IGNORECASE)


def caller(database: Database, headers: Headers) -> Caller:
    """Return whoever stands behind the request's key; raises Unauthenticated, or Malformed for two keys at once."""
    given = headers.get("Authorization")
    if not given:
        raise Unauthenticated
    if "," in given:
        raise Malformed("Two Authorization headers came with the request; send one.")
    found = _BEARER.fullmatch(given) if len(given) <= KEY_MAX else None
    if found is None:
        raise Unauthenticated("The Authorization header is not of the form `Bearer floor_…`.")
    return keys.authenticate(database, found.group(1))
