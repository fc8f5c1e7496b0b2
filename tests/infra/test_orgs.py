from __future__ import annotations

import pytest

from infra import keys, members, orgs
from tasks.errors import NotFound


def test_a_new_organisation_has_an_owner_a_key_and_a_first_audit_row(database):
    made = orgs.create_org(database, "Acme")
    assert keys.authenticate(database, made.key_text).role == "owner"
    with database.org(made.org_id) as connection:
        assert orgs.get(connection)["name"] == "Acme"
        assert [one["role"] for one in members.list_page(connection)] == ["owner"]
        assert connection.execute("SELECT action FROM audit").fetchall() == [{"action": "org.created"}]


def test_settings_left_alone_are_the_defaults(database, org):
    with database.org(org.org_id) as connection:
        connection.execute("UPDATE orgs SET settings = '{\"max_running\": 3}'")
        assert orgs.get(connection)["settings"] == orgs.DEFAULTS | {"max_running": 3}


def test_one_organisation_does_not_see_another(database, org):
    other = orgs.create_org(database, "other")
    with database.org(org.org_id) as connection:
        assert [row["id"] for row in connection.execute("SELECT id FROM orgs").fetchall()] == [org.org_id]
        assert {row["org_id"] for row in connection.execute("SELECT org_id FROM api_keys").fetchall()} == {org.org_id}
    with database.org(other.org_id) as connection:
        assert orgs.get(connection)["id"] == other.org_id


def test_an_organisation_that_is_none_is_not_found(database):
    with pytest.raises(NotFound), database.org("org_nobody") as connection:
        orgs.get(connection)
