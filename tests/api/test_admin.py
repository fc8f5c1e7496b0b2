from __future__ import annotations

import pytest

from tasks.permissions import PERMISSIONS, ROLES


def test_a_new_key_works_and_is_shown_once(client):
    made = client.post("/v1/keys", {"name": "nightly", "role": "quant"})
    assert made.status_code == 201
    text = made.json["key"]
    assert client.get("/v1/kinds", key=text).status_code == 200
    found = client.get(made.headers["Location"]).json
    assert "key" not in found
    assert found["created_by"] is not None
    assert text not in client.get("/v1/keys").get_data(as_text=True)


def test_the_replay_of_a_new_key_is_not_kept_in_plain_text(client, database):
    headers = {"Idempotency-Key": "one-key"}
    first = client.post("/v1/keys", {"name": "n", "role": "viewer"}, headers=headers)
    with database.org(client.org_id) as connection:
        kept = connection.execute("SELECT body FROM idempotency_keys").fetchone()["body"]
    secret = first.json["key"].rsplit("_", 1)[1]
    assert secret not in str(kept)
    assert client.post("/v1/keys", {"name": "n", "role": "viewer"}, headers=headers).data == first.data
    assert len(client.get("/v1/keys").json["data"]) == 2


@pytest.mark.parametrize("maker", ["owner", "admin"])
@pytest.mark.parametrize("role", ROLES)
def test_nobody_hands_out_more_than_they_have(client, key_of, maker, role):
    key = client.key if maker == "owner" else key_of(maker)
    escalates = any(role in roles and maker not in roles for roles in PERMISSIONS.values())
    response = client.post("/v1/keys", {"name": "n", "role": role}, key=key)
    assert response.status_code == (403 if escalates else 201)
    if maker == "admin" and role == "owner":
        assert escalates


def test_an_admin_may_not_revoke_an_owner(client, key_of):
    owner = next(one["id"] for one in client.get("/v1/keys").json["data"] if one["role"] == "owner")
    assert client.delete(f"/v1/keys/{owner}", key=key_of("admin")).status_code == 403


def test_the_last_owner_key_stays(client, key_of):
    owner = client.get("/v1/keys").json["data"][-1]["id"]
    refused = client.delete(f"/v1/keys/{owner}")
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/conflict")
    other = key_of("owner")
    assert client.delete(f"/v1/keys/{owner}").status_code == 200
    assert client.get("/v1/keys", key=other).status_code == 200


def test_revoking_twice_changes_nothing(client, key_of):
    key_of("viewer")
    key_id = next(one["id"] for one in client.get("/v1/keys").json["data"] if one["role"] == "viewer")
    first = client.delete(f"/v1/keys/{key_id}").json
    assert client.delete(f"/v1/keys/{key_id}").json == first
    assert [one["action"] for one in client.get("/v1/audit").json["data"]].count("key.revoked") == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "", "role": "quant"},
        {"name": "x" * 101, "role": "quant"},
        {"name": "a\u202eb", "role": "quant"},
        {"name": "n", "role": "root"},
        {"name": "n", "role": "quant", "org_id": "x"},
        {"name": "n", "role": "quant", "expires_at": "2020-01-01T00:00:00Z"},
        {"name": "n", "role": "quant", "expires_at": "2099-01-01"},
        {"name": "n", "role": "quant", "expires_at": 4070908800},
    ],
)
def test_a_bad_key_is_refused(client, body):
    assert client.post("/v1/keys", body).status_code == 422


def test_an_expiry_comes_back_in_utc(client):
    body = {"name": "n", "role": "quant", "expires_at": "2099-01-01T02:00:00+02:00"}
    assert client.post("/v1/keys", body).json["expires_at"] == "2099-01-01T00:00:00.000000Z"


def test_an_organisation_and_its_members_are_shown(client):
    assert client.get("/v1/org").json["id"] == client.org_id
    assert [one["role"] for one in client.get("/v1/members").json["data"]] == ["owner"]


def test_usage_counts_what_is_there(client, put):
    put.job()
    put.job(state="running")
    put.job(state="succeeded", run_s=2.5, finished_at="now()", artifacts=["scores"])
    found = client.get("/v1/usage").json
    assert found["jobs_queued"] == {"used": 1, "quota": 10_000}
    assert (found["jobs_running"]["used"], found["compute_s_month"]["used"]) == (1, 2.5)
    assert found["stored_bytes"] == {"used": 3, "quota": None}
