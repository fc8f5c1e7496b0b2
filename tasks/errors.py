"""The whole error tree on one page; each class's docstring is its default message.

FloorError
├── Refused                     the caller can mend it; never tried again
│   ├── Malformed               400
│   ├── Unauthenticated         401
│   ├── Forbidden               403
│   ├── NotFound                404
│   ├── Conflict                409
│   │   └── RequestInFlight     409
│   ├── Gone                    410
│   ├── PreconditionFailed      412
│   ├── PayloadTooLarge         413
│   ├── UnsupportedMediaType    415
│   ├── Invalid                 422  all violations at once, each with its JSON pointer
│   │   ├── IdempotencyKeyReused
│   │   ├── DatasetNotReady
│   │   ├── DataUnusable
│   │   ├── Infeasible
│   │   ├── Unbounded
│   │   ├── NotConverged
│   │   └── OperationUnsupported
│   ├── RateLimited             429
│   └── QuotaExceeded           429
├── Ended                       how a job ends other than by its own doing
│   ├── JobCancelled
│   ├── JobTimedOut
│   ├── DependencyFailed
│   ├── WorkerLost
│   └── OutOfMemory
└── Fault                       the platform's own; tried again
    ├── Unavailable             503  a part is away for a while
    ├── IntegrityFault          500  bytes read are not the bytes written
    └── Internal                500
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Violation:
    """One thing wrong with an input: where (a JSON pointer) and what to do about it."""

    pointer: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        """Return the pair as RFC 9457 extension members."""
        return {"pointer": self.pointer, "detail": self.detail}


class FloorError(Exception):
    """Something went wrong."""

    slug = "internal"
    title = "Internal error"
    status = 500
    retryable = False

    def __init__(self, detail: str | None = None, *violations: Violation, **extra: Any) -> None:
        self.detail = detail or (self.__doc__ or "").strip().splitlines()[0]
        self.violations = violations
        self.extra = extra
        super().__init__(self.detail)

    def as_problem(self) -> dict[str, Any]:
        """Return the RFC 9457 object, without what only the edge knows (instance, request id)."""
        problem: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.violations:
            problem["errors"] = [violation.as_dict() for violation in self.violations]
        return problem | self.extra


class Refused(FloorError):
    """The request can't be carried out as it stands."""


class Malformed(Refused):
    """The body is not what it claims to be: send one well-formed JSON value in UTF-8."""

    slug, title, status = "malformed", "Malformed request", 400


class Unauthenticated(Refused):
    """No valid API key came with the request: send `Authorization: Bearer floor_…`."""

    slug, title, status = "unauthenticated", "Authentication needed", 401


class Forbidden(Refused):
    """The key's role lacks the permission that this needs."""

    slug, title, status = "forbidden", "Permission lacking", 403


class NotFound(Refused):
    """There is nothing here under that name."""

    slug, title, status = "not-found", "Not found", 404


class MethodNotAllowed(Refused):
    """This resource does not take that method; the Allow header lists those it takes."""

    slug, title, status = "method-not-allowed", "Method not allowed", 405


class NotAcceptable(Refused):
    """This resource has no representation of the kind the Accept header asks for."""

    slug, title, status = "not-acceptable", "Not acceptable", 406


class Conflict(Refused):
    """The resource is in a state that does not allow this."""

    slug, title, status = "conflict", "Conflict", 409


class RequestInFlight(Conflict):
    """A request with this idempotency key is still being answered: ask again in a moment."""

    slug, title = "request-in-flight", "Request in flight"


class Gone(Refused):
    """This was here and has been deleted by the organisation's retention rule."""

    slug, title, status = "gone", "Gone", 410


class PreconditionFailed(Refused):
    """The resource has changed since the version named in the precondition."""

    slug, title, status = "precondition-failed", "Precondition failed", 412


class PayloadTooLarge(Refused):
    """The body is larger than this endpoint takes."""

    slug, title, status = "payload-too-large", "Payload too large", 413


class UnsupportedMediaType(Refused):
    """The body's Content-Type is not one that this endpoint reads."""

    slug, title, status = "unsupported-media-type", "Unsupported media type", 415


class Invalid(Refused):
    """One or more values can't be accepted; `errors` names each with its mend."""

    slug, title, status = "validation-failed", "Validation failed", 422


class IdempotencyKeyReused(Invalid):
    """This idempotency key was used before with another request: use a new key for a new request."""

    slug, title = "idempotency-key-reused", "Idempotency key reused"


class DatasetNotReady(Invalid):
    """The dataset has no version yet: run an ingest job for it first, or wait for the one that runs."""

    slug, title = "dataset-not-ready", "Dataset not ready"


class DataUnusable(Invalid):
    """The data can't be used as it stands."""

    slug, title = "data-unusable", "Data unusable"


class Infeasible(Invalid):
    """The constraints can't hold together."""

    slug, title = "infeasible", "Infeasible"


class Unbounded(Invalid):
    """The objective can be improved without end: add a limit."""

    slug, title = "unbounded", "Unbounded"


class NotConverged(Invalid):
    """The solver stopped before it met its tolerance."""

    slug, title = "not-converged", "Not converged"


class OperationUnsupported(Invalid):
    """This operation is not offered."""

    slug, title = "operation-unsupported", "Operation unsupported"


class RateLimited(Refused):
    """Too many requests: slow down and ask again after Retry-After."""

    slug, title, status = "rate-limited", "Rate limited", 429


class QuotaExceeded(Refused):
    """The organisation's quota is used up."""

    slug, title, status = "quota-exceeded", "Quota exceeded", 429


class Ended(FloorError):
    """The job was ended."""


class JobCancelled(Ended):
    """The job was cancelled."""

    slug, title, status = "job-cancelled", "Job cancelled", 409


class JobTimedOut(Ended):
    """The job ran into its time limit and was ended."""

    slug, title, status = "job-timed-out", "Job timed out", 422


class DependencyFailed(Ended):
    """A job that this one depends on failed, so it was not started."""

    slug, title, status = "dependency-failed", "Dependency failed", 422


class WorkerLost(Ended):
    """The job's worker was lost on every attempt, so it is not tried again."""

    slug, title, status = "worker-lost", "Worker lost", 500


class OutOfMemory(Ended):
    """The job needed more memory than its kind allows."""

    slug, title, status, retryable = "out-of-memory", "Out of memory", 500, True


class Fault(FloorError):
    """The platform failed; the work is tried again."""

    retryable = True


class Unavailable(Fault):
    """A part of the platform is away for a moment: ask again after Retry-After."""

    slug, title, status = "unavailable", "Temporarily unavailable", 503


class IntegrityFault(Fault):
    """Stored bytes are not the bytes that were written; nothing was computed from them."""

    slug, title, status, retryable = "integrity", "Integrity check failed", 500, False


class Internal(Fault):
    """Something failed on our side; the request id finds it in the logs."""


# Named by the contract for trading; their classes live with the OMS, their help pages here with the rest.
RESERVED_PROBLEMS = {
    "venue-unavailable": ("Venue unavailable", 503),
    "venue-rejected": ("Venue rejected", 422),
    "risk-rejected": ("Risk rejected", 422),
    "live-not-permitted": ("Live trading not permitted", 403),
    "kill-switch-engaged": ("Kill switch engaged", 409),
    "outcome-unknown": ("Outcome unknown", 409),
}


def problem_types() -> dict[str, type[FloorError]]:
    """Return every problem slug with the class that documents it: the closed set that the API serves as help pages."""
    found: dict[str, type[FloorError]] = {}
    pending: list[type[FloorError]] = [FloorError]
    while pending:
        cls = pending.pop()
        pending.extend(cls.__subclasses__())
        if "slug" in vars(cls) and cls is not FloorError:
            found[cls.slug] = cls
    return found | {"internal": Internal}
