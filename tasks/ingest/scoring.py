"""The health score: 100, less points for what was found, each loss with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Loss:
    """A finding that costs points: `per` points for each (or for each percent of `of`), at most `most`."""

    finding: str
    per: float
    most: float
    of: str | None
    reason: str


PER_SYMBOL: Final = (
    Loss("sessions_missing", 1.0, 40, "sessions_expected", "sessions of the calendar without a row"),
    Loss("missing_windows", 1.0, 10, None, "stretches of such sessions"),
    Loss("off_calendar_rows", 1.0, 10, "rows", "rows on days without a session"),
    Loss("stale_runs", 2.0, 10, None, "runs of unchanged prices"),
    Loss("stale_rows", 1.0, 20, "rows", "rows in stale runs"),
    Loss("outliers", 0.5, 5, None, "returns far outside the symbol's own"),
    Loss("bad_ticks", 5.0, 20, None, "such returns that the next day takes back"),
    Loss("suspected_splits", 15.0, 30, None, "moves that look like splits missing from the actions"),
    Loss("absurd_prices", 5.0, 20, None, "prices beyond belief"),
    Loss("future_rows", 2.0, 20, "rows", "rows dated after as_of"),
    Loss("returns_disputed", 5.0, 20, "rows", "returns that the cross-check disputes"),
)
PER_FILE: Final = (
    Loss("rows_quarantined", 2.0, 40, "rows_read", "rows that could not be used"),
    Loss("rows_duplicate", 0.5, 5, "rows_read", "rows that repeat another"),
    Loss("actions_unapplied", 2.0, 10, None, "corporate actions that could not be applied"),
)


def losses(counts: Mapping[str, Any], table: tuple[Loss, ...]) -> list[dict[str, Any]]:
    """Return what counts lose points for: `[{"for", "count", "points", "reason"}]`, nothing where nothing is lost."""
    found = []
    for loss in table:
        count = counts.get(loss.finding, 0)
        if not count:
            continue
        amount = count if loss.of is None else 100 * count / counts[loss.of]
        points = round(min(loss.most, loss.per * amount), 2)
        found.append({"for": loss.finding, "count": int(count), "points": points, "reason": loss.reason})
    return found


def points_left(lost: list[dict[str, Any]]) -> float:
    """Return 100 less the losses, never below 0."""
    return round(max(0.0, 100.0 - sum(float(entry["points"]) for entry in lost)), 2)
