from __future__ import annotations

import hashlib
import time
import urllib.request

import pytest

from infra.ids import new_id

CONTENT = b"date,score\n2024-01-02,1.5\n"


@pytest.fixture
def job(client, put, files, tmp_path):
    """A succeeded job with one artifact whose bytes are in the object store."""
    job_id = put.job(state="succeeded", result={"n": 1})
    path = tmp_path / "scores.csv"
    path.write_bytes(CONTENT)
    key = f"orgs/{client.org_id}/jobs/{job_id}/1/scores.csv"
    files.put(key, path, "text/csv", hashlib.sha256(CONTENT).hexdigest())
    put.row(
        "artifacts",
        job_id=job_id,
        name="scores.csv",
        attempt=1,
        media_type="text/csv",
        bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        rows=1,
        key=key,
        filename="März scores.csv",
    )
    return job_id


def test_an_artifacts_address_needs_no_other_credential_and_names_the_file(client, job):
    (artifact,) = client.get(f"/v1/jobs/{job}").json["artifacts"]
    with urllib.request.urlopen(artifact["url"]) as answer:
        assert answer.read() == CONTENT
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "scores.csv" in answer.headers["Content-Disposition"]
        assert answer.headers["Content-Type"] == "text/csv"
    assert artifact["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert "X-Amz-Signature" in artifact["url"]


def test_an_artifact_redirects_to_a_fresh_address(client, job):
    response = client.get(f"/v1/jobs/{job}/artifacts/scores.csv")
    assert (response.status_code, response.data) == (307, b"")
    with urllib.request.urlopen(response.headers["Location"]) as answer:
        assert answer.read() == CONTENT


def test_an_address_lives_as_long_as_asked_and_no_longer_than_the_organisation_allows(client, job, database):
    assert "X-Amz-Expires=60&" in client.get(f"/v1/jobs/{job}/artifacts?url_ttl_s=60").json["data"][0]["url"]
    with database.org(client.org_id) as connection:
        connection.execute("UPDATE orgs SET settings = '{\"url_ttl_cap_s\": 30}'")
    assert "X-Amz-Expires=30&" in client.get(f"/v1/jobs/{job}/artifacts?url_ttl_s=60").json["data"][0]["url"]
    assert "X-Amz-Expires=30&" in client.get(f"/v1/jobs/{job}?url_ttl_s=604800").json["artifacts"][0]["url"]
    for ttl in ["0", "604801", "x"]:
        assert client.get(f"/v1/jobs/{job}?url_ttl_s={ttl}").status_code == 422


def test_an_address_dies_when_it_expires(client, job):
    url = client.get(f"/v1/jobs/{job}/artifacts?url_ttl_s=1").json["data"][0]["url"]
    until, status = time.monotonic() + 20, 200
    while status == 200:
        assert time.monotonic() < until, "the address outlived its expiry"
        time.sleep(0.2)
        try:
            with urllib.request.urlopen(url) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
    assert status in {400, 403}


def test_a_list_of_jobs_signs_nothing(client, job):
    found = next(one for one in client.get("/v1/jobs").json["data"] if one["id"] == job)
    assert found["artifacts"][0]["url"] is None
    assert found["artifacts"][0]["links"]["download"] == f"/v1/jobs/{job}/artifacts/scores.csv"


@pytest.mark.parametrize("name", ["nope", "..", "scores.csv%00", "SCORES.CSV", "%2e%2e%2fmanifest.json"])
def test_an_artifact_that_is_not_there_is_not_found(client, job, name):
    assert client.get(f"/v1/jobs/{job}/artifacts/{name}").status_code == 404


def test_a_deleted_artifact_is_gone(client, job, database):
    with database.org(client.org_id) as connection:
        connection.execute("UPDATE artifacts SET deleted_at = now() WHERE job_id = %s", [job])
    assert client.get(f"/v1/jobs/{job}/artifacts/scores.csv").status_code == 410
    assert client.get(f"/v1/jobs/{job}/artifacts").json["data"][0]["url"] is None


def test_a_log_is_read_on_from_the_last_line_seen(client, put):
    job_id = put.job(new_id("job"), state="running")
    for number in range(3):
        put.row("job_logs", job_id=job_id, attempt=1, level="info", message=f"line {number}")
    lines = client.get(f"/v1/jobs/{job_id}/logs").json["data"]
    assert [line["message"] for line in lines] == ["line 0", "line 1", "line 2"]
    rest = client.get(f"/v1/jobs/{job_id}/logs?after={lines[0]['seq']}").json["data"]
    assert rest == lines[1:]
