"""An organisation's limits over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from marshmallow import ValidationError, fields

from api.admin import TAG
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.shapes import QuotasShape
from infra import audit, quotas
from tasks.kind import QUEUES
from tasks.params import Number, Params, Whole, shown

if TYPE_CHECKING:
    from api.call import Call

JOBS_MAX: Final = 1_000_000
RATE_MAX: Final = 1_000_000
BYTES_MAX: Final = 1 << 60
SECONDS_MAX: Final = 1e12
CAP: Final = {"type": "integer", "minimum": 0, "maximum": JOBS_MAX}


class Caps(fields.Field[Any]):
    """How many jobs may run at once: one number for every queue, or a number by queue."""

    def __init__(self) -> None:
        by_queue = {"type": "object", "properties": dict.fromkeys(QUEUES, CAP), "additionalProperties": False}
        about = "at once: one number for every queue, or a number by queue; null for no cap"
        super().__init__(allow_none=True, metadata={"anyOf": [CAP, by_queue, {"type": "null"}], "description": about})

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> Any:
        caps = value if isinstance(value, dict) else {"": value}
        if isinstance(value, dict) and (strange := sorted(set(value) - set(QUEUES))):
            raise ValidationError(f"{shown(strange[0])} is not a queue; the queues are {', '.join(QUEUES)}.")
        for cap in caps.values():
            if isinstance(cap, bool) or not isinstance(cap, int) or not 0 <= cap <= JOBS_MAX:
                raise ValidationError(f"{shown(cap)} is not a whole number from 0 to {JOBS_MAX}.")
        return value


class QuotasChange(Params):
    """The limits that are to be different; null takes one back, what is left out stays."""

    max_queued = Whole(minimum=1, maximum=JOBS_MAX, allow_none=True)
    max_running = Caps()
    rate_burst = Whole(minimum=1, maximum=RATE_MAX, allow_none=True)
    rate_minute = Whole(minimum=1, maximum=RATE_MAX, allow_none=True)
    compute_s_month = Number(minimum=0, maximum=SECONDS_MAX, allow_none=True)
    stored_bytes = Whole(minimum=0, maximum=BYTES_MAX, allow_none=True)
    weight = Number(minimum=0.01, maximum=1000)


@endpoint(
    "GET",
    "/v1/quotas",
    tag=TAG,
    summary="Get quotas",
    permission="admin",
    answers={200: Answer("What the organisation may use.", QuotasShape)},
)
def get_quotas(call: Call) -> Reply:
    """Return the organisation's limits; null is the platform's own, or none. What is used of them: `GET /v1/usage`."""
    return Reply(quotas.get(call.connection))


@endpoint(
    "PATCH",
    "/v1/quotas",
    tag=TAG,
    summary="Change quotas",
    permission="admin",
    body=QuotasChange,
    answers={200: Answer("The quotas as they are now.", QuotasShape)},
    example=Example(body={"max_running": {"bulk": 4, "compute": 8}, "compute_s_month": 360_000}),
)
def change_quotas(call: Call) -> Reply:
    """Set limits, none above the `ceilings` that the operator has set for this organisation.

    Over `max_running` a job waits, and its `why` says so; over the month's compute seconds nothing is accepted any
    more (429) and what is queued waits for the next month. Rates take effect within 10 s.
    """
    before = quotas.get(call.connection)
    after = quotas.change(call.connection, call.body)
    audit.record(
        call.connection,
        org_id=call.org_id,
        actor=call.caller.key_id,
        request_id=call.request_id,
        action="quotas.changed",
        target=call.org_id,
        before=before,
        after=after,
    )
    return Reply(after)
