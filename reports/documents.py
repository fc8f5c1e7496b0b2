"""The templates: what is composed out of structured content, by name. Each takes content and a path to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from reports.backtest.template import draw_backtest
from reports.bundle import write_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TEMPLATES: Final[dict[str, Callable[[Mapping[str, Any], Path], None]]] = {
    "backtest": draw_backtest,
    "bundle": write_bundle,
}


def write_document(template: str, content: Mapping[str, Any], path: Path) -> None:
    """Compose one document; KeyError for a template that is not in `TEMPLATES`."""
    TEMPLATES[template](content, path)
