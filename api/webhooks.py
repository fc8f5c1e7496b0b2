"""Webhooks over HTTP: registered, changed, their secrets rotated, tested, and what was delivered looked at."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from marshmallow import ValidationError, fields

from api import examples, paging
from api.call import Reply
from api.endpoint import Answer, Example, endpoint
from api.fields import Address
from api.lists import list_of
from api.shapes import Shape, time_field
from infra import audit, deliveries, webhooks
from infra.resources import moment
from infra.secrets import Vault
from tasks.errors import Conflict, QuotaExceeded
from tasks.params import Choice, Flag, Params, Text, Whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from api.call import Call

TAG: Final = "Webhooks"
URL_SUMMARY: Final = "https, port 443 or 8443, a public host"


def _some(types: list[str]) -> None:
    if not types or len(set(types)) < len(types):
        raise ValidationError("give one or more event types, each once.")


class WebhookBody(Params):
    """Where events are to be sent, and which."""

    url = Address(required=True, max_length=2048, metadata={"description": URL_SUMMARY})
    event_types = fields.List(Choice(webhooks.EVENT_TYPES), required=True, validate=_some)
    description = Text(load_default="")


class WebhookChange(Params):
    """What is to change; what is left out stays."""

    url = Address(max_length=2048, metadata={"description": URL_SUMMARY})
    event_types = fields.List(Choice(webhooks.EVENT_TYPES), validate=_some)
    description = Text()
    enabled = Flag()


class WebhookShape(Shape):
    """A webhook, without its secret."""

    id = fields.String()
    url = fields.String()
    event_types = fields.List(fields.String())
    description = fields.String()
    enabled = Flag()
    disabled_at = time_field()
    disabled_reason = Choice(("asked", "gone", "failing"), allow_none=True)
    failing_since = time_field()
    created_at = time_field(null=False)
    created_by = fields.String(allow_none=True)
    links = fields.Dict(keys=fields.String())


class NewWebhookShape(WebhookShape):
    """A webhook just made; `secret` verifies what it is sent."""

    secret = fields.String()


class SecretShape(Shape):
    """A new secret, and until when what was in force before signs beside it."""

    secret = fields.String()
    both_sign_until = time_field(null=False)


class AttemptShape(Shape):
    """One attempt: the receiver's status, or one word for why no answer came, and the first 2 kB of what it said."""

    number = Whole(minimum=1)
    at = time_field(null=False)
    status = Whole(allow_none=True)
    error = fields.String(allow_none=True)
    latency_ms = Whole(minimum=0)
    response = fields.String()


class DeliveryShape(Shape):
    """One event on its way to one webhook; its id is the `webhook-id` of every attempt."""

    id = fields.String()
    webhook = fields.String()
    type = fields.String()
    state = Choice(("pending", "delivered", "failed"))
    created_at = time_field(null=False)
    ended_at = time_field()
    next_attempt_at = time_field()
    attempts = fields.List(fields.Nested(AttemptShape))
    links = fields.Dict(keys=fields.String())


@endpoint(
    "POST",
    "/v1/webhooks",
    tag=TAG,
    summary="Register a webhook",
    permission="admin",
    body=WebhookBody,
    sealed=True,
    answers={201: Answer("The webhook; its secret is shown here.", NewWebhookShape, headers={"Location": "it"})},
    refusals=(QuotaExceeded,),
    example=Example(body={"url": "https://hooks.example.com/floor", "event_types": ["job.succeeded", "job.failed"]}),
)
def create_webhook(call: Call) -> Reply:
    """Register an address for events, signed as Standard Webhooks has it; any conforming library verifies them."""
    webhooks.check_url(call.services.settings, call.body["url"], "/url")
    row, secret = webhooks.create(call.connection, _vault(call), call.org_id, by=call.caller.key_id, **call.body)
    _record(call, "webhook.created", row["id"], after=call.body)
    return Reply(_webhook(row) | {"secret": secret}, 201, {"Location": f"/v1/webhooks/{row['id']}"})


@endpoint(
    "GET",
    "/v1/webhooks",
    tag=TAG,
    summary="List webhooks",
    permission="admin",
    query=paging.Page,
    answers={200: Answer("Webhooks, newest first.", list_of(WebhookShape), headers={"Link": "the next page"})},
)
def list_webhooks(call: Call) -> Reply:
    """List the organisation's webhooks, without their secrets."""
    return paging.newest_first(call, webhooks.list_page, _webhook)


@endpoint(
    "GET",
    "/v1/webhooks/{webhook_id}",
    tag=TAG,
    summary="Get a webhook",
    permission="admin",
    answers={200: Answer("The webhook, without its secret.", WebhookShape)},
    example=Example(path={"webhook_id": examples.WEBHOOK}),
)
def get_webhook(call: Call) -> Reply:
    """Return one webhook; `failing_since` says since when nothing but failures came back."""
    return Reply(_webhook(webhooks.get(call.connection, call.path["webhook_id"])))


@endpoint(
    "PATCH",
    "/v1/webhooks/{webhook_id}",
    tag=TAG,
    summary="Change a webhook",
    permission="admin",
    body=WebhookChange,
    answers={200: Answer("The webhook as it is now.", WebhookShape)},
    example=Example(path={"webhook_id": examples.WEBHOOK}, body={"description": "the desk's bot", "enabled": True}),
)
def change_webhook(call: Call) -> Reply:
    """Change address, event types or description, disable or enable; enabled again, it is sent what it is owed."""
    if "url" in call.body:
        webhooks.check_url(call.services.settings, call.body["url"], "/url")
    before = webhooks.get(call.connection, call.path["webhook_id"])
    row = webhooks.change(call.connection, before["id"], call.body, _now())
    _record(call, "webhook.changed", row["id"], before=_webhook(before), after=_webhook(row))
    return Reply(_webhook(row))


@endpoint(
    "DELETE",
    "/v1/webhooks/{webhook_id}",
    tag=TAG,
    summary="Delete a webhook",
    permission="admin",
    answers={204: Answer("It is gone, its secrets and its log of deliveries with it.")},
    example=Example(path={"webhook_id": examples.WEBHOOK}),
)
def delete_webhook(call: Call) -> Reply:
    """Delete a webhook; what was not delivered yet is not sent any more."""
    row = webhooks.delete(call.connection, call.path["webhook_id"])
    _record(call, "webhook.deleted", row["id"], before=_webhook(row))
    return Reply(None, 204)


@endpoint(
    "POST",
    "/v1/webhooks/{webhook_id}/rotate",
    tag=TAG,
    summary="Rotate a webhook's secret",
    permission="admin",
    sealed=True,
    answers={200: Answer("The new secret; the old one signs beside it for 24 hours.", SecretShape)},
    example=Example(path={"webhook_id": examples.WEBHOOK}),
)
def rotate_webhook(call: Call) -> Reply:
    """Make a new secret; for 24 hours every message carries both signatures."""
    return _rotate(call, webhooks.get(call.connection, call.path["webhook_id"])["id"])


@endpoint(
    "POST",
    "/v1/webhooks/default/rotate",
    tag=TAG,
    summary="Rotate the organisation's default secret",
    permission="admin",
    sealed=True,
    answers={200: Answer("The new secret; the old one signs beside it for 24 hours.", SecretShape)},
)
def rotate_default_secret(call: Call) -> Reply:
    """Make, and show, a new secret for what is sent to the `callback_url` of jobs."""
    return _rotate(call, call.org_id)


@endpoint(
    "POST",
    "/v1/webhooks/{webhook_id}/test",
    tag=TAG,
    summary="Test a webhook",
    permission="admin",
    answers={202: Answer("A `webhook.test` is on its way; the deliveries say what came of it.", DeliveryShape)},
    refusals=(Conflict,),
    example=Example(path={"webhook_id": examples.WEBHOOK}),
)
def test_webhook(call: Call) -> Reply:
    """Send a `webhook.test`, whatever events the webhook asked for."""
    row = webhooks.get(call.connection, call.path["webhook_id"])
    if row["disabled_at"] is not None:
        raise Conflict('The webhook is disabled; enable it first: PATCH {"enabled": true}.')
    delivery = deliveries.enqueue_test(call.connection, call.org_id, row["id"])
    _record(call, "webhook.tested", row["id"])
    return Reply(_delivery(delivery), 202)


@endpoint(
    "GET",
    "/v1/webhooks/{webhook_id}/deliveries",
    tag=TAG,
    summary="List a webhook's deliveries",
    permission="admin",
    query=paging.Page,
    answers={200: Answer("Deliveries, newest first.", list_of(DeliveryShape), headers={"Link": "the next page"})},
    example=Example(path={"webhook_id": examples.WEBHOOK}),
)
def list_deliveries(call: Call) -> Reply:
    """List what was sent in the last 30 days and what is still to be, each with every attempt."""
    row = webhooks.get(call.connection, call.path["webhook_id"])
    return paging.newest_first(call, partial(deliveries.list_page, webhook_id=row["id"]), _delivery)


@endpoint(
    "POST",
    "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    tag=TAG,
    summary="Send a delivery again",
    permission="admin",
    answers={202: Answer("It is sent again, under the same id.", DeliveryShape)},
    refusals=(Conflict,),
    example=Example(path={"webhook_id": examples.WEBHOOK, "delivery_id": examples.DELIVERY}),
)
def redeliver(call: Call) -> Reply:
    """Send a delivery again now, whatever came of it before; its schedule of retries begins anew."""
    row = deliveries.redeliver(call.connection, call.path["webhook_id"], call.path["delivery_id"], _now())
    _record(call, "webhook.redelivered", row["id"])
    return Reply(_delivery(row), 202)


def _rotate(call: Call, owner: str) -> Reply:
    now = _now()
    secret = webhooks.rotate(call.connection, _vault(call), call.org_id, owner, now)
    _record(call, "webhook.secret_rotated", owner)
    return Reply({"secret": secret, "both_sign_until": moment(now + webhooks.OVERLAP)})


def _webhook(row: Mapping[str, Any]) -> dict[str, Any]:
    here = f"/v1/webhooks/{row['id']}"
    return {
        **{name: row[name] for name in ("id", "url", "event_types", "description", "disabled_reason", "created_by")},
        **{name: moment(row[name]) for name in ("disabled_at", "failing_since", "created_at")},
        "enabled": row["disabled_at"] is None,
        "links": {"self": here, "deliveries": f"{here}/deliveries"},
    }


def _delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    here = f"/v1/webhooks/{row['webhook_id']}"
    names = ("number", "status", "error", "latency_ms", "response")
    return {
        **{name: row[name] for name in ("id", "type", "state")},
        "webhook": row["webhook_id"],
        "created_at": moment(row["created_at"]),
        "ended_at": moment(row["ended_at"]),
        "next_attempt_at": moment(row["due_at"]) if row["state"] == "pending" else None,
        "attempts": [{name: one[name] for name in names} | {"at": moment(one["at"])} for one in row["log"]],
        "links": {"webhook": here, "redeliver": f"{here}/deliveries/{row['id']}/redeliver"},
    }


def _record(call: Call, action: str, target: str, before: Any = None, after: Any = None) -> None:
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


def _vault(call: Call) -> Vault:
    return Vault.of(call.services.settings)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
