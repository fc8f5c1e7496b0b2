from __future__ import annotations

import pytest

from infra import uploads
from infra.files import check_key
from tasks.errors import Conflict, Gone, NotFound


@pytest.fixture
def start(database, org):
    def make(**rest):
        values = {"filename": "a.csv", "media_type": "text/csv", "size": 3, "sha256": None, "by": None} | rest
        with database.org(org.org_id) as connection:
            return uploads.start(connection, org.org_id, **values)

    return make


def test_an_upload_is_finished_once(database, org, start):
    upload = start()
    assert (upload["state"], upload["key"]) == ("pending", f"orgs/{org.org_id}/uploads/{upload['id']}/a.csv")
    with database.org(org.org_id) as connection:
        done = uploads.finish(connection, upload["id"], "completed", "d" * 64)
    assert (done["state"], done["sha256"]) == ("completed", "d" * 64)
    with pytest.raises(Conflict), database.org(org.org_id) as connection:
        uploads.finish(connection, upload["id"], "completed", "e" * 64)


@pytest.mark.parametrize("name", ["../../x", "a b.csv", "März.csv", "...", "a//b", "%2e%2e", "x" * 300, ";rm -rf"])
def test_whatever_a_file_is_called_its_key_stays_below_its_organisation(org, name):
    check_key(uploads.key_of(org.org_id, "upl_1", name), org.org_id)


def test_what_is_not_there_is_not_found_and_what_was_deleted_is_gone(database, org, start):
    upload = start()
    with pytest.raises(NotFound), database.org(org.org_id) as connection:
        uploads.get(connection, "upl_nobody")
    with database.org(org.org_id) as connection:
        connection.execute("UPDATE uploads SET deleted_at = now()")
    with pytest.raises(Gone), database.org(org.org_id) as connection:
        uploads.get(connection, upload["id"])
