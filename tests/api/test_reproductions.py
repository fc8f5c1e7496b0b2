from __future__ import annotations

import pytest

SCORED = {
    "prices": {"columns": ["date", "symbol", "close"], "rows": [["2024-01-02", "AAA", 1.0], ["2024-01-03", "AAA", 2]]},
    "recipe": {"factors": [{"name": "low_volatility"}]},
}


def test_a_reproduction_is_a_new_job_past_the_cache_with_the_same_inputs(client, put, database):
    source = put.dataset()
    given = {source: {"ref": f"{source}@1", "sha256": "0" * 64, "key": "k", "bytes": 1000, "type": "prices"}}
    with database.org(client.org_id) as connection:
        given[source]["key"] = connection.execute("SELECT key FROM dataset_versions").fetchone()["key"]
    params = SCORED | {"prices": source}
    old = put.job(state="succeeded", params=params, inputs={f'"{source}"': given[source]}, artifacts=["scores"])
    with database.org(client.org_id) as connection:  # a later version must not be taken
        connection.execute("UPDATE datasets SET current_version = 2")
    response = client.post(f"/v1/jobs/{old}/reproduce")
    assert response.status_code == 202
    assert response.json["id"] != old
    assert response.json["state"] == "queued"
    assert response.json["reproduction"] == {"of": old, "same": None, "same_code": None, "artifacts": []}
    with database.org(client.org_id) as connection:
        row = connection.execute("SELECT inputs, cache FROM jobs WHERE id = %s", [response.json["id"]]).fetchone()
    assert row == {"inputs": {f'"{source}"': given[source]}, "cache": "off"}
    assert client.get(f"/v1/jobs/{old}").json["reproduction"] is None


def test_the_comparison_names_every_artifact_of_either_run(client, put, database):
    old = put.job(state="succeeded", code_version="one", artifacts=["scores", "ic", "gone"])
    new = put.job(state="succeeded", code_version="two", reproduction_of=old, artifacts=["scores", "ic", "extra"])
    with database.org(client.org_id) as connection:
        connection.execute("UPDATE artifacts SET sha256 = %s WHERE job_id = %s AND name = 'ic'", ["1" * 64, new])
    report = client.get(f"/v1/jobs/{new}").json["reproduction"]
    assert (report["of"], report["same"], report["same_code"]) == (old, False, False)
    assert {one["name"]: one["same"] for one in report["artifacts"]} == {
        "scores": True,
        "ic": False,
        "gone": False,
        "extra": False,
    }
    assert [one["reproduction"] for one in client.get("/v1/jobs").json["data"] if one["id"] == new] == [report]


@pytest.mark.parametrize("state", ["failed", "cancelled", "queued", "running"])
def test_only_a_job_that_succeeded_has_a_manifest(client, put, state):
    assert client.post(f"/v1/jobs/{put.job(state=state)}/reproduce").status_code == 409


def test_without_its_inputs_a_job_is_not_run_again(client, put):
    lost = {"ref": "ds_x@1", "sha256": "0" * 64, "key": "nowhere", "bytes": 1, "type": "prices"}
    response = client.post(f"/v1/jobs/{put.job(state='succeeded', inputs={'x': lost})}/reproduce")
    assert (response.status_code, response.json["type"]) == (410, "/problems/gone")
    assert "ds_x@1" in response.json["detail"]


def test_a_role_that_may_not_run_the_kind_may_not_reproduce_it(client, put, key_of):
    job_id = put.job(state="succeeded", params=SCORED, inputs={})
    assert client.post(f"/v1/jobs/{job_id}/reproduce", key=key_of("viewer")).status_code == 403
