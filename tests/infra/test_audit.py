from __future__ import annotations

import threading

import psycopg
import pytest

from infra import audit
from infra.canonical import digest


def add(database, org, action="a.b", **rest):
    with database.org(org.org_id) as connection:
        audit.record(connection, org_id=org.org_id, actor="key_1", request_id="r", action=action, **rest)


def verdict(database, org):
    with database.org(org.org_id) as connection:
        return audit.verify(connection)


@pytest.fixture
def tamper(servers):
    """Change the log as its owner could: with the guards off, and on again as if nothing had been."""

    def change(statement, *values):
        with psycopg.connect(servers.admin_url) as connection:
            connection.execute("ALTER TABLE audit DISABLE TRIGGER USER")
            connection.execute("ALTER TABLE audit NO FORCE ROW LEVEL SECURITY")
            assert connection.execute(statement, values).rowcount == 1
            connection.execute("ALTER TABLE audit FORCE ROW LEVEL SECURITY")
            connection.execute("ALTER TABLE audit ENABLE TRIGGER USER")

    return change


def test_every_link_holds_and_digests_stand_for_bodies(database, org):
    add(database, org, target="job_1", before={"b": 1, "a": 2}, after={"secret": "s3cr3t"})
    found = verdict(database, org)
    assert (found.links, found.broken_at) == (2, None)
    with database.org(org.org_id) as connection:
        newest = audit.list_page(connection)[0]
    assert (newest["seq"], newest["before"]) == (2, digest({"a": 2, "b": 1}))
    assert "s3cr3t" not in str(newest)


def test_what_is_not_committed_is_not_in_the_chain(database, org):
    with database.org(org.org_id) as connection, connection.transaction(force_rollback=True):
        audit.record(connection, org_id=org.org_id, actor=None, request_id=None, action="x")
    add(database, org)
    assert (verdict(database, org).links, verdict(database, org).broken_at) == (2, None)


def test_the_chain_has_no_gap_when_many_write_at_once(database, org):
    threads = [threading.Thread(target=lambda: [add(database, org) for _ in range(10)]) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = verdict(database, org)
    assert (found.links, found.broken_at) == (61, None)


@pytest.mark.parametrize("statement", ["UPDATE audit SET action = 'y'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_application_can_not_rewrite_the_log(database, org, statement):
    add(database, org)
    with pytest.raises(psycopg.Error), database.org(org.org_id) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET action = 'y' WHERE org_id = %s AND seq = 3", (3, "content")),
        ("UPDATE audit SET at = at + interval '1 microsecond' WHERE org_id = %s AND seq = 2", (2, "content")),
        ("UPDATE audit SET actor = NULL WHERE org_id = %s AND seq = 5", (5, "content")),
        ("DELETE FROM audit WHERE org_id = %s AND seq = 2", (3, "missing")),
        ("DELETE FROM audit WHERE org_id = %s AND seq = 5", (5, "missing")),
        ("UPDATE audit SET prev_hash = repeat('a', 64) WHERE org_id = %s AND seq = 4", (4, "continue")),
    ],
)
def test_the_first_broken_link_is_named(database, org, tamper, statement, broken):
    for _ in range(4):
        add(database, org)
    tamper(statement, org.org_id)
    found = verdict(database, org)
    assert found.broken_at == broken[0]
    assert broken[1] in (found.reason or "")
