import threading

import psycopg
import pytest

from infra import database as database_module
from infra.database import Database
from tasks.errors import Unavailable


def insert(database, org_id):
    with database.system() as connection:
        connection.execute("INSERT INTO orgs (id, name) VALUES (%s, 'x')", [org_id])


def test_an_organisation_sees_its_own_rows_and_no_others(database, org):
    insert(database, f"{org.org_id}-other")
    with database.org(org.org_id) as connection:
        assert [row["id"] for row in connection.execute("SELECT id FROM orgs")] == [org.org_id]
    with database.system() as connection:
        assert len(connection.execute("SELECT id FROM orgs").fetchall()) >= 2


def test_whose_rows_are_seen_ends_with_the_transaction(settings, org):
    database = Database(settings.database_url, max_size=1)  # one connection, so the next user gets the same
    try:
        with database.org(org.org_id) as connection:
            first = connection.info.backend_pid
        with database.presented_key("nobody") as connection:
            assert connection.info.backend_pid == first
            assert connection.execute("SELECT count(*) AS n FROM orgs").fetchone() == {"n": 0}
            assert connection.execute("SELECT floor_org() AS org").fetchone() == {"org": None}
    finally:
        database.close()


def test_a_transaction_of_nobody_is_a_programming_error(database):
    with pytest.raises(ValueError, match="organisation"), database.org(""):
        pass


def test_what_raises_is_rolled_back(database, org):
    def fail():
        with database.system() as connection:
            connection.execute("UPDATE orgs SET name = 'changed' WHERE id = %s", [org.org_id])
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    with database.org(org.org_id) as connection:
        assert connection.execute("SELECT name FROM orgs").fetchone() == {"name": "test"}


def test_a_connection_that_was_cut_is_replaced(servers, settings, org):
    database = Database(settings.database_url, max_size=2)
    try:
        with database.org(org.org_id) as connection:
            pid = connection.info.backend_pid
        with psycopg.connect(servers.admin_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with database.org(org.org_id) as connection:
            assert connection.execute("SELECT count(*) AS n FROM orgs").fetchone() == {"n": 1}
    finally:
        database.close()


def test_a_connection_cut_in_the_middle_is_unavailable(servers, database, org):
    def cut():
        with database.org(org.org_id) as connection:
            with psycopg.connect(servers.admin_url, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
            connection.execute("SELECT 1")

    with pytest.raises(Unavailable):
        cut()


def test_a_server_that_is_away_is_unavailable(settings, monkeypatch):
    monkeypatch.setattr(database_module, "CHECKOUT_S", 0.3)
    database = Database("postgresql://floor:hidden@127.0.0.1:9/floor", max_size=1)
    try:
        with pytest.raises(Unavailable) as told:
            database.ping()
        assert "hidden" not in str(told.value)
    finally:
        database.close()


def test_migrations_may_run_again_and_at_once(servers):
    failed = []

    def migrate():
        try:
            database_module.migrate(servers.admin_url)
        except Exception as error:  # noqa: BLE001 - a thread's error is told by the test
            failed.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_the_roles_of_the_application_can_do_no_harm(servers):
    with psycopg.connect(servers.admin_url) as connection:
        rows = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles "
            "WHERE rolname LIKE 'floor_%' AND rolname <> 'floor_admin'"
        ).fetchall()
        owned = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert {row[0] for row in rows} == {"floor_app", "floor_system", "floor_runtime"}
    assert not any(power for row in rows for power in row[1:])
    assert {row[0] for row in owned}.isdisjoint({"floor_app", "floor_system", "floor_runtime"})


def test_every_table_of_tenants_is_behind_a_forced_wall(servers):
    with psycopg.connect(servers.admin_url) as connection:
        open_tables = connection.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'org_id' "
            "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') "
            "AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        ).fetchall()
        odd_keys = connection.execute(
            "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
            "JOIN pg_attribute o ON o.attrelid = c.oid AND o.attname = 'org_id' "
            "WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace AND i.indkey[0] <> o.attnum"
        ).fetchall()
    assert open_tables == []
    assert odd_keys == []  # a unique key over organisations would tell one about another
