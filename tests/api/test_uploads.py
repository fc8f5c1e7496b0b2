from __future__ import annotations

import hashlib
import io
import urllib.error
import urllib.request

import pytest

from infra import uploads
from infra.orgs import create_org

CONTENT = b"date,symbol,close\n2024-01-02,AAA,1\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def send(request, content):
    """Send a signed request as any client would; return status and ETag."""
    asked = urllib.request.Request(request["url"], data=content, method=request["method"], headers=request["headers"])
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, answer.headers["ETag"]
    except urllib.error.HTTPError as error:
        return error.code, None


def start(client, **fields):
    body = {"filename": "prices.csv", "bytes": len(CONTENT), "sha256": DIGEST} | fields
    return client.post("/v1/uploads", body)


def test_a_file_goes_straight_to_the_store_and_is_checked(client):
    upload = start(client, media_type="text/csv")
    assert upload.status_code == 201
    assert (upload.json["state"], upload.json["parts"]) == ("pending", None)
    assert upload.json["expires_at"] > upload.json["created_at"]
    status, _ = send(upload.json, CONTENT)
    assert status == 200
    done = client.post(f"/v1/uploads/{upload.json['id']}/complete")
    assert (done.status_code, done.json["state"], done.json["sha256"]) == (200, "completed", DIGEST)
    assert (done.json["url"], done.json["method"]) == (None, None)
    again = client.post(f"/v1/uploads/{upload.json['id']}/complete", {})
    assert (again.status_code, again.json) == (200, done.json)


def test_a_digest_that_was_not_announced_is_found(client):
    upload = start(client, sha256=None).json
    send(upload, CONTENT)
    assert client.post(f"/v1/uploads/{upload['id']}/complete").json["sha256"] == DIGEST


def test_what_has_not_arrived_can_not_be_completed(client):
    response = client.post(f"/v1/uploads/{start(client).json['id']}/complete")
    assert (response.status_code, response.json["type"]) == (409, "/problems/conflict")


def test_other_bytes_than_announced_are_refused_and_may_be_sent_again(client):
    upload = start(client, sha256="0" * 64).json
    send(upload, CONTENT)
    response = client.post(f"/v1/uploads/{upload['id']}/complete")
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/sha256"
    assert client.get(f"/v1/uploads/{upload['id']}").json["state"] == "pending"


def test_another_size_than_announced_is_refused_by_the_store_or_at_completion(client):
    upload = start(client, bytes=len(CONTENT) + 1).json
    status, _ = send(upload | {"headers": {"Content-Type": "application/octet-stream"}}, CONTENT)
    response = client.post(f"/v1/uploads/{upload['id']}/complete")
    assert response.status_code == (422 if status == 200 else 409)


def test_an_upload_that_is_not_complete_is_no_input_for_a_job(client):
    upload = start(client).json["id"]
    body = {"kind": "ingest", "params": {"upload": upload, "as": "prices", "dataset": "d"}}
    response = client.post("/v1/jobs", body)
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/params/upload"


def test_a_large_file_goes_in_parts(client, monkeypatch):
    part = 5 << 20  # the least that a store takes for a part that is not the last
    monkeypatch.setattr(uploads, "PART_BYTES", part)
    monkeypatch.setattr("api.uploads.SINGLE_MAX", part)
    content = bytes(part) + b"the rest"
    upload = start(client, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()).json
    assert upload["url"] is None
    assert [one["bytes"] for one in upload["parts"]] == [part, 8]
    stored = []
    for one in upload["parts"]:
        first = (one["number"] - 1) * part
        status, etag = send(one, content[first : first + one["bytes"]])
        assert status == 200
        stored.append({"number": one["number"], "etag": etag})
    complete = f"/v1/uploads/{upload['id']}/complete"
    for wrong in [[], stored[:1], [*stored, stored[0]]]:
        response = client.post(complete, {"parts": wrong})
        assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, "/parts")
    done = client.post(complete, {"parts": list(reversed(stored))})
    assert (done.status_code, done.json["state"]) == (200, "completed"), done.json


def test_parts_cover_the_whole_file():
    for size in [1, uploads.PART_BYTES, uploads.PART_BYTES + 1, 50_000_000_000]:
        parts = uploads.parts_of(size)
        assert sum(parts) == size
        assert len(parts) <= 10_000
        assert all(one == uploads.PART_BYTES for one in parts[:-1])


def test_a_small_file_goes_in_one_step(client, files):
    response = client.upload(CONTENT)
    assert response.status_code == 201
    assert (response.json["state"], response.json["sha256"], response.json["bytes"]) == (
        "completed",
        DIGEST,
        len(CONTENT),
    )
    assert response.headers["Location"] == f"/v1/uploads/{response.json['id']}"
    key = uploads.key_of(client.org_id, response.json["id"], "prices.csv")
    assert files.digest(key) == (DIGEST, len(CONTENT))


def test_a_forms_digest_is_checked_and_its_replay_stores_nothing_again(client):
    assert client.upload(CONTENT, sha256="0" * 64).json["errors"][0]["pointer"] == "/sha256"
    headers = {"Idempotency-Key": "form"}

    def send_form(content):
        return client.form({"file": (io.BytesIO(content), "prices.csv")}, headers=headers)

    first, again, other = send_form(CONTENT), send_form(CONTENT), send_form(CONTENT + b"x")
    assert (again.status_code, again.data) == (first.status_code, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.json["type"] == "/problems/idempotency-key-reused"


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ({}, "/file"),
        ({"other": (io.BytesIO(b"x"), "a.csv")}, "/file"),
        ({"file": "not a file"}, "/file"),
        ({"file": (io.BytesIO(b"x"), "a.csv"), "extra": "1"}, "/extra"),
        ({"file": (io.BytesIO(b"x"), "../../etc/passwd")}, "/filename"),
    ],
)
def test_a_form_holds_one_file_and_nothing_unknown(client, data, pointer):
    response = client.form(data)
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, pointer)


def test_a_form_larger_than_ten_mebibytes_is_refused(client):
    assert client.upload(b"x" * ((10 << 20) + 1)).status_code == 413
    assert client.upload(b"x" * ((10 << 20) + (1 << 20))).status_code == 413
    assert client.upload(b"x" * (10 << 20)).status_code == 201


@pytest.mark.parametrize("body", ["", "--x", "--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nabc"])
def test_a_form_that_breaks_off_is_refused(client, body):
    response = client.send("POST", "/v1/uploads", data=body, content_type="multipart/form-data; boundary=x")
    assert response.status_code in {400, 422}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("filename", "a/b.csv"),
        ("filename", "..\\x"),
        ("filename", ""),
        ("filename", "a\u202eb"),
        ("bytes", 0),
        ("bytes", -1),
        ("bytes", "1"),
        ("bytes", 10**15),
        ("sha256", "xyz"),
        ("sha256", "A" * 64),
        ("media_type", "text"),
        ("media_type", "text/html\r\nx: y"),
        ("key", "orgs/other/x"),
    ],
)
def test_a_bad_announcement_is_named(client, field, value):
    response = start(client, **{field: value})
    assert (response.status_code, response.json["errors"][0]["pointer"]) == (422, f"/{field}")


def test_an_upload_of_another_organisation_is_not_found(client, database):
    stranger = create_org(database, "stranger").key_text
    upload = start(client).json["id"]
    assert client.get(f"/v1/uploads/{upload}", key=stranger).status_code == 404
    assert client.post(f"/v1/uploads/{upload}/complete", key=stranger).status_code == 404


def test_what_does_not_fit_the_quota_is_refused(client, database):
    with database.org(client.org_id) as connection:
        connection.execute("UPDATE orgs SET settings = '{\"stored_bytes\": 50}'")
    assert client.upload(CONTENT).status_code == 201
    response = client.upload(CONTENT)
    assert (response.status_code, response.json["type"]) == (429, "/problems/quota-exceeded")
    assert client.get("/v1/usage").json["stored_bytes"] == {"used": len(CONTENT), "quota": 50}
