"""Secrets at rest: each under a data key of its own, which is wrapped by a key made from `FLOOR_SECRET_KEY`.

The box and the wrapped key are AES-256-GCM, both bound to organisation, purpose and id, so that a row copied to
another organisation does not open. To change the key put the new one into `FLOOR_SECRET_KEY` and the old one into
`FLOOR_OLD_SECRET_KEYS`, run `rotate` until it returns 0, and drop the old one. Nothing here prints a secret.
"""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from tasks.errors import IntegrityFault

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from infra.database import Connection
    from infra.settings import Settings

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
KEY_ID_BYTES: Final = 8


@dataclass(frozen=True)
class Secret:
    """A secret in the clear; its repr shows none of it."""

    id: str
    value: bytes = field(repr=False)


@dataclass(frozen=True)
class Owner:
    """Whose secret it is: the organisation, what it is for, and the name of what it belongs to."""

    org_id: str
    purpose: str
    name: str


@dataclass(frozen=True)
class Box:
    """A sealed secret: which key wrapped its data key, the wrapped data key, and the sealed bytes."""

    key_id: str
    wrapped: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


class Vault:
    """Seals with the newest key, opens with any that is still given."""

    def __init__(self, secret_key: str, old_secret_keys: Iterable[str] = ()) -> None:
        self._given = [secret_key, *old_secret_keys]

    @classmethod
    def of(cls, settings: Settings) -> Vault:
        """Return the vault of a Floor's settings."""
        return cls(settings.secret_key, settings.old_secret_keys)

    @property
    def key_id(self) -> str:
        """The name of the key that seals: derived from it, and telling nothing of it."""
        return next(iter(self._keys))

    @property
    def old_key_ids(self) -> list[str]:
        """The names of the keys that only open."""
        return list(self._keys)[1:]

    def seal(self, org_id: str, purpose: str, secret_id: str, value: bytes) -> Box:
        """Seal a value under a fresh data key."""
        bound = _bound(org_id, purpose, secret_id)
        data_key = os.urandom(KEY_BYTES)
        return Box(self.key_id, self._wrap(data_key, bound), _encrypt(data_key, value, bound))

    def open(self, org_id: str, purpose: str, secret_id: str, box: Box) -> bytes:
        """Return the sealed value; raises IntegrityFault if its key is not given or the row was tampered with."""
        bound = _bound(org_id, purpose, secret_id)
        return _decrypt(self._unwrap(box, bound), box.sealed, bound)

    def rewrap(self, org_id: str, purpose: str, secret_id: str, box: Box) -> Box:
        """Wrap the data key anew under the newest key; the sealed bytes stay as they are. Raises as `open`."""
        bound = _bound(org_id, purpose, secret_id)
        return Box(self.key_id, self._wrap(self._unwrap(box, bound), bound), box.sealed)

    def _wrap(self, data_key: bytes, bound: bytes) -> bytes:
        return _encrypt(self._keys[self.key_id], data_key, bound)

    def _unwrap(self, box: Box, bound: bytes) -> bytes:
        if box.key_id not in self._keys:
            raise IntegrityFault("A secret was sealed with a key that is no longer given: see FLOOR_OLD_SECRET_KEYS.")
        return _decrypt(self._keys[box.key_id], box.wrapped, bound)

    @cached_property
    def _keys(self) -> dict[str, bytes]:
        """Every given key by its name, the newest first."""
        return {_derive(key, b"name", KEY_ID_BYTES).hex(): _derive(key, b"wrap", KEY_BYTES) for key in self._given}


def add(connection: Connection, vault: Vault, owner: Owner, value: bytes) -> Secret:
    """Store the next version of an owner's secret beside those still in force; two at once take turns."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{owner.org_id} {owner.purpose} {owner.name}"]
    )
    last = connection.execute(
        "SELECT max(version) AS version FROM org_secrets WHERE org_id = %s AND purpose = %s AND owner = %s",
        list(astuple(owner)),
    ).fetchone()
    version = ((last["version"] if last else None) or 0) + 1
    secret_id = f"{owner.name}/{version}"
    box = vault.seal(owner.org_id, owner.purpose, secret_id, value)
    connection.execute(
        "INSERT INTO org_secrets (org_id, purpose, owner, version, key_id, wrapped, sealed) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [*astuple(owner), version, box.key_id, box.wrapped, box.sealed],
    )
    return Secret(secret_id, value)


def expire(connection: Connection, owner: Owner, at: dt.datetime) -> None:
    """Let all present versions of an owner's secret end at a time, or earlier if they do already."""
    connection.execute(
        "UPDATE org_secrets SET expires_at = least(coalesce(expires_at, 'infinity'), %s) "
        "WHERE org_id = %s AND purpose = %s AND owner = %s",
        [at, *astuple(owner)],
    )


def in_force(connection: Connection, vault: Vault, owner: Owner, now: dt.datetime) -> list[Secret]:
    """Return an owner's secrets that have not expired, the newest first."""
    rows = connection.execute(
        "SELECT * FROM org_secrets WHERE org_id = %s AND purpose = %s AND owner = %s "
        "AND (expires_at IS NULL OR expires_at > %s) ORDER BY version DESC",
        [*astuple(owner), now],
    ).fetchall()
    return [Secret(_id_of(row), vault.open(owner.org_id, owner.purpose, _id_of(row), _box_of(row))) for row in rows]


def forget(connection: Connection, owner: Owner) -> None:
    """Delete every version of an owner's secret."""
    connection.execute(
        "DELETE FROM org_secrets WHERE org_id = %s AND purpose = %s AND owner = %s", list(astuple(owner))
    )


def rotate(connection: Connection, vault: Vault, limit: int = 100) -> int:
    """Wrap up to `limit` data keys anew that an old key wrapped, in a system transaction; returns how many.

    Stopped half-way it goes on where it was: a row is under one key or the other, and both open.
    """
    rows = connection.execute(
        "SELECT * FROM org_secrets WHERE key_id = ANY (%s) ORDER BY org_id, purpose, owner, version LIMIT %s "
        "FOR UPDATE SKIP LOCKED",
        [vault.old_key_ids, limit],
    ).fetchall()
    for row in rows:
        box = vault.rewrap(row["org_id"], row["purpose"], _id_of(row), _box_of(row))
        connection.execute(
            "UPDATE org_secrets SET key_id = %s, wrapped = %s "
            "WHERE org_id = %s AND purpose = %s AND owner = %s AND version = %s",
            [box.key_id, box.wrapped, row["org_id"], row["purpose"], row["owner"], row["version"]],
        )
    return len(rows)


def _id_of(row: Mapping[str, Any]) -> str:
    return f"{row['owner']}/{row['version']}"


def _box_of(row: Mapping[str, Any]) -> Box:
    return Box(row["key_id"], bytes(row["wrapped"]), bytes(row["sealed"]))


def _bound(org_id: str, purpose: str, secret_id: str) -> bytes:
    return f"{org_id}|{purpose}|{secret_id}".encode()


def _encrypt(key: bytes, value: bytes, bound: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - loaded with the first secret

    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, bound)


def _decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as in _encrypt
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise IntegrityFault("A stored secret does not open: its row was changed or moved.") from None


def _derive(secret_key: str, use: bytes, length: int) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - as in _encrypt
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    return HKDF(SHA256(), length, salt=None, info=b"floor secrets " + use).derive(secret_key.encode())
