"""Finds every job kind by looking: a folder under `tasks` with a `kind.py` that declares `KIND` is a kind."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.kind import JobKind


def names() -> list[str]:
    """Return the names of all job kinds without importing any."""
    return sorted(
        module.name
        for module in pkgutil.iter_modules(tasks.__path__)
        if module.ispkg and any((Path(root) / module.name / "kind.py").is_file() for root in tasks.__path__)
    )


@lru_cache(maxsize=1)
def kinds() -> Mapping[str, JobKind]:
    """Return all job kinds by name, in alphabetical order."""
    found: dict[str, JobKind] = {}
    for name in names():
        kind: JobKind = importlib.import_module(f"tasks.{name}.kind").KIND
        if kind.name != name:
            raise ValueError(f"the folder tasks/{name} declares a kind called {kind.name!r}; make the names agree")
        found[kind.name] = kind
    return MappingProxyType(found)
