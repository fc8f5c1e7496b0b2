"""What becomes of an attempt that did not succeed: a pure function of the error and how many attempts were charged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from tasks.errors import FloorError, Internal, JobCancelled, OutOfMemory, WorkerLost
from tasks.job import MAX_ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_BACKOFF_S: Final = 2.0
BACKOFF_GROWTH: Final = 4.0


@dataclass(frozen=True)
class Verdict:
    """The job's next state; for `queued`, after how long; for the others, the problem that its owner reads."""

    state: Literal["queued", "failed", "cancelled"]
    problem: Mapping[str, Any]
    after_s: float = 0.0


def judge(error: BaseException, charged: int, *, jitter: float, backoff_max_s: float) -> Verdict:
    """Decide on an error after `charged` attempts; `jitter` (0 to 1) spreads the retries of jobs that failed together.

    A fault of the platform is tried again up to three attempts; what the owner can mend, or asked for, is not.
    """
    known = as_floor_error(error)
    problem = known.as_problem()
    if isinstance(known, JobCancelled):
        return Verdict("cancelled", problem)
    if not known.retryable or charged >= MAX_ATTEMPTS:
        return Verdict("failed", problem)
    return Verdict("queued", problem, backoff_s(charged, jitter, backoff_max_s))


def judge_lost(charged: int, *, jitter: float, backoff_max_s: float) -> Verdict:
    """Decide on a job whose worker died under it: it may be the job that kills them, so never more than three times."""
    problem = WorkerLost(f"The job's worker was lost on each of {charged} attempts.").as_problem()
    if charged >= MAX_ATTEMPTS:
        return Verdict("failed", problem)
    # The first loss is most often not the job's doing, so it runs again at once.
    after_s = 0.0 if charged <= 1 else backoff_s(charged - 1, jitter, backoff_max_s)
    return Verdict("queued", WorkerLost("The worker was lost; the job is tried again.").as_problem(), after_s)


def backoff_s(charged: int, jitter: float, backoff_max_s: float) -> float:
    """Return how long to wait after the n-th charged attempt: growing, bounded, spread between half and whole."""
    whole = min(backoff_max_s, FIRST_BACKOFF_S * BACKOFF_GROWTH ** max(0, charged - 1))
    return whole * (0.5 + 0.5 * jitter)


def as_floor_error(error: BaseException) -> FloorError:
    """Return an error of ours for any error: what we do not know is ours to mend, and shows its owner no detail."""
    if isinstance(error, FloorError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemory()
    return Internal("Something failed on our side while the job ran; its log has the job's id beside the cause.")
