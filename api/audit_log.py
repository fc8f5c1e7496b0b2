"""The audit log over HTTP: read, and verified link by link."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from api import paging
from api.call import Reply
from api.endpoint import Answer, endpoint
from api.lists import list_of
from api.shapes import AuditShape, ChainShape
from infra import audit
from infra.resources import moment

if TYPE_CHECKING:
    from api.call import Call

TAG: Final = "Audit"


@endpoint(
    "GET",
    "/v1/audit",
    tag=TAG,
    summary="Read the audit log",
    permission="audit.read",
    query=paging.Page,
    answers={200: Answer("Changes, newest first.", list_of(AuditShape), headers={"Link": "the next page"})},
)
def list_audit(call: Call) -> Reply:
    """List every change of the organisation: who, with which request, digests before and after."""
    start, limit = paging.place(call), call.query["limit"]
    rows = audit.list_page(call.connection, before=start[0] if start else None, limit=limit + 1)
    shown = rows[:limit]
    data = [row | {"at": moment(row["at"])} for row in shown]
    return paging.page(call, data, [shown[-1]["seq"]] if len(rows) > limit else None)


@endpoint(
    "GET",
    "/v1/audit/verify",
    tag=TAG,
    summary="Verify the audit log",
    permission="audit.read",
    answers={200: Answer("Whether the whole chain holds.", ChainShape)},
)
def verify_audit(call: Call) -> Reply:
    """Compute the whole chain anew and name the first link that does not hold."""
    verdict = audit.verify(call.connection)
    return Reply({"intact": verdict.broken_at is None, **asdict(verdict)})
