"""Sends what webhooks are due, each message in a thread of its own, so that a slow receiver holds up nobody else.

What becomes of a message is decided by `decide`, from values only; `infra.deliveries` claims and keeps the log.
"""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import hashlib
import hmac
import logging
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra import addresses, audit, deliveries, webhooks
from infra.deliveries import Attempt, Next
from infra.outbound import Answer, CallFailed, Outbound
from infra.secrets import Vault
from tasks.errors import Fault, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.database import Connection, Database
    from infra.settings import Settings

log = logging.getLogger(__name__)

SLOTS: Final = 32
# After the first attempt and each later one; when they are used up the delivery has failed.
DELAYS_S: Final = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
JITTER: Final = 0.2
RETRY_AFTER_MAX_S: Final = 86400
FAILING_MAX: Final = dt.timedelta(days=5)
GONE: Final = 410
SUCCESS: Final = range(200, 300)


@dataclass(frozen=True)
class Target:
    """Where a message goes now, the secrets that sign it, and since when the receiver has failed."""

    url: str
    secrets: tuple[bytes, ...]
    failing_since: dt.datetime | None


class Sender:
    """Sends deliveries as they fall due until it is told to stop; any number of them may run."""

    def __init__(self, database: Database, settings: Settings, *, outbound: Outbound | None = None) -> None:
        self._database, self._settings = database, settings
        self._outbound = outbound or Outbound(allow_private=settings.webhooks_allow_private)
        self._vault = Vault.of(settings)
        self._free = SLOTS
        self._counting = threading.Condition()

    def run(self, stop: threading.Event) -> None:
        """Send what is due, and look again every poll, until `stop` is set; a database that is away is waited for."""
        while not stop.is_set():
            try:
                started = self.send_due(dt.datetime.now(dt.UTC))
            except Fault as error:
                log.warning("webhooks wait: %s", error.detail)
                started = 0
            # A full round may have left more; a lane's next message goes when its present one is done.
            stop.wait(0.05 if started else self._settings.poll_s)

    def send_due(self, now: dt.datetime, limit: int = SLOTS) -> int:
        """Start sending what is due, as far as there are free threads; returns how many were started."""
        with self._counting:
            room = min(limit, self._free)
        if room <= 0:
            return 0
        with self._database.system() as connection:
            claimed = deliveries.claim_due(connection, now, room)
        for held in claimed:
            with self._counting:
                self._free -= 1
            threading.Thread(target=self._send, args=(held, now), name=f"webhook {held['id']}", daemon=True).start()
        return len(claimed)

    def wait(self, timeout_s: float) -> bool:
        """Wait until nothing is under way; False when the time is up first."""
        with self._counting:
            return self._counting.wait_for(lambda: self._free == SLOTS, timeout_s)

    def _send(self, held: Mapping[str, Any], now: dt.datetime) -> None:
        try:
            send(self._database, self._vault, self._outbound, held, now)
        except Fault as error:
            log.warning("delivery %s: its claim runs out, then it is sent again: %s", held["id"], error.detail)
        except Exception:
            log.exception("delivery %s: its claim runs out, then it is sent again", held["id"])
        finally:
            with self._counting:
                self._free += 1
                self._counting.notify_all()


def send_due(database: Database, settings: Settings, now: dt.datetime, limit: int = SLOTS) -> int:
    """Send what is due and wait for the answers; returns how many messages that were."""
    sender = Sender(database, settings)
    started = sender.send_due(now, limit)
    sender.wait(2 * deliveries.CLAIMED_FOR.total_seconds())
    return started


def send(database: Database, vault: Vault, outbound: Outbound, held: Mapping[str, Any], now: dt.datetime) -> None:
    """Make one attempt at a claimed delivery and keep what came of it; `now` is the attempt's time."""
    with database.org(held["org_id"]) as connection:
        target = _target(connection, vault, held, now)
    if target is None:
        return
    began = time.monotonic()
    answer = _call(outbound, target, held, now)
    attempt = _attempt(answer, now, time.monotonic() - began)
    then = decide(attempt, held["tries"], target.failing_since, _retry_after(answer, now), _jitter())
    with database.org(held["org_id"]) as connection:
        if deliveries.settle(connection, held, attempt, then) and held["webhook_id"] is not None:
            _keep_record(connection, held, attempt, then)


def decide(
    attempt: Attempt, tries: int, failing_since: dt.datetime | None, retry_after_s: float | None, jitter: float
) -> Next:
    """Say what becomes of a delivery after an attempt that `tries` others of its schedule came before.

    `jitter` stretches the delay by up to a fifth either way (-1 to 1). A receiver's Retry-After is kept if it is
    longer than the schedule's delay, up to a day.
    """
    if attempt.status in SUCCESS:
        return Next("delivered")
    if attempt.status == GONE:
        return Next("failed", disable="gone")
    failing = failing_since is not None and attempt.at - failing_since >= FAILING_MAX
    disable = "failing" if failing else None
    if tries >= len(DELAYS_S):
        return Next("failed", disable=disable)
    delay = DELAYS_S[tries] * (1 + JITTER * jitter)
    if retry_after_s is not None:
        delay = max(delay, min(retry_after_s, RETRY_AFTER_MAX_S))
    return Next("pending", attempt.at + dt.timedelta(seconds=delay), disable)


def signature(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the webhook-signature header: one `v1,` HMAC-SHA256 for each secret, over id, time and body."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}" for key in secrets)


def _target(connection: Connection, vault: Vault, held: Mapping[str, Any], now: dt.datetime) -> Target | None:
    """Return where a delivery goes now; None if its webhook was deleted or disabled since it was claimed."""
    org_id, webhook_id = held["org_id"], held["webhook_id"]
    if webhook_id is None:
        found = webhooks.signing(connection, vault, org_id, org_id, now)
        return Target(held["url"], tuple(secret.value for secret in found), None)
    try:
        row = webhooks.get(connection, webhook_id)
    except NotFound:
        return None
    if row["disabled_at"] is not None:
        return None
    found = webhooks.signing(connection, vault, org_id, webhook_id, now)
    return Target(row["url"], tuple(secret.value for secret in found), row["failing_since"])


def _call(outbound: Outbound, target: Target, held: Mapping[str, Any], now: dt.datetime) -> Answer | CallFailed:
    """Post the message; a failure is as good an outcome as an answer, for both go into the log."""
    if addresses.refusal(target.url, allow_private=outbound.allow_private):
        return CallFailed("refused")
    timestamp, body = int(now.timestamp()), held["body"].encode()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": held["id"],
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(target.secrets, held["id"], timestamp, body),
    }
    try:
        return outbound.post(target.url, body, headers)
    except CallFailed as error:
        return error


def _attempt(answer: Answer | CallFailed, at: dt.datetime, seconds: float) -> Attempt:
    latency_ms = round(seconds * 1000)
    if isinstance(answer, CallFailed):
        return Attempt(at, None, str(answer), latency_ms, "")
    # Whatever the receiver sent is shown to its owner as text: Postgres holds no NUL.
    text = answer.body[: deliveries.RESPONSE_KEPT].decode("utf-8", "replace").replace("\x00", "\ufffd")
    return Attempt(at, answer.status, None, latency_ms, text)


def _retry_after(answer: Answer | CallFailed, now: dt.datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, written as a number or as a date."""
    given = "" if isinstance(answer, CallFailed) else answer.headers.get("retry-after", "").strip()
    if given.isascii() and given.isdigit():
        return float(given[:9])
    try:
        until = email.utils.parsedate_to_datetime(given)
    except ValueError:
        return None
    return (until.replace(tzinfo=until.tzinfo or dt.UTC) - now).total_seconds()


def _keep_record(connection: Connection, held: Mapping[str, Any], attempt: Attempt, then: Next) -> None:
    org_id, webhook_id = held["org_id"], held["webhook_id"]
    good = then.state == "delivered"
    disabled = deliveries.mark(connection, org_id, webhook_id, good=good, at=attempt.at, disable=then.disable)
    if disabled:
        log.warning("webhook %s of %s is disabled: %s", webhook_id, org_id, then.disable)
        audit.record(
            connection,
            org_id=org_id,
            actor=None,
            request_id=None,
            action="webhook.disabled",
            target=webhook_id,
            after={"reason": then.disable},
        )


def _jitter() -> float:
    return random.uniform(-1, 1)  # noqa: S311 - spreads load, guards nothing
