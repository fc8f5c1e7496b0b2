"""An organisation's own affairs over HTTP: what it is, its keys, what it uses."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from marshmallow import ValidationError, validates_schema

from api import examples, paging
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.fields import Moment
from api.lists import list_of
from api.shapes import KeyShape, NewKeyShape, OrgShape, UsageShape
from infra import audit, keys, members, orgs, usage
from infra.resources import moment
from tasks.errors import Conflict, Invalid, NotFound, Violation
from tasks.params import Choice, Params, Text, Whole
from tasks.permissions import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.call import Call

TAG: Final = "Organisation"


class KeyBody(Params):
    """A key to be made."""

    name = Text(required=True, min_length=1, max_length=100)
    role = Choice(ROLES, required=True)
    expires_at = Moment(load_default=None, allow_none=True)
    member = Text(
        load_default=None,
        allow_none=True,
        max_length=64,
        metadata={"description": "whose key it is; it goes with them"},
    )

    @validates_schema
    def _check(self, data: Mapping[str, Any], **_kwargs: Any) -> None:
        if data["expires_at"] is not None and data["expires_at"] <= dt.datetime.now(dt.UTC):
            raise ValidationError({"expires_at": ["is not in the future."]})


class OrgChange(Params):
    """What is to be different; what is left out stays, and null takes a setting back."""

    name = Text(min_length=1, max_length=100)
    url_ttl_cap_s = Whole(minimum=1, maximum=604_800, allow_none=True)
    retention_days = Whole(minimum=1, maximum=36_500, allow_none=True)


@endpoint(
    "GET",
    "/v1/org",
    tag=TAG,
    summary="Get the organisation",
    permission="read",
    answers={200: Answer("The caller's organisation.", OrgShape)},
)
def get_org(call: Call) -> Reply:
    """Return the caller's organisation with its limits; null is the platform's own limit, or none."""
    return Reply(_org(orgs.get(call.connection)))


@endpoint(
    "PATCH",
    "/v1/org",
    tag=TAG,
    summary="Change the organisation",
    permission="admin",
    body=OrgChange,
    answers={200: Answer("The organisation as it is now.", OrgShape)},
    example=Example(body={"name": "Example Capital", "retention_days": 365}),
)
def change_org(call: Call) -> Reply:
    """Change the name, how long signed addresses may live, or after how many days files are deleted.

    Past `retention_days` the artifacts of finished jobs and the uploads are deleted, and answered with 410; what a
    dataset's version holds, or an unfinished job is to read, stays.
    """
    before = _org(orgs.get(call.connection))
    given = ("url_ttl_cap_s", "retention_days")
    settings: dict[str, Any] = {name: call.body[name] for name in given if name in call.body}
    orgs.change(call.connection, settings, name=call.body.get("name"))
    after = _org(orgs.get(call.connection))
    audit.record(
        call.connection,
        org_id=call.org_id,
        actor=call.caller.key_id,
        request_id=call.request_id,
        action="org.changed",
        target=call.org_id,
        before=before,
        after=after,
    )
    return Reply(after)


@endpoint(
    "GET",
    "/v1/usage",
    tag=TAG,
    summary="Get use against quota",
    permission="read",
    answers={200: Answer("Each measure's use and quota.", UsageShape)},
)
def get_usage(call: Call) -> Reply:
    """Return jobs queued and running, compute seconds of this month and bytes stored; a null quota is no limit."""
    return Reply(usage.against_quota(call.connection))


@endpoint(
    "GET",
    "/v1/keys",
    tag=TAG,
    summary="List API keys",
    permission="admin",
    query=paging.Page,
    answers={
        200: Answer("Keys, newest first, revoked ones too.", list_of(KeyShape), headers={"Link": "the next page"})
    },
)
def list_keys(call: Call) -> Reply:
    """List the organisation's keys, without anything secret."""
    return paging.newest_first(call, keys.list_, _key)


@endpoint(
    "POST",
    "/v1/keys",
    tag=TAG,
    summary="Make an API key",
    permission="admin",
    body=KeyBody,
    sealed=True,
    answers={201: Answer("The key; its text is shown this once.", NewKeyShape, headers={"Location": "the key"})},
    example=Example(body={"name": "nightly research", "role": "quant", "expires_at": "2099-12-31T00:00:00Z"}),
)
def create_key(call: Call) -> Reply:
    """Make a key of a role that holds no permission its maker lacks."""
    keys.require_grant(call.caller, call.body["role"])
    _require_member(call)
    made = keys.create(
        call.connection,
        call.org_id,
        call.body["name"],
        call.body["role"],
        expires_at=call.body["expires_at"],
        by=call.caller.key_id,
        member_id=call.body["member"],
    )
    _record(call, "key.created", made.row)
    return Reply(_key(made.row) | {"key": made.text}, 201, {"Location": f"/v1/keys/{made.row['id']}"})


@endpoint(
    "GET",
    "/v1/keys/{key_id}",
    tag=TAG,
    summary="Get an API key",
    permission="admin",
    answers={200: Answer("The key, without anything secret.", KeyShape)},
    example=Example(path={"key_id": examples.KEY}),
)
def get_key(call: Call) -> Reply:
    """Return one key."""
    return Reply(_key(keys.get(call.connection, call.path["key_id"])))


@endpoint(
    "DELETE",
    "/v1/keys/{key_id}",
    tag=TAG,
    summary="Revoke an API key",
    permission="admin",
    answers={200: Answer("The key is revoked; no process takes it after 5 s.", KeyShape)},
    refusals=(Conflict,),
    example=Example(path={"key_id": examples.KEY}),
)
def revoke_key(call: Call) -> Reply:
    """Revoke a key of a role that holds no permission the caller lacks; the last owner's key stays."""
    before = keys.get(call.connection, call.path["key_id"])
    keys.require_grant(call.caller, before["role"])
    row = keys.revoke(call.connection, before["id"])
    if before["revoked_at"] is None:
        _record(call, "key.revoked", row)
    return Reply(_key(row))


def _require_member(call: Call) -> None:
    """Raise Invalid unless the member that the key is for exists and may do all that the key may."""
    if call.body["member"] is None:
        return
    try:
        member = members.get(call.connection, call.body["member"])
    except NotFound:
        raise Invalid(None, Violation("/member", f"there is no member {call.body['member']}.")) from None
    if not members.may_hold(member, call.body["role"]):
        detail = f"gives more than its member may, whose role is {member['role']!r}."
        raise Invalid(None, Violation("/role", detail))


def _key(row: Mapping[str, Any]) -> dict[str, Any]:
    times = ("created_at", "expires_at", "last_used_at", "revoked_at")
    shown = {name: row[name] for name in ("id", "name", "role", "created_by")} | {"member": row["member_id"]}
    return shown | {name: moment(row[name]) for name in times}


def _org(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**{n: row[n] for n in ("id", "name", "settings")}, "created_at": moment(row["created_at"])}


def _record(call: Call, action: str, row: Mapping[str, Any]) -> None:
    audit.record(
        call.connection,
        org_id=call.org_id,
        actor=call.caller.key_id,
        request_id=call.request_id,
        action=action,
        target=row["id"],
        after=_key(row),
    )
