"""Makes a database ready for Floor: the newest schema, and a login for its processes that owns nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg

from infra import database

RUNTIME_LOGIN: Final = "floor_runtime"


class ProvisionFault(Exception):
    """The database can't be made ready with the login that was given; the message says what to give instead."""


@dataclass(frozen=True)
class Prepared:
    """The addresses of a ready database: as its processes use it, and as its owner (empty if unknown)."""

    runtime_url: str
    admin_url: str


def prepare(url: str, admin_url: str, password: str) -> Prepared:
    """Migrate, and return the addresses to use.

    With an admin address the schema is migrated through it and `url` is used as it stands. With one address only, an
    owner's or superuser's is used to migrate and to make the runtime login; a lesser login must find the schema there.
    """
    if admin_url:
        database.migrate(admin_url)
        return Prepared(url, admin_url)
    if not may_administer(url):
        _require_schema(url)
        return Prepared(url, "")
    database.migrate(url)
    database.make_runtime_login(url, password, RUNTIME_LOGIN)
    return Prepared(with_login(url, RUNTIME_LOGIN, password), url)


def may_administer(url: str) -> bool:
    """Say whether a login may make roles, which is what the first migration and the runtime login need."""
    with _connect(url) as connection:
        row = connection.execute(
            "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = session_user"
        ).fetchone()
        return bool(row and row[0])


def with_login(url: str, user: str, password: str) -> str:
    """Return an address with another login in it."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{place}"))


def _require_schema(url: str) -> None:
    with _connect(url) as connection:
        if connection.execute("SELECT to_regclass('public.jobs')").fetchone() == (None,):
            raise ProvisionFault(
                "The database has no schema yet and this login may not make one. Give FLOOR_DATABASE_ADMIN_URL with "
                "the owner's login, or run `floor migrate` with it once."
            )


def _connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        return psycopg.connect(url, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        raise ProvisionFault(f"The database does not answer or refuses the login: {str(error).strip()}") from error
