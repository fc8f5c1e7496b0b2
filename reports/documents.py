"""The templates: what is composed out of structured content, by name. Each takes content and a path to write."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The module and its function; imported when used, so that a job loads only what it draws with.
TEMPLATES: Final[dict[str, tuple[str, str]]] = {
    "backtest": ("reports.backtest.template", "draw_backtest"),
    "bundle": ("reports.bundle", "write_bundle"),
    "factors": ("reports.factors.template", "draw_factors"),
    "workbook": ("reports.workbook", "write_workbook"),
}


def write_document(template: str, content: Mapping[str, Any], path: Path) -> None:
    """Compose one document; KeyError for a template that is not in `TEMPLATES`."""
    module, function = TEMPLATES[template]
    getattr(import_module(module), function)(content, path)
