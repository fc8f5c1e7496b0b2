"""A job, its states, and every legal move between them in one table."""

from __future__ import annotations

from typing import Final, Literal

State = Literal["waiting", "queued", "running", "succeeded", "failed", "cancelled"]

STATES: Final[tuple[State, ...]] = ("waiting", "queued", "running", "succeeded", "failed", "cancelled")
FINAL: Final[frozenset[State]] = frozenset({"succeeded", "failed", "cancelled"})

# from -> the states it may move to. `running -> queued` is an attempt handed back: by SIGTERM, by a lost worker, by a
# fault of the platform that is tried again. The database holds the same table (`job_transitions`) and enforces it.
TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    "waiting": frozenset({"queued", "failed", "cancelled", "succeeded"}),
    "queued": frozenset({"running", "failed", "cancelled"}),
    "running": frozenset({"succeeded", "failed", "cancelled", "queued"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
    "cancelled": frozenset(),
}

PRIORITIES: Final = {"low": 30, "normal": 20, "high": 10}  # smaller goes first; dispatching ages them towards the front
MAX_ATTEMPTS: Final = 3


def may_move(current: State, to: State) -> bool:
    """Say whether a job may go from one state to another."""
    return to in TRANSITIONS[current]
