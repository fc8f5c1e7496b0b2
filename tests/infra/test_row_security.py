"""The walls between organisations, read from the database's own catalogue: a new table can't be forgotten."""

import psycopg
import pytest

CLASSES = """
    SELECT c.relname AS name, c.relrowsecurity AS on, c.relforcerowsecurity AS forced,
           array_agg(p.polname ORDER BY p.polname) FILTER (WHERE p.polname IS NOT NULL) AS policies
    FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id')
    GROUP BY c.oid ORDER BY c.relname
"""


@pytest.fixture
def tables(database):
    with database.system() as connection:
        return connection.execute(CLASSES).fetchall()


def test_every_table_of_an_organisations_rows_has_its_wall_up_and_forced(tables):
    assert len(tables) > 15
    assert [row["name"] for row in tables if not (row["on"] and row["forced"])] == []
    assert [row["name"] for row in tables if "own_rows" not in (row["policies"] or [])] == []


def test_without_an_organisation_no_row_is_seen_and_with_another_none_of_ours(database, org, tables):
    with database.org(org.org_id) as connection:
        readable = [
            row["name"]
            for row in tables
            if connection.execute("SELECT has_table_privilege(%s, 'SELECT') AS may", [row["name"]]).fetchone()["may"]
        ]
        seen = [name for name in readable if connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()]
    assert {"api_keys", "audit", "members"} <= set(seen)
    with database.org("org_other") as connection:
        for name in readable:
            assert connection.execute(f"SELECT 1 FROM {name} WHERE org_id = %s", [org.org_id]).fetchone() is None, name
    with database.presented_key("nobody's") as connection:
        for name in readable:
            assert connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone() is None, name


@pytest.mark.parametrize("table", ["webhooks", "deliveries", "org_secrets", "schedules"])
def test_a_row_for_another_organisation_is_refused(database, org, table):
    columns = {
        "webhooks": "(org_id, id, url, event_types) VALUES (%s, 'whk_1', 'x', '{a}')",
        "deliveries": "(org_id, id, url, lane, type, body, state) VALUES (%s, 'd', 'u', 'l', 't', 'b', 'pending')",
        "org_secrets": "(org_id, purpose, owner, version, key_id, wrapped, sealed) "
        "VALUES (%s, 'p', 'o', 1, 'k', '', '')",
        "schedules": "(org_id, id, name, cron, timezone, catch_up, what, body, created_by, looked_until) "
        "VALUES (%s, 's', '', '', '', 'skip', 'job', '{}', 'k', now())",
    }
    with pytest.raises(psycopg.errors.InsufficientPrivilege), database.org("org_other") as connection:
        connection.execute(f"INSERT INTO {table} {columns[table]}", [org.org_id])
