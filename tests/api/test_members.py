from __future__ import annotations

import pytest

from tasks.permissions import PERMISSIONS, ROLES


def add(client, role="quant", **rest):
    response = client.post("/v1/members", {"name": "Ada", "role": role}, **rest)
    assert response.status_code == 201, response.json
    return response.json["id"]


def patch(client, member_id, body, **rest):
    return client.send("PATCH", f"/v1/members/{member_id}", json=body, **rest)


def first_owner(client):
    return client.get("/v1/members").json["data"][-1]["id"]


def test_a_member_is_added_changed_and_removed(client):
    made = client.post("/v1/members", {"name": "Ada", "email": "ada@example.com", "role": "quant"})
    here = made.headers["Location"]
    assert client.get(here).json == made.json
    changed = client.send("PATCH", here, json={"role": "risk", "email": None})
    assert changed.json == made.json | {"role": "risk", "email": None}
    assert client.delete(here).status_code == 204
    assert client.get(here).status_code == 404
    actions = [one["action"] for one in client.get("/v1/audit").json["data"]]
    assert actions[:3] == ["member.removed", "member.changed", "member.added"]


def escalates(maker, role):
    return any(role in roles and maker not in roles for roles in PERMISSIONS.values())


@pytest.mark.parametrize("role", ROLES)
def test_an_admin_makes_nobody_more_than_an_admin(client, key_of, role):
    key, status = key_of("admin"), 403 if escalates("admin", role) else 201
    assert client.post("/v1/members", {"name": "n", "role": role}, key=key).status_code == status
    raised = patch(client, add(client, "viewer"), {"role": role}, key=key)
    assert raised.status_code == (403 if escalates("admin", role) else 200)


def test_an_admin_neither_demotes_nor_removes_an_owner(client, key_of):
    owner, key = add(client, "owner"), key_of("admin")
    assert patch(client, owner, {"role": "viewer"}, key=key).status_code == 403
    assert patch(client, owner, {"name": "x"}, key=key).status_code == 403
    assert client.delete(f"/v1/members/{owner}", key=key).status_code == 403


def test_the_last_owner_stays(client):
    owner = first_owner(client)
    assert patch(client, owner, {"role": "admin"}).status_code == 409
    assert client.delete(f"/v1/members/{owner}").status_code == 409
    add(client, "owner")
    assert patch(client, owner, {"role": "admin"}).status_code == 200


def test_a_members_keys_go_with_them(client):
    member = add(client, "quant")
    key = client.post("/v1/keys", {"name": "n", "role": "quant", "member": member}).json
    kept = client.post("/v1/keys", {"name": "n", "role": "viewer", "member": member}).json
    assert (key["member"], kept["member"]) == (member, member)

    def revoked(one):
        return client.get(f"/v1/keys/{one['id']}").json["revoked_at"] is not None

    assert patch(client, member, {"role": "viewer"}).status_code == 200
    assert (revoked(key), revoked(kept)) == (True, False)
    assert client.delete(f"/v1/members/{member}").status_code == 204
    assert revoked(kept)


def test_the_last_owner_key_does_not_go_with_its_member(client):
    member = add(client, "owner")
    client.post("/v1/keys", {"name": "n", "role": "owner", "member": member})
    first = client.get("/v1/keys").json["data"][-1]["id"]
    assert client.delete(f"/v1/keys/{first}").status_code == 200
    assert client.delete(f"/v1/members/{member}").status_code == 409


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"role": "quant", "member": "usr_01970000-0000-7000-8000-00000000ffff"}, "/member"),
        ({"role": "owner", "member": "{member}"}, "/role"),
    ],
)
def test_a_key_gives_no_more_than_its_member_has(client, body, pointer):
    body = {"name": "n"} | body | {"member": body["member"].format(member=add(client, "quant"))}
    response = client.post("/v1/keys", body)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.parametrize("body", [{}, {"name": "x"}, {"name": "", "role": "quant"}, {"name": "x", "role": "god"}])
def test_a_bad_member_is_refused(client, body):
    assert client.post("/v1/members", body).status_code == 422


@pytest.mark.parametrize("email", ["", "x", "a@b@c", "a b@c"])
def test_a_bad_address_is_refused(client, email):
    assert client.post("/v1/members", {"name": "x", "role": "quant", "email": email}).status_code == 422
