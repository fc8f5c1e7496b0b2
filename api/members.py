"""An organisation's members over HTTP: nobody makes anyone more than they are themselves, and one owner stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api import examples, paging
from api.admin import TAG
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.lists import list_of
from api.shapes import MemberShape
from infra import audit, keys, members
from infra.resources import moment
from tasks.errors import Conflict
from tasks.params import Choice, Params, Text
from tasks.permissions import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.call import Call

EMAIL: Final = r"[^@\s]{1,64}@[^@\s]{1,189}"


class MemberBody(Params):
    """Somebody who is to belong to the organisation."""

    name = Text(required=True, min_length=1, max_length=100)
    email = Text(load_default=None, allow_none=True, max_length=254, pattern=EMAIL)
    role = Choice(ROLES, required=True)


class MemberChange(Params):
    """What is to be different; what is left out stays."""

    name = Text(min_length=1, max_length=100)
    email = Text(allow_none=True, max_length=254, pattern=EMAIL)
    role = Choice(ROLES)


@endpoint(
    "GET",
    "/v1/members",
    tag=TAG,
    summary="List members",
    permission="admin",
    query=paging.Page,
    answers={200: Answer("Members, newest first.", list_of(MemberShape), headers={"Link": "the next page"})},
)
def list_members(call: Call) -> Reply:
    """List who belongs to the organisation."""
    return paging.newest_first(call, members.list_page, resource)


@endpoint(
    "POST",
    "/v1/members",
    tag=TAG,
    summary="Add a member",
    permission="admin",
    body=MemberBody,
    answers={201: Answer("The member.", MemberShape, headers={"Location": "the member"})},
    example=Example(body={"name": "Ada Quant", "email": "ada@example.com", "role": "quant"}),
)
def add_member(call: Call) -> Reply:
    """Add a member in a role that holds no permission the caller lacks; give them a key with `POST /v1/keys`."""
    keys.require_grant(call.caller, call.body["role"])
    row = members.add(call.connection, call.org_id, **call.body)
    _record(call, "member.added", row["id"], after=resource(row))
    return Reply(resource(row), 201, {"Location": f"/v1/members/{row['id']}"})


@endpoint(
    "GET",
    "/v1/members/{member_id}",
    tag=TAG,
    summary="Get a member",
    permission="admin",
    answers={200: Answer("The member.", MemberShape)},
    example=Example(path={"member_id": examples.MEMBER}),
)
def get_member(call: Call) -> Reply:
    """Return one member."""
    return Reply(resource(members.get(call.connection, call.path["member_id"])))


@endpoint(
    "PATCH",
    "/v1/members/{member_id}",
    tag=TAG,
    summary="Change a member",
    permission="admin",
    body=MemberChange,
    answers={200: Answer("The member as it is now.", MemberShape)},
    refusals=(Conflict,),
    example=Example(path={"member_id": examples.MEMBER}, body={"role": "strategist"}),
)
def change_member(call: Call) -> Reply:
    """Change name, email or role.

    Neither the old role nor the new one may hold a permission the caller lacks; the last owner stays one. With a
    lesser role, those of the member's keys that hold more are revoked.
    """
    before = members.get(call.connection, call.path["member_id"])
    for role in (before["role"], call.body.get("role", before["role"])):
        keys.require_grant(call.caller, role)
    row = members.change(call.connection, before["id"], call.body)
    _record(call, "member.changed", row["id"], before=resource(before), after=resource(row))
    return Reply(resource(row))


@endpoint(
    "DELETE",
    "/v1/members/{member_id}",
    tag=TAG,
    summary="Remove a member",
    permission="admin",
    answers={204: Answer("They belong to it no more, and their keys are revoked.")},
    refusals=(Conflict,),
    example=Example(path={"member_id": examples.MEMBER}),
)
def remove_member(call: Call) -> Reply:
    """Remove a member whose role holds no permission the caller lacks, with their keys; the last owner stays."""
    before = members.get(call.connection, call.path["member_id"])
    keys.require_grant(call.caller, before["role"])
    members.remove(call.connection, before["id"])
    _record(call, "member.removed", before["id"], before=resource(before))
    return Reply(None, 204)


def resource(row: Mapping[str, Any]) -> dict[str, Any]:
    """Make a member's resource."""
    return {**{name: row[name] for name in ("id", "name", "email", "role")}, "created_at": moment(row["created_at"])}


def _record(call: Call, action: str, target: str, *, before: Any = None, after: Any = None) -> None:
    audit.record(
        call.connection,
        org_id=call.org_id,
        actor=call.caller.key_id,
        request_id=call.request_id,
        action=action,
        target=target,
        before=before,
        after=after,
    )
