"""Postgres: two pools, one per role; every transaction says whose rows it may see, or that it speaks for the system."""

from __future__ import annotations

import select
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
import psycopg.sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from tasks.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.abc import Query

Connection = psycopg.Connection[DictRow]

APP_ROLE: Final = "floor_app"
SYSTEM_ROLE: Final = "floor_system"
CHECKOUT_S: Final = 5.0
BEGIN: Final = "BEGIN"
WITHOUT_WALL: Final = """
    SELECT c.relname AS name FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
      AND (c.relname = 'orgs' OR EXISTS (
          SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped))
    ORDER BY c.relname
"""
MIGRATIONS: Final = Path(__file__).parent / "migrations"


class Database:
    """The database as the application sees it: never as an owner, never as a superuser.

    A connection lost while it is checked out surfaces as Unavailable; whether the work was committed is then unknown,
    and the caller's compare-and-set finds out.
    """

    def __init__(self, url: str, *, max_size: int = 8) -> None:
        self.url = url
        self._max_size = max_size
        self._pools: dict[str, ConnectionPool[Connection]] = {}
        self._opening = threading.Lock()

    @contextmanager
    def org(self, org_id: str) -> Iterator[Connection]:
        """Open a transaction that sees one organisation's rows and no others."""
        if not org_id:
            raise ValueError("a tenant's transaction needs the organisation's id")
        with self._transaction(APP_ROLE, _begin("app.org", org_id)) as connection:
            yield connection

    @contextmanager
    def presented_key(self, public_id: str) -> Iterator[Connection]:
        """Open a transaction that sees nothing but the API key with this public part, whoever's it is."""
        with self._transaction(APP_ROLE, _begin("app.presented_key", public_id)) as connection:
            yield connection

    @contextmanager
    def system(self) -> Iterator[Connection]:
        """Open a transaction of the platform itself: the dispatcher, a worker's claim and lease, the command line."""
        with self._transaction(SYSTEM_ROLE) as connection:
            yield connection

    def ping(self) -> None:
        """Answer, or raise Unavailable."""
        with self._transaction(APP_ROLE) as connection:
            connection.execute("SELECT 1")

    def close(self) -> None:
        """Close both pools; waits a moment for their threads."""
        for pool in self._pools.values():
            pool.close(timeout=2)
        self._pools.clear()

    @contextmanager
    def _transaction(self, role: str, begin: Query = BEGIN) -> Iterator[Connection]:
        try:
            with self._pool(role).connection() as connection:  # rolls back what raises
                connection.execute(begin, prepare=False)
                yield connection
                connection.commit()
        except (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Unavailable(
                "The database does not answer just now; nothing was lost. Ask again in a moment."
            ) from error

    def _pool(self, role: str) -> ConnectionPool[Connection]:
        with self._opening:
            if role not in self._pools:
                self._pools[role] = open_pool(self.url, role, self._max_size)
            return self._pools[role]


def open_pool(url: str, role: str, max_size: int) -> ConnectionPool[Connection]:
    """Open a pool whose connections all speak as `role`."""

    def become(connection: psycopg.Connection[Any]) -> None:
        connection.execute(f"SET ROLE {role}")

    return ConnectionPool(
        url,
        min_size=1,
        max_size=max_size,
        timeout=CHECKOUT_S,
        configure=become,
        open=True,
        check=still_there,
        max_idle=60,
        reconnect_timeout=0,
        kwargs={
            "autocommit": True,  # `Database` says itself when a transaction begins, in one message with whose it is
            "row_factory": dict_row,
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "application_name": f"floor-{role}",
        },
    )


def still_there(connection: psycopg.Connection[Any]) -> None:
    """Raise if a pooled connection was cut meanwhile.

    An idle connection's socket has nothing to read unless the server has gone or says so; only then is it asked, so
    that a healthy one costs no round trip.
    """
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        ConnectionPool.check_connection(connection)


def _begin(name: str, value: str) -> Query:
    """Return what begins a transaction and says whose it is: one round trip instead of two."""
    return psycopg.sql.SQL("BEGIN; SELECT set_config({}, {}, true)").format(name, value)


def listen(url: str, channel: str) -> psycopg.Connection[Any]:
    """Return a connection of its own that listens on a channel; a notification is a hint, so poll as well."""
    connection = psycopg.connect(url, autocommit=True, connect_timeout=5, application_name="floor-listen")
    connection.execute(f"SET ROLE {APP_ROLE}")
    connection.execute(f"LISTEN {channel}")
    return connection


def leading(connection: psycopg.Connection[Any], lock: int) -> bool:
    """Take an advisory lock for as long as the connection lives; False while another has it."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [lock]).fetchone()
    return row is not None and bool(row[0])


def migrate(admin_url: str, revision: str = "head") -> None:
    """Bring the schema to a revision, making the application's roles first; safe to run again and at once."""
    from alembic.command import upgrade  # noqa: PLC0415 - SQLAlchemy's half second is paid only where migrations run
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine, text  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(
        admin_url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1)
    )
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(7305)"))
        for role in (APP_ROLE, SYSTEM_ROLE):
            connection.execute(
                text(
                    f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS; "
                    "EXCEPTION WHEN duplicate_object THEN NULL; END $$",
                )
            )
        connection.commit()
        config.attributes["connection"] = connection
        upgrade(config, revision)
        connection.commit()
        connection.execute(text("SELECT pg_advisory_unlock(7305)"))
        connection.commit()
    engine.dispose()


def make_runtime_login(admin_url: str, password: str, login: str = "floor_runtime") -> None:
    """Make the login that API, dispatcher and workers use, or renew its password: a member of both roles, no more."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [login]).fetchone()
        verb = "ALTER" if exists else "CREATE"
        statement = psycopg.sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT PASSWORD {}")
        connection.execute(
            statement.format(psycopg.sql.SQL(verb), psycopg.sql.Identifier(login), psycopg.sql.Literal(password))
        )
        connection.execute(
            psycopg.sql.SQL("GRANT {}, {} TO {}").format(
                psycopg.sql.Identifier(APP_ROLE),
                psycopg.sql.Identifier(SYSTEM_ROLE),
                psycopg.sql.Identifier(login),
            )
        )


def unsafe_settings(url: str) -> list[str]:
    """Return what about this server and login must not be run with: an empty list when all is well."""
    found: list[str] = []
    with psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=5) as connection:
        row = connection.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = session_user").fetchone()
        if row and (row["rolsuper"] or row["rolbypassrls"]):
            found.append("FLOOR_DATABASE_URL logs in as a superuser or a role that bypasses row-level security")
        for name in ("synchronous_commit", "fsync", "full_page_writes"):
            setting = connection.execute("SELECT current_setting(%s) AS value", [name]).fetchone()
            if setting and setting["value"] == "off":
                found.append(f"PostgreSQL's {name} is off: a committed job could be lost")
        if connection.execute(
            "SELECT 1 FROM pg_tables WHERE tableowner = session_user AND schemaname = 'public'"
        ).fetchone():
            found.append("FLOOR_DATABASE_URL logs in as the owner of the tables; use the runtime login instead")
        if bare := [row["name"] for row in connection.execute(WITHOUT_WALL)]:
            found.append(f"row-level security is not forced on {', '.join(bare)}: run `floor migrate`")
    return found
