"""Finds every job kind by looking: a folder under `tasks` with a `kind.py` that declares `KIND` is a kind."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.kind import JobKind


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, JobKind]:
    """Return all job kinds by name, in alphabetical order."""
    found: dict[str, JobKind] = {}
    for module in sorted(pkgutil.iter_modules(tasks.__path__), key=lambda m: m.name):
        name = f"tasks.{module.name}.kind"
        if not module.ispkg or importlib.util.find_spec(name) is None:
            continue
        kind: JobKind = importlib.import_module(name).KIND
        if kind.name != module.name:
            raise ValueError(
                f"the folder tasks/{module.name} declares a kind called {kind.name!r}; make the names agree"
            )
        found[kind.name] = kind
    return MappingProxyType(found)
