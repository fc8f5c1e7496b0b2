from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.jobs import preferred_wait
from infra import leases, orgs
from infra.ids import new_id
from tasks.permissions import PERMISSIONS, ROLES
from tasks.registry import kinds


@pytest.fixture
def body(dataset):
    return {"kind": "factors", "params": {"prices": dataset, "recipe": {"factors": [{"name": "momentum"}]}}}


def test_a_job_is_accepted_with_its_place_and_comes_back_whole(client, body):
    response = client.post("/v1/jobs", body | {"tags": {"desk": "equities"}, "priority": "high"})
    assert response.status_code == 202
    job = response.json
    assert response.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert int(response.headers["Retry-After"]) >= 0
    assert (job["kind"], job["state"], job["priority"]) == ("factors", "queued", "high")
    assert job["params"]["recipe"]["winsorize"] is not None or "winsorize" in job["params"]["recipe"]
    again = client.get(response.headers["Location"]).json
    assert {**again, "queue_wait_s": 0} == {**job, "queue_wait_s": 0}


@pytest.mark.parametrize("role", ROLES)
def test_only_roles_that_may_run_a_kind_may_submit_it(role, client, key_of, upload_id, dataset):
    key = key_of(role)
    for name in kinds():
        response = client.post("/v1/jobs", {"kind": name, "params": {}}, key=key)
        assert response.status_code in {403, 422}
    research = client.post(
        "/v1/jobs", {"kind": "ingest", "params": {"upload": upload_id, "as": "prices", "dataset": "d"}}, key=key
    )
    may = role in PERMISSIONS["research.run"]
    assert research.status_code == (202 if may else 403), research.json
    if not may:
        assert research.json["permission"] == "research.run"


@pytest.fixture
def upload_id(client):
    return client.upload().json["id"]


def test_all_violations_come_at_once_each_with_its_place(client):
    response = client.post(
        "/v1/jobs",
        {"kind": "factors", "params": {"pricess": 1}, "priority": "urgent", "tags": {"a": 1}, "org_id": "x"},
    )
    assert response.status_code == 422
    pointers = {one["pointer"] for one in response.json["errors"]}
    assert {"/params/prices", "/params/pricess", "/priority", "/org_id"} <= pointers
    misspelt = next(one for one in response.json["errors"] if one["pointer"] == "/params/pricess")
    assert "Did you mean 'prices'" in misspelt["detail"]
    assert client.get("/v1/jobs?kind=factors").json["data"] == []


@pytest.mark.parametrize("field", ["org_id", "state", "attempt", "created_by", "queue", "id"])
def test_what_is_not_the_clients_to_set_is_an_unknown_field(client, body, field):
    response = client.post("/v1/jobs", body | {field: "x"})
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == f"/{field}"


def test_an_unknown_kind_names_the_nearest(client):
    response = client.post("/v1/jobs", {"kind": "bactest", "params": {}})
    assert response.status_code == 422
    assert "'backtest'" in response.json["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("priority", "good"),
    [("low", True), ("high", True), (10**9, False), ("", False), (None, False), (True, False)],
)
def test_priorities_are_words(client, body, priority, good):
    assert client.post("/v1/jobs/validate", body | {"priority": priority}).status_code == (200 if good else 422)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x/y",
        "https://user:pass@example.com/",
        "//x",
        "https://",
        "http://exa mple.com",
        "https://a:99999999/",
        "x",
    ],
)
def test_a_callback_must_be_a_plain_web_address(client, body, url):
    response = client.post("/v1/jobs", body | {"callback_url": url})
    assert response.status_code == 422
    assert response.json["errors"][0]["pointer"] == "/callback_url"


def test_validation_runs_nothing_and_says_what_it_would_cost(client, body):
    response = client.post("/v1/jobs/validate", body)
    assert response.json["valid"] is True
    assert response.json["estimate"]["memory_mb"] == kinds()["factors"].limits.memory_mb
    assert response.json["would_hit_cache"] is False
    assert client.get("/v1/jobs?kind=factors").json["data"] == []


def test_a_hundred_simultaneous_requests_with_one_key_make_one_job(client, body):
    headers = {"Idempotency-Key": new_id("job")}

    def send(_):
        return client.app.test_client().post(
            "/v1/jobs", json=body, headers=headers | {"Authorization": f"Bearer {client.key}"}
        )

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(100)))
    made = [one for one in answers if one.status_code == 202]
    assert {one.status_code for one in answers} <= {202, 409}
    assert len({one.json["id"] for one in made}) == 1
    assert len([one for one in made if "Idempotency-Replayed" not in one.headers]) == 1
    assert len(client.get("/v1/jobs?kind=factors").json["data"]) == 1
    assert len({one.data for one in made}) == 1
    assert len({one.headers["Location"] for one in made}) == 1


def test_the_same_key_with_another_body_is_refused_and_key_order_is_no_difference(client, body):
    headers = {"Idempotency-Key": '"once"'}
    first = client.post("/v1/jobs", body, headers=headers)
    shuffled = json.dumps(dict(reversed(list(body.items()))), indent=3)
    again = client.post("/v1/jobs", shuffled, headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.data) == (202, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.post("/v1/jobs", body | {"priority": "low"}, headers=headers)
    assert (other.status_code, other.json["type"]) == (422, "/problems/idempotency-key-reused")
    elsewhere = client.post("/v1/jobs/validate", body, headers=headers)
    assert elsewhere.json["type"] == "/problems/idempotency-key-reused"


def test_a_refusal_is_not_kept_under_its_key(client, body):
    headers = {"Idempotency-Key": "mended"}
    assert client.post("/v1/jobs", body | {"kind": "nope"}, headers=headers).status_code == 422
    assert client.post("/v1/jobs", body, headers=headers).status_code == 202


def test_keys_of_two_organisations_do_not_meet(client, body, database):
    headers = {"Idempotency-Key": "shared"}
    assert client.post("/v1/jobs", body, headers=headers).status_code == 202
    other = orgs.create_org(database, "other").key_text
    response = client.post("/v1/jobs", {"kind": "factors", "params": {}}, headers=headers, key=other)
    assert response.json["type"] == "/problems/validation-failed"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "a,b", "é", '"open'])
def test_a_key_that_is_none_is_refused(client, body, key):
    response = client.post("/v1/jobs", body, headers={"Idempotency-Key": key})
    assert response.status_code == 400


def test_a_foreign_job_is_answered_exactly_as_one_that_does_not_exist(client, put, database):
    stranger = orgs.create_org(database, "stranger").key_text
    job_id = put.job(state="failed")
    missing = new_id("job")
    for method, tail in [("GET", ""), ("GET", "/events"), ("GET", "/logs"), ("GET", "/artifacts"),
                         ("GET", "/artifacts/scores"), ("POST", "/cancel"), ("POST", "/retry")]:  # fmt: skip
        foreign = client.send(method, f"/v1/jobs/{job_id}{tail}", key=stranger, headers={"X-Request-Id": "same"})
        absent = client.send(method, f"/v1/jobs/{missing}{tail}", key=stranger, headers={"X-Request-Id": "same"})
        assert foreign.status_code == absent.status_code == 404
        assert foreign.get_data(as_text=True).replace(job_id, "") == absent.get_data(as_text=True).replace(missing, "")


@pytest.mark.parametrize("job_id", ["x", "job_", "job_%00", "..%2f..", "job_01970000-0000-4000-8000-000000000001", "é"])
def test_what_can_not_be_an_id_is_not_found(client, job_id):
    assert client.get(f"/v1/jobs/{job_id}").status_code == 404


def test_an_etag_spares_the_body_until_the_job_changes(client, body):
    place = client.post("/v1/jobs", body).headers["Location"]
    first = client.get(place)
    tag = {"If-None-Match": first.headers["ETag"]}
    unchanged = client.get(place, headers=tag)
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert unchanged.headers["ETag"] == first.headers["ETag"]
    client.post(f"{place}/cancel")
    changed = client.get(place, headers=tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("wait=30", 30), ("respond-async, wait=5", 5), ("wait=9999", 60), ('wait="7"', 7), ("wait=-1", None), ("", None),
     ("await=3", None), ("return=minimal; wait=4", None), ("WAIT = 2", 2)],
)  # fmt: skip
def test_the_preferred_wait_is_read(header, seconds):
    assert preferred_wait(header) == seconds


def test_waiting_is_answered_as_soon_as_the_job_is_final(client, database, put):
    job_id = put.job(state="running")
    answers = []
    prefer = {"Prefer": "wait=30"}
    waiter = threading.Thread(target=lambda: answers.append(client.get(f"/v1/jobs/{job_id}", headers=prefer)))
    waiter.start()
    with database.org(client.org_id) as connection:
        held = connection.execute("SELECT * FROM jobs WHERE id = %s", [job_id]).fetchone()
        leases.end(connection, held, "failed", {"type": "/problems/internal"})
    waiter.join(20)
    assert not waiter.is_alive()
    assert answers[0].json["state"] == "failed"
    assert answers[0].headers["Preference-Applied"] == "wait=30"
    assert "Retry-After" not in answers[0].headers


def test_waiting_ends_when_the_time_is_up(client, put):
    response = client.get(f"/v1/jobs/{put.job(state='running')}", headers={"Prefer": "wait=1"})
    assert response.json["state"] == "running"
    assert response.headers["Retry-After"]


def test_cancelling_a_queued_job_ends_it_and_asking_again_changes_nothing(client, body):
    place = client.post("/v1/jobs", body).headers["Location"]
    first = client.post(f"{place}/cancel")
    assert (first.status_code, first.json["state"]) == (200, "cancelled")
    assert first.json["error"]["type"] == "/problems/job-cancelled"
    again = client.post(f"{place}/cancel")
    assert (again.status_code, again.json) == (200, first.json)


def test_cancelling_a_running_job_is_accepted_and_shown(client, put):
    job_id = put.job(state="running")
    response = client.post(f"/v1/jobs/{job_id}/cancel")
    assert (response.status_code, response.json["cancel_requested"]) == (202, True)


def test_who_may_not_run_a_kind_may_not_cancel_it(client, put, key_of):
    assert client.post(f"/v1/jobs/{put.job()}/cancel", key=key_of("viewer")).status_code == 403


def test_a_retry_is_a_new_job_that_names_the_old(client, body):
    place = client.post("/v1/jobs", body).headers["Location"]
    client.post(f"{place}/cancel")
    retried = client.post(f"{place}/retry")
    assert retried.status_code == 202
    assert retried.json["retry_of"] == place.rsplit("/", 1)[1]
    assert retried.json["id"] != retried.json["retry_of"]


@pytest.mark.parametrize("state", ["queued", "running", "succeeded"])
def test_only_what_ended_badly_is_retried(client, put, state):
    response = client.post(f"/v1/jobs/{put.job(state=state)}/retry")
    assert (response.status_code, response.json["type"]) == (409, "/problems/conflict")


def test_every_submission_is_in_the_audit_log(client, body):
    job = client.post("/v1/jobs", body, headers={"X-Request-Id": "req-audited"}).json
    newest = client.get("/v1/audit").json["data"][0]
    assert (newest["action"], newest["target"], newest["request_id"]) == ("job.created", job["id"], "req-audited")
    assert client.get("/v1/audit/verify").json["intact"] is True
