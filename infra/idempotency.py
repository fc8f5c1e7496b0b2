"""Idempotency keys: the first answer to a POST is stored in the transaction that made it, and replayed for a day."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from psycopg.types.json import Jsonb

from infra.canonical import digest
from tasks.errors import IdempotencyKeyReused, Malformed, RequestInFlight

if TYPE_CHECKING:
    from infra.database import Connection

KEPT_FOR: Final = "24 hours"
_QUOTED: Final = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')
_BARE: Final = re.compile(r"[\x21\x23-\x2b\x2d-\x7e]{1,255}")


@dataclass(frozen=True)
class Kept:
    """A first answer: its status, the headers that matter, and its body byte for byte."""

    status: int
    headers: dict[str, str]
    body: str


def read_header(text: str) -> str:
    """Return the key in an `Idempotency-Key` header, quoted (a structured-field string) or bare; raises Malformed."""
    if found := _QUOTED.fullmatch(text.strip()):
        return re.sub(r"\\(.)", r"\1", found.group(1))
    if _BARE.fullmatch(text.strip()):
        return text.strip()
    raise Malformed("Idempotency-Key is not one key of 1 to 255 printable ASCII characters.")


def fingerprint(method: str, path: str, body: Any) -> str:
    """Return what makes two requests the same: method, path and canonical body."""
    return digest([method, path, body])


def begin(connection: Connection, org_id: str, key: str, print_: str) -> Kept | None:
    """Return the first answer to this key, or None for the first request, which then holds the key to its commit.

    Raises RequestInFlight while another transaction holds it, IdempotencyKeyReused when it came with another request.
    """
    lock = int.from_bytes(hashlib.sha256(f"{org_id} {key}".encode()).digest()[:8], "big", signed=True)
    free = connection.execute("SELECT pg_try_advisory_xact_lock(%s) AS free", [lock]).fetchone()
    if not free or not free["free"]:
        raise RequestInFlight
    row = connection.execute(
        "SELECT fingerprint, status, headers, body FROM idempotency_keys "
        f"WHERE key = %s AND created_at > now() - interval '{KEPT_FOR}'",
        [key],
    ).fetchone()
    if row is None:
        return None
    if row["fingerprint"] != print_:
        raise IdempotencyKeyReused
    return Kept(row["status"], row["headers"], row["body"])


def keep(connection: Connection, org_id: str, key: str, print_: str, kept: Kept) -> None:
    """Store the first answer; a key older than a day is taken over."""
    connection.execute(
        "INSERT INTO idempotency_keys (org_id, key, fingerprint, status, headers, body) "
        "VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (org_id, key) DO UPDATE SET fingerprint = EXCLUDED.fingerprint, status = EXCLUDED.status, "
        "headers = EXCLUDED.headers, body = EXCLUDED.body, created_at = now()",
        [org_id, key, print_, kept.status, Jsonb(kept.headers), Jsonb(kept.body)],
    )


def prune(connection: Connection) -> int:
    """Delete what is no longer replayed, in the system's transaction; return how many answers went."""
    return connection.execute(f"DELETE FROM idempotency_keys WHERE created_at < now() - interval '{KEPT_FOR}'").rowcount


def seal(text: str, secret_key: str) -> str:
    """Encrypt a body that holds a secret, so that its replay needs no plain text at rest."""
    nonce = os.urandom(12)
    return base64.b64encode(nonce + _cipher(secret_key).encrypt(nonce, text.encode(), None)).decode()


def unseal(sealed: str, secret_key: str) -> str:
    """Decrypt what `seal` made."""
    raw = base64.b64decode(sealed)
    return bytes(_cipher(secret_key).decrypt(raw[:12], raw[12:], None)).decode()


def _cipher(secret_key: str) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - only answers with secrets pay for it

    return AESGCM(hashlib.sha256(b"floor idempotency " + secret_key.encode()).digest())
