"""API keys: 256 bits of secret with a checksum, of which only a hash is kept; who presents one becomes a Caller."""

from __future__ import annotations

import binascii
import datetime as dt
import hashlib
import hmac
import os
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.ids import new_id
from tasks.errors import Conflict, Forbidden, NotFound, Unauthenticated
from tasks.permissions import PERMISSIONS, allowed

if TYPE_CHECKING:
    from infra.database import Connection, Database

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PUBLIC_BYTES, PUBLIC_LENGTH = 12, 17  # 96 bits in base 62
SECRET_BYTES, SECRET_LENGTH = 32, 43  # 256 bits in base 62
CHECKSUM_LENGTH: Final = 6
PATTERN: Final = re.compile(
    rf"floor_([0-9A-Za-z]{{{PUBLIC_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})",
    re.ASCII,
)
CACHE_S: Final = 4.0  # a revoked key is dead on every process within 5 s
CACHE_MAX: Final = 10_000
USED_EVERY: Final = dt.timedelta(minutes=1)  # last_used_at is written at most this often per key

COLUMNS: Final = "id, name, role, member_id, created_by, created_at, expires_at, last_used_at, revoked_at"


@dataclass(frozen=True)
class Caller:
    """Whoever stands behind a valid key: an organisation, the key, its role and name."""

    org_id: str
    key_id: str
    role: str
    name: str

    def require(self, permission: str) -> None:
        """Raise Forbidden, naming the permission, unless the role holds it."""
        if not allowed(self.role, permission):
            raise Forbidden(
                f"The role {self.role!r} lacks the permission {permission!r}; "
                f"these roles hold it: {', '.join(sorted(PERMISSIONS[permission]))}.",
                permission=permission,
            )


@dataclass(frozen=True)
class NewKey:
    """A key just made: its row, and its text, which exists nowhere else and is shown once."""

    row: dict[str, Any]
    text: str


@dataclass(frozen=True)
class _Remembered:
    caller: Caller
    until: float
    expires_at: dt.datetime | None


class _Cache:
    """Keys that were good a moment ago, by the hash of their whole text; one per process, never longer than CACHE_S."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, bytes], _Remembered] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[str, bytes]) -> Caller | None:
        found = self._held.get(key)
        if found is None or found.until < time.monotonic() or _past(found.expires_at):
            return None
        return found.caller

    def put(self, key: tuple[str, bytes], caller: Caller, expires_at: dt.datetime | None) -> None:
        with self._lock:
            if len(self._held) >= CACHE_MAX:
                self._held.clear()
            self._held[key] = _Remembered(caller, time.monotonic() + CACHE_S, expires_at)


_cache = _Cache()


def authenticate(db: Database, text: str) -> Caller:
    """Return who presents this key; raises Unauthenticated, with one message for every reason but a mistyped key."""
    public_id, secret = parse(text)
    remembered = (db.url, hashlib.sha256(text.encode()).digest())
    if (caller := _cache.get(remembered)) is not None:
        return caller
    with db.presented_key(public_id) as connection:
        row = connection.execute(
            "SELECT org_id, id, name, role, secret_hash, expires_at, revoked_at, last_used_at "
            "FROM api_keys WHERE public_id = %s",
            [public_id],
        ).fetchone()
    # A key that does not exist costs the same comparison as one that does.
    kept = bytes(row["secret_hash"]) if row else bytes(32)
    right = hmac.compare_digest(kept, hash_secret(secret))
    if row is None or not right or row["revoked_at"] is not None or _past(row["expires_at"]):
        raise Unauthenticated("This API key is unknown, expired or revoked.")
    caller = Caller(row["org_id"], row["id"], row["role"], row["name"])
    if row["last_used_at"] is None or _now() - row["last_used_at"] > USED_EVERY:
        _mark_used(db, caller)
    _cache.put(remembered, caller, row["expires_at"])
    return caller


def create(
    connection: Connection,
    org_id: str,
    name: str,
    role: str,
    *,
    expires_at: dt.datetime | None = None,
    by: str | None = None,
    member_id: str | None = None,
) -> NewKey:
    """Make a key; whether its maker may hand out the role is `require_grant`'s question, asked before."""
    public_id = _base62(os.urandom(PUBLIC_BYTES), PUBLIC_LENGTH)
    secret = _base62(os.urandom(SECRET_BYTES), SECRET_LENGTH)
    key_id = new_id("key")
    row = connection.execute(
        "INSERT INTO api_keys (org_id, id, public_id, secret_hash, name, role, created_by, expires_at, member_id) "
        f"VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {COLUMNS}",
        [org_id, key_id, public_id, hash_secret(secret), name, role, by, expires_at, member_id],
    ).fetchone()
    assert row is not None
    return NewKey(row, f"floor_{public_id}_{secret}{_checksum(public_id, secret)}")


def list_(
    connection: Connection, *, before: tuple[dt.datetime, str] | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return the organisation's keys, newest first, without anything secret."""
    where, values = ("WHERE (created_at, id) < (%s, %s)", list(before)) if before else ("", [])
    return connection.execute(
        f"SELECT {COLUMNS} FROM api_keys {where} ORDER BY created_at DESC, id DESC LIMIT %s",
        [*values, limit],
    ).fetchall()


def get(connection: Connection, key_id: str) -> dict[str, Any]:
    """Return one key's row without anything secret; raises NotFound."""
    row = connection.execute(f"SELECT {COLUMNS} FROM api_keys WHERE id = %s", [key_id]).fetchone()
    if row is None:
        raise NotFound("There is no such key.")
    return row


def revoke(connection: Connection, key_id: str) -> dict[str, Any]:
    """Revoke a key, dead on every process within 5 s; doing it again changes nothing.

    The organisation's last key of role owner stays: raises Conflict. Raises NotFound.
    """
    connection.execute("SELECT 1 FROM orgs FOR UPDATE")  # two owners revoking each other take turns
    row = get(connection, key_id)
    if row["revoked_at"] is not None:
        return row
    others = connection.execute(
        "SELECT 1 FROM api_keys WHERE role = 'owner' AND id <> %s AND revoked_at IS NULL "
        "AND (expires_at IS NULL OR expires_at > now()) LIMIT 1",
        [key_id],
    ).fetchone()
    if row["role"] == "owner" and others is None:
        raise Conflict("This is the organisation's last owner key; make another before you revoke it.")
    revoked = connection.execute(
        f"UPDATE api_keys SET revoked_at = now() WHERE id = %s RETURNING {COLUMNS}",
        [key_id],
    ).fetchone()
    assert revoked is not None
    return revoked


def require_grant(caller: Caller, role: str) -> None:
    """Raise Forbidden unless the caller holds every permission of `role`: nobody hands out more than they have."""
    lacking = sorted(name for name, roles in PERMISSIONS.items() if role in roles and caller.role not in roles)
    if lacking:
        raise Forbidden(
            f"The role {caller.role!r} can't manage a key or member of role {role!r}, which holds "
            f"{', '.join(lacking)}; an owner can.",
            permission=lacking[0],
        )


def parse(text: str) -> tuple[str, str]:
    """Return a key's public and secret parts; raises Unauthenticated for what is no key or a mistyped one."""
    found = PATTERN.fullmatch(text)
    if found is None:
        raise Unauthenticated("The API key is not of the form floor_…_…: copy it whole.")
    public_id, secret, checksum = found.groups()
    if not hmac.compare_digest(checksum, _checksum(public_id, secret)):
        raise Unauthenticated("The API key's checksum does not match: it was mistyped or cut.")
    return public_id, secret


def hash_secret(secret: str) -> bytes:
    """Return what is stored of a secret; 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).digest()


def _mark_used(db: Database, caller: Caller) -> None:
    with db.org(caller.org_id) as connection:
        connection.execute("UPDATE api_keys SET last_used_at = now() WHERE id = %s", [caller.key_id])


def _checksum(public_id: str, secret: str) -> str:
    return _base62(binascii.crc32(f"floor_{public_id}_{secret}".encode()).to_bytes(4, "big"), CHECKSUM_LENGTH)


def _base62(raw: bytes, length: int) -> str:
    number, digits = int.from_bytes(raw, "big"), ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits = ALPHABET[digit] + digits
    return digits


def _past(moment: dt.datetime | None) -> bool:
    return moment is not None and moment <= _now()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
