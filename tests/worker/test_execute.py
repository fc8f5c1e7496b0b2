"""One attempt in this very process: claimed from real Postgres, stored in real S3, no Celery between."""

import json

import pytest

from infra import dispatching, jobs, leases
from infra.files import digest_file
from infra.leases import Requeue
from tasks.inputs import TableFile
from tasks.tables import read_columns
from worker.execute import execute
from worker.process import Tools


@pytest.fixture
def run(toys, toy_org):
    """Submit a toy job, admit it, and execute it here; returns its row."""
    tools = Tools(toys.settings, toys.database, toys.files, "host:1", 1)

    def submit_and_execute(do="nothing", **params):
        return execute_now(toys.submit(toy_org, do, **params))

    def execute_now(job_id):
        with toys.database.system() as connection:
            dispatching.claim_next(connection, "compute", 100)
        execute(tools, job_id, str(toys.job(toy_org, job_id)["dispatch_token"]))
        return toys.job(toy_org, job_id)

    submit_and_execute.tools, submit_and_execute.now = tools, execute_now
    return submit_and_execute


def read(toys, toy_org, job_id, name, path):
    with toys.database.org(toy_org.org_id) as connection:
        row = next(a for a in jobs.artifacts(connection, job_id) if a["name"] == name)
    toys.files.fetch(row["key"], path / "found", row["sha256"])
    return row, (path / "found").read_bytes()


def test_an_attempt_leaves_its_artifacts_its_manifest_and_no_scratch(toys, toy_org, run, tmp_path):
    job = run(table={"columns": ["x"], "rows": [[1], [2]]})
    assert (job["state"], job["result"]) == ("succeeded", {"did": "nothing"})
    assert job["run_s"] > 0
    row, numbers = read(toys, toy_org, job["id"], "numbers", tmp_path)
    assert row["key"].startswith(f"orgs/{toy_org.org_id}/jobs/{job['id']}/1/")
    assert (row["rows"], numbers[:4]) == (2, b"PAR1")
    _, text = read(toys, toy_org, job["id"], "manifest.json", tmp_path)
    manifest = json.loads(text)
    assert manifest["artifacts"]["numbers"]["sha256"] == row["sha256"]
    assert manifest["code_version"] == job["code_version"]
    assert job["id"] not in text.decode()
    assert not list((toys.settings.data_dir / "scratch").glob("1-*"))


def test_the_same_job_twice_gives_the_same_bytes(toys, toy_org, run, tmp_path):
    first, second = run(nonce=4), run(nonce=4)
    for name in ("numbers", "manifest.json"):
        _, one = read(toys, toy_org, first["id"], name, tmp_path)
        _, other = read(toys, toy_org, second["id"], name, tmp_path)
        assert one == other


def test_a_result_is_found_again_by_content_through_different_jobs(toys, toy_org, run):
    twins = [run(nonce=9)["id"], run(nonce=9)["id"]]
    first = run(table={"job": twins[0], "artifact": "numbers"}, cache="use")
    again = toys.submit(toy_org, table={"job": twins[1], "artifact": "numbers"}, cache="use")
    assert toys.job(toy_org, again)["cached_from"] == first["id"]


def test_a_dataset_version_is_made_with_the_job_and_numbered_on(toys, toy_org, run):
    first, second = run("dataset"), run("dataset", nonce=1)
    name, _, version = second["result"]["dataset"].partition("@")
    assert (first["result"]["dataset"], version) == (f"{name}@1", "2")
    job = run(table=name)
    assert [entry["ref"] for entry in job["inputs"].values()] == [f"{name}@2"]


def test_two_appends_to_one_version_both_keep_their_rows(toys, toy_org, run, tmp_path):
    name = run("dataset")["result"]["dataset"].partition("@")[0]
    first, second = (toys.submit(toy_org, "append", table=name, nonce=nonce) for nonce in (7, 8))
    assert run.now(first)["result"]["dataset"] == f"{name}@2"
    job = run.now(second)
    assert (job["state"], job["charged"], job["result"]) == ("queued", 0, None)
    assert [stored["ref"] for stored in job["inputs"].values()] == [f"{name}@2"]
    assert run.now(second)["result"]["dataset"] == f"{name}@3"
    read(toys, toy_org, second, "numbers", tmp_path)
    assert read_columns(TableFile(tmp_path / "found", "", ""))["x"].tolist() == [0, 1, 2, 7, 8]
    with toys.database.org(toy_org.org_id) as connection:
        assert any("runs again" in line["message"] for line in jobs.logs(connection, second))


def test_an_append_to_a_version_named_in_the_parameters_says_that_it_was_overtaken(toys, toy_org, run):
    old = run("dataset")["result"]["dataset"]
    run("dataset", nonce=1)
    job = run("append", table=old)
    assert (job["state"], job["error"]["type"]) == ("failed", "/problems/conflict")
    assert "without its version" in job["error"]["detail"]


def test_a_refusal_is_the_owners_to_read_and_is_not_tried_again(run):
    job = run("refuse")
    assert (job["state"], job["error"]["detail"], job["attempt"]) == ("failed", "the data smell of fish", 1)


def test_a_fault_of_ours_is_tried_again_and_tells_its_owner_no_detail(toys, toy_org, run):
    job = run("fail")
    assert (job["state"], job["attempt"], job["charged"]) == ("queued", 1, 1)
    assert job["run_at"] > job["started_at"]
    with toys.database.org(toy_org.org_id) as connection:
        shown = json.dumps([jobs.events_after(connection, job["id"]), jobs.logs(connection, job["id"])], default=str)
    assert "doing fail" in shown
    assert "a secret detail" not in shown


def test_a_memory_error_is_caught(run):
    assert run("out_of_memory")["state"] == "queued"


def test_an_attempt_that_lost_its_lease_leaves_nothing_visible(toys, toy_org, run, monkeypatch):
    def lose_it(tools, held, rendered):
        with toys.database.system() as connection:
            leases.requeue(connection, held, Requeue("worker-lost"))
        return []

    monkeypatch.setattr("worker.effects.store", lose_it)
    job = run("dataset")
    assert (job["state"], job["attempt"]) == ("queued", 1)
    with toys.database.org(toy_org.org_id) as connection:
        assert jobs.artifacts(connection, job["id"]) == []
        assert connection.execute("SELECT 1 FROM datasets").fetchone() is None


def test_bytes_that_were_swapped_in_the_store_are_never_computed_on(toys, toy_org, run, tmp_path):
    made = run(nonce=2)
    reader = toys.submit(toy_org, table={"job": made["id"], "artifact": "numbers"})
    with toys.database.org(toy_org.org_id) as connection:
        key = jobs.artifacts(connection, made["id"])[1]["key"]
    (tmp_path / "other").write_bytes(b"other bytes")
    toys.files.delete(key)
    toys.files.put(key, tmp_path / "other", "x/y", digest_file(tmp_path / "other"))
    job = run.now(reader)
    assert (job["state"], job["error"]["type"]) == ("failed", "/problems/integrity")


def test_a_message_for_a_job_that_is_gone_or_taken_does_nothing(toys, toy_org, run):
    execute(run.tools, "job_unknown", "00000000-0000-4000-8000-000000000000")
    job = run()
    execute(run.tools, job["id"], "00000000-0000-4000-8000-000000000000")
    assert toys.job(toy_org, job["id"])["version"] == job["version"]


def test_what_a_job_logs_its_owner_can_read(toys, toy_org, run):
    job = run()
    with toys.database.org(toy_org.org_id) as connection:
        assert [(line["attempt"], line["message"]) for line in jobs.logs(connection, job["id"])] == [
            (1, "doing nothing")
        ]
